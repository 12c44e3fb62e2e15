"""The proposed program runs as it stands, and fits on the data."""

from collections.abc import Mapping
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist.datasets import planted
from shortlist.features import Workflow
from shortlist.io import Dataset
from shortlist.profiling import profile

ROOT = Path(__file__).parents[3]


def fitted(code: str, folder: Path, source: object = None) -> Workflow:
    """What the program fits, run as a file."""
    file = folder / "program.py"
    file.write_text(code, encoding="utf-8")
    flow = run_path(str(file), init_globals={"source": source})["flow"]
    assert isinstance(flow, Workflow)
    return flow


@pytest.fixture(scope="module")
def log() -> Any:
    return planted(users=60, items=50, events=1500, groups=5)


def test_a_log_in_a_file(log: Any, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    log.events.join_tables(log.items, log.users).collect().write_parquet(path)
    code = profile(path).code
    assert f'sl.scan("{path}", roles=roles)' in code
    assert "train, _, test = sl.split.by_time(events" in code
    names = fitted(code, tmp_path).schema.names
    assert {"user_id", "item_id", "category", "price", "item_id_history", "user_count", "time"} <= set(names)


def test_a_data_set(log: Any, tmp_path: Path) -> None:
    events = log.events.join_tables(log.items, log.users)
    report = profile(events)
    assert report.schema == events.schema
    assert report.suspects == ()
    assert "item_id_history" in fitted(report.code, tmp_path, events).schema
    plain = Dataset.of(events.collect())
    assert "item_id_history" in fitted(profile(plain).code, tmp_path, plain).schema


def test_several_files(log: Any, tmp_path: Path) -> None:
    rows = log.events.collect()
    files = [str(tmp_path / f"part-{n}.csv") for n in range(3)]
    for n, file in enumerate(files):
        rows[n * 500 : (n + 1) * 500].write_csv(file)
    report = profile(files)
    assert (report.rows, report.name) == (1500, "part-0.csv and 2 more")
    assert "item_id" in fitted(report.code, tmp_path).schema


TABLES: Mapping[str, Mapping[str, Any]] = {
    "items": {"item_id": range(40), "price": [n**2.5 for n in range(40)], "kind": ["a", "b"] * 20},
    "users": {"user_id": [f"u{n}" for n in range(40)], "age": [20.5 + n for n in range(40)]},
    "events of items": {"item_id": [1, 2] * 30, "click": [0, 1, 1] * 20, "x": [1.5, None, 2.5] * 20},
    "ids as floats": {"item_id": [1.0, 2.0] * 30, "kind": ["a", "b", "c"] * 20},
    "survey": {"answer": ["yes", "no", None] * 20, "y": [0, 1] * 30, "lists": [["a"], []] * 30},
    "returns": {"user_id": [1, 2] * 30, "item_id": [1, 2, 3] * 20, "quantity": [2, 3, -1] * 20},
    "ratings": {"user_id": [1, 2] * 30, "item_id": [1, 2, 3] * 20, "rating": [1, 3, 5] * 20},
    "kinds": {"user_id": [1, 2] * 30, "item_id": [1, 2, 3] * 20, "event": ["view", "buy"] * 30},
    "one time": {"user_id": [1, 2] * 30, "item_id": [1, 2, 3] * 20, "ts": ["2024-01-01"] * 60},
    "minutes": {
        "user_id": [1, 2] * 30,
        "item_id": [1, 2, 3] * 20,
        "ts": range(1_700_000_000, 1_700_003_600, 60),
    },
    "odd names": {
        "user id": ['a"b', "c\\d", "e"] * 20,
        "item id": [1, 2] * 30,
        'na"me\\': ["x", "y", "z"] * 20,
    },
}


@pytest.mark.parametrize("name", TABLES)
def test_any_table_in_memory(name: str, tmp_path: Path) -> None:
    source = pl.DataFrame({column: list(values) for column, values in TABLES[name].items()})
    code = profile(source).code
    assert max(map(len, code.splitlines())) <= 110
    assert len(fitted(code, tmp_path, source).schema) > 0


def test_a_wide_table_is_folded(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = {f"user-item affinity {n}": rng.random(40) for n in range(60)}
    source = pl.DataFrame(values)
    code = profile(source).code
    assert max(map(len, code.splitlines())) <= 110
    assert set(fitted(code, tmp_path, source).schema.names) == set(values)


def test_words_about_what_events_mean() -> None:
    def code(name: str) -> str:
        return profile(pl.DataFrame({c: list(v) for c, v in TABLES[name].items()})).code

    assert "signals = sl.Signals(negative_value_cancels=True)" in code("returns")
    assert "sl.Signals(min_value=...) keeps the high ones" in code("ratings")
    assert "sl.Signals says otherwise, by type: buy, view." in code("kinds")
    assert 'test="9m"' in code("minutes")  # a sixth of 59 minutes, in whole minutes
    assert "by_time" not in code("one time")


def test_numbers_are_limited_and_scaled_as_they_need() -> None:
    rows = pl.DataFrame(
        {
            "even": [n / 10 for n in range(1000)],
            "skewed": [1.001 ** (n * 10) for n in range(1000)],
            "wild": [n % 100 / 10 for n in range(999)] + [1e6],
            "gaps": [None if n % 3 else n / 7 for n in range(1000)],
        }
    )
    code = profile(rows).code
    assert '["even"] >> ops.Normalize() >> ops.FillMissing(0.0),' in code
    assert '["skewed"] >> ops.LogOp() >> ops.Normalize() >> ops.FillMissing(0.0),' in code
    assert '["wild"] >> ops.Clip(0, 9.9) >> ops.Normalize()' in code
    assert '["gaps"] >> ops.Normalize() >> ops.FillMissing(0.0, add_indicator=True),' in code


def test_the_shop_that_comes_along(tmp_path: Path) -> None:
    whole = pl.scan_parquet(ROOT / "data" / "online-retail" / "onlineretail.parquet")
    path = tmp_path / "shop.parquet"
    whole.gather_every(25).collect().write_parquet(path)
    report = profile(path)
    assert [(one.column, one.why) for one in report.suspects] == [("InvoiceNo", "is the time in disguise")]
    assert dict(report.subject.roles) == {
        "user": "CustomerID",
        "item": "StockCode",
        "time": "InvoiceDate",
        "value": "Quantity",
    }
    assert "StockCode_history" in fitted(report.code, tmp_path).schema
