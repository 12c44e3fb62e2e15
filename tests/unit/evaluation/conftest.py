"""A log small enough to work every list and every metric out by hand.

Item 1 was taken three times, item 2 twice, item 3 once, items 4 and 5 never: `Popular` answers 1, 2, 3.
"""

from collections.abc import Callable, Sequence

import polars as pl
import pytest

from shortlist.io import Dataset
from shortlist.pipeline import Pipeline, Popular, State
from shortlist.schema import Column, Schema

EVENTS = Schema(
    [
        Column("user", "string", ("user", "id", "categorical")),
        Column("item", "int64", ("item", "id", "categorical")),
        Column("time", "datetime", ("time",)),
        Column("weight", "float32", ("weight",)),
    ]
)
ITEMS = Schema([EVENTS["item"], Column("stock", "int64", ("item", "continuous"))])
SEEN = [("a", 1, 1), ("a", 2, 2), ("b", 1, 3), ("b", 3, 4), ("c", 1, 5), ("c", 2, 6)]
HELD_OUT = [("a", 1, 10), ("a", 3, 11), ("b", 2, 12), ("c", 2, 13), ("d", 1, 14), ("d", 9, 15)]

Rows = Sequence[tuple[str, int, int] | tuple[str, int, int, float]]


def log(rows: Rows) -> Dataset:
    types = {"user": pl.String, "item": pl.Int64, "time": pl.Int64, "weight": pl.Float32}
    frame = pl.DataFrame([(*row, 1.0)[:4] for row in rows], schema=types, orient="row")
    return Dataset.of(frame.with_columns(pl.col("time").cast(pl.Datetime("us"))), EVENTS)


@pytest.fixture
def make_log() -> Callable[[Rows], Dataset]:
    return log


@pytest.fixture
def state() -> State:
    items = pl.DataFrame({"item": [1, 2, 3, 4, 5], "stock": [1, 0, 1, 1, 1]})
    return State(log(SEEN), items=Dataset.of(items, ITEMS))


@pytest.fixture
def popular(state: State) -> Pipeline:
    return Pipeline([Popular(k=10)], state=state)


@pytest.fixture
def test() -> Dataset:
    return log(HELD_OUT)
