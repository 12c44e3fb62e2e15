"""Rows as their owner holds them: what is taken, what comes back, what is refused."""

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import shortlist as sl
from shortlist import ops
from shortlist.errors import ArgumentError, DataError
from shortlist.io import Dataset, given_back, taken

ROWS = {"shop": ["a", "b", "a", None], "sold": [1.0, 0.0, 1.0, 1.0], "order": [1, 2, 3, 4]}


def _forms() -> dict[str, Any]:
    frame = pl.DataFrame(ROWS)
    return {
        "data set": Dataset.of(frame),
        "frame": frame,
        "lazy frame": frame.lazy(),
        "pandas": frame.to_pandas(),
        "arrow": frame.to_arrow(),
        "dict": dict(ROWS),
    }


@pytest.mark.parametrize("name", list(_forms()))
def test_a_workflow_takes_rows_in_every_form_and_gives_them_back_in_it(name: str) -> None:
    given = _forms()[name]
    flow = sl.Workflow([["shop"] >> ops.Categorify()]).fit(given)
    out = flow.transform(given)
    assert isinstance(out, type(given))
    assert taken(out, "here").collect()["shop"].to_list() == [3, 4, 3, 1]


@pytest.mark.parametrize("name", list(_forms()))
def test_the_rows_of_fitting_are_known_again_in_every_form(name: str) -> None:
    """Out of fold for the rows that the encoding was fitted on, whole for the same rows read again."""
    given, again = _forms()[name], _forms()[name]
    flow = sl.Workflow([["shop"] >> ops.TargetEncoding("sold", folds=2, smoothing=1.0)]).fit(given)
    own, whole = (taken(flow.transform(rows), "here").collect()["TE_shop_sold"] for rows in (given, again))
    assert whole[0] == pytest.approx((2 + 0.75) / (2 + 1))
    assert own.to_list() != whole.to_list()


def test_tags_of_fitting_hold_for_frames_that_come_later() -> None:
    raw = Dataset.of(pl.DataFrame(ROWS)).tag("shop", "item", "id").schema
    like = taken(pl.DataFrame(ROWS), "here", raw).schema
    assert like["shop"].has("item", "id")
    assert not like["sold"].tags
    vectors = taken(pl.DataFrame({"shop": [[1, 2]]}), "here", raw).schema
    assert not vectors["shop"].tags  # a list is not the column that was tagged


def test_update_extend_write_and_coverage_take_frames(tmp_path: Any) -> None:
    frame = pl.DataFrame(ROWS)
    flow = sl.Workflow([["shop"] >> ops.Categorify()]).fit(frame, keep_totals=True)
    assert flow.update(pl.DataFrame({"shop": ["b", "b", "b"], "sold": [1.0, 1.0, 1.0]})).decode(
        "shop", [3]
    ) == ["b"]
    assert flow.extend(pl.DataFrame({"shop": ["c"], "sold": [0.0]})).decode("shop", [5]) == ["c"]
    flow.write(frame.to_pandas(), tmp_path / "out")
    assert sl.io.read_parquet(tmp_path / "out").count() == 4
    rates = flow.coverage({"shop": ["a", "z"], "sold": [0.0, 1.0], "order": [1, 2]})
    assert rates.filter(pl.col("column") == "shop")["unknown_rate"].item() == 0.5


def test_arrow_and_pandas_come_back_with_their_values() -> None:
    data = Dataset.of(pl.DataFrame({"a": [1, 2]}))
    assert isinstance(given_back(data, pa.table({"a": [0]})), pa.Table)
    assert given_back(data, pl.DataFrame().to_pandas())["a"].tolist() == [1, 2]


@pytest.mark.parametrize("given", ["events.parquet", 7, None, np.zeros(3)])
def test_a_workflow_refuses_what_is_no_table(given: object) -> None:
    flow = sl.Workflow([["shop"] >> ops.Categorify()])
    with pytest.raises(ArgumentError, match=r"Workflow.fit: expected a Dataset, a Polars or pandas frame"):
        flow.fit(given)


def test_a_request_is_a_batch() -> None:
    flow = sl.Workflow([["shop"] >> ops.Categorify()]).fit(ROWS)
    with pytest.raises(ArgumentError, match=r"transform_batch: expected a Batch; received 'dict'"):
        flow.transform_batch(ROWS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("where", "call"),
    [
        ("split.by_time", sl.split.by_time),
        ("split.by_user_random", sl.split.by_user_random),
        ("split.last_out", sl.split.last_out),
        ("split.cold_items", sl.split.cold_items),
        ("State.train.", sl.State),
        ("evaluate.test.", lambda rows: sl.evaluate({}, rows)),
    ],
)
def test_a_log_must_know_its_users(where: str, call: Any) -> None:
    with pytest.raises(
        DataError, match=f"{where}: expected a Dataset, which knows its users.*polars DataFrame"
    ):
        call(pl.DataFrame(ROWS))
