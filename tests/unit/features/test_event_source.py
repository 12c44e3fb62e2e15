"""How the log that history ops look back on is read, held and sent."""

import pickle
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from shortlist.features import Workflow, engine, ops
from shortlist.features._event_source import EventSource
from shortlist.features._event_spool import Distinct, Spool
from shortlist.io import Dataset
from shortlist.schema import Column, Schema

SCHEMA = Schema(
    [
        Column("user_id", "string", ("user", "id")),
        Column("item_id", "int64", ("item", "id")),
        Column("time", "datetime", ("time",)),
        Column("click", "int8", ("target", "binary")),
        Column("price", "float32", ("context", "continuous")),
        Column("category", "string", ("item", "categorical")),
    ]
)
SOURCES = [
    ops.History("item_id", max_length=5),
    ops.History("category", max_length=3),
    ops.AsOf("pair"),
    ops.AsOf(("user", "category"), window="9d"),
    ops.AsOf("item", "mean", value="click"),
    ops.AsOf("user", "sum", value="price"),
    ops.DifferenceLag("price", shift=[2, -1]),
]
RNG = np.random.default_rng(3)


def part(size: int) -> pl.DataFrame:
    start = datetime(2024, 1, 1)
    return pl.DataFrame(
        {
            "user_id": [f"u{n}" for n in RNG.integers(0, 30, size)],
            "item_id": RNG.integers(0, 40, size) * 10**12,
            "time": [start + timedelta(minutes=int(n)) for n in RNG.integers(0, 50_000, size)],
            "click": RNG.integers(0, 2, size),
            "price": RNG.random(size) * 100,
            "category": RNG.choice(["red", "blue", "", "green"], size),
        },
        schema_overrides={"time": pl.Datetime("us"), "click": pl.Int8, "price": pl.Float32},
    )


LOG = Dataset.of([part(900), part(1), part(700).clear(), part(800)], SCHEMA)


@pytest.fixture
def cramped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> engine.Local:
    """An engine that holds next to nothing."""
    monkeypatch.setattr("shortlist.features._event_source._LEAST", 0)
    monkeypatch.setattr("shortlist.features._event_reader._ROWS", (100, 100))
    return engine.Local(memory=50_000, scratch=tmp_path)


def columns(source: EventSource) -> list[pl.Expr]:
    single = [part for source in SOURCES for part in getattr(source, "each", lambda one=source: (one,))()]
    return [source.column(one, one.column(SCHEMA), SCHEMA) for one in single]


def test_a_log_in_files_gives_what_a_log_in_memory_gives(cramped: engine.Local) -> None:
    flow = Workflow(SOURCES).fit(LOG)
    plain = flow.transform(LOG).collect()
    assert_frame_equal(plain, flow.transform(LOG, engine=cramped).collect())
    in_files = EventSource([LOG], cramped)
    _ = columns(in_files)
    assert in_files.events().log.space.folder is not None
    assert in_files.events() is in_files.events()


def test_a_small_log_stays_in_memory() -> None:
    source = EventSource([LOG], engine.Local(memory="1GB"))
    _ = columns(source)
    log = source.events().log
    assert log.space.folder is None
    assert set(log.columns) == {"category", "click", "price"}
    assert len(log) == LOG.count()


def test_only_what_is_needed_is_read() -> None:
    source = EventSource([LOG], engine.Local())
    _ = source.column(SOURCES[0], SOURCES[0].column(SCHEMA), SCHEMA)
    log = source.events().log
    assert (len(log), dict(log.columns)) == (LOG.filter(pl.col("click") > 0).count(), {})
    _ = columns(source)  # more is asked for: it is read again
    assert len(source.events().log) == LOG.count()


@pytest.mark.parametrize("memory", ["1GB", 50_000])
def test_a_log_travels_by_its_files(
    memory: int | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shortlist.features._event_source._LEAST", 0)
    source = EventSource([LOG], engine.Local(memory=memory, scratch=tmp_path))
    asked = columns(source)
    here = LOG.frame().select(asked).collect()
    sent = pickle.dumps(source)
    assert len(sent) < 20_000  # the arrays alone would be more
    arrived = pickle.loads(sent)
    assert_frame_equal(here, LOG.frame().select(columns(arrived)).collect())


def test_frames_go_to_files_once_they_are_too_many(tmp_path: Path) -> None:
    spool = Spool(1_500, lambda: tmp_path)
    frames = [pl.DataFrame({"a": [n, n], "b": [str(n)] * 2}) for n in range(5)]
    for frame in frames:
        spool.add(frame)
    assert spool.folder == tmp_path
    assert len(list(tmp_path.iterdir())) == 5
    assert pl.concat(spool.column("a")).to_list() == [n for n in range(5) for _ in "ab"]
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_distinct_values_are_in_the_order_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shortlist.features._event_spool._FEW", 1)
    distinct = Distinct()
    for values in (["b", None, "a"], ["a", "c"], [], ["b", "d"]):
        distinct.add(pl.Series(values, dtype=pl.String))
    table = distinct.table()
    assert table.frame["value"].to_list() == ["b", "a", "c", "d"]
    assert len(Distinct().table()) == 0


def test_data_that_are_no_log_have_no_past() -> None:
    bare = LOG.select(["user_id", "time"])
    flow = Workflow([ops.AsOf("user")]).fit(LOG)
    assert flow.transform(bare).collect()["user_count"].to_list() == [0.0] * LOG.count()
