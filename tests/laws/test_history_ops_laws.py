"""Laws of history ops: the store's value at a time is the offline value as of that time."""

from collections.abc import Sequence

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.schema import Column, Schema
from shortlist.testing import _ops as suite

EVENTS = Schema(
    [
        Column("user", "int64", ("user", "id")),
        Column("item", "int64", ("item", "id")),
        Column("time", "datetime", ("time",)),
        Column("weight", "float32", ("weight",)),
        Column("category", "string", ("item", "categorical")),
        Column("shop", "int64", ("context", "categorical")),
        Column("member", "bool", ("user", "categorical")),
        Column("price", "float64", ("context", "continuous")),
        Column("click", "int64", ("target", "binary")),
    ]
)
TYPES = {
    "user": pl.Int64,
    "item": pl.Int64,
    "time": pl.Datetime("us"),
    "weight": pl.Float32,
    "category": pl.String,
    "shop": pl.Int64,
    "member": pl.Boolean,
    "price": pl.Float64,
    "click": pl.Int64,
}
event = st.tuples(
    st.one_of(st.none(), st.integers(0, 2)),
    st.one_of(st.none(), st.integers(0, 3)),
    st.integers(0, 6).map(lambda day: day * 43_200_000_000),
    st.sampled_from([1.0, 2.0, 0.0, -1.0]),
    st.sampled_from([None, "red", "blue", ""]),
    st.sampled_from([None, -1, 0, 2**62, -(2**62)]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, 0.1, -3.0, 1e9, float("nan"), float("inf")]),
    st.sampled_from([None, 0, 1]),
)
events = st.lists(event, max_size=14).map(lambda rows: pl.DataFrame(rows, schema=TYPES, orient="row"))
ENTITIES: Sequence[str | tuple[str, ...]] = (
    "user",
    "item",
    "pair",
    "category",
    "shop",
    "member",
    ("user", "category"),
    ("shop", "item"),
    ("member", "category", "user"),
)
SOURCES: list[ops.Source] = [
    *(ops.History(of, max_length=2) for of in ("item", "category", "shop", "member", "price", "time")),
    ops.History("click"),
    ops.History("item", name="all_items"),
    *(ops.AsOf(of, "count", "1d") for of in ENTITIES),
    *(ops.AsOf(of, "days_since") for of in ENTITIES[2:]),
    *(ops.AsOf(of, "days_since_first", "2d") for of in ENTITIES[:7]),
    *(ops.AsOf(of, "rate", window) for of in ("item", ("user", "shop")) for window in (None, "36h")),
    *(ops.AsOf(of, "share") for of in ("pair", ("category", "user"))),
    *(ops.AsOf(of, "mean", value=value) for of in ENTITIES[:4] for value in ("click", "price")),
    *(ops.AsOf(of, "sum", "2d", value=value) for of in ENTITIES[4:] for value in ("member", "price")),
    *(
        ops.DifferenceLag("price", by, shift, name="_".join(["price", *by]))
        for by in ENTITIES
        for shift in (1, 3)
    ),
    ops.DifferenceLag("click", name="clicked"),
]


@settings(max_examples=8, deadline=None)
@given(rows=events)
def test_history_offline_equals_the_store_replayed(rows: pl.DataFrame) -> None:
    suite.check_replay(SOURCES, rows, EVENTS)


@settings(max_examples=4, deadline=None)
@given(rows=events, cut=st.integers(0, 14))
def test_history_does_not_depend_on_partitions_or_on_who_holds_the_past(rows: pl.DataFrame, cut: int) -> None:
    ahead = ops.DifferenceLag("price", shift=[-1, -2])
    flow = Workflow([*SOURCES, ahead]).fit(Dataset.of(rows, EVENTS))
    whole = flow.transform(Dataset.of(rows, EVENTS)).collect()
    parts = flow.transform(Dataset.of([rows[:cut], rows[cut:]], EVENTS)).collect()
    assert_frame_equal(whole, parts)
    past, late = Dataset.of(rows[:cut], EVENTS), Dataset.of(rows[cut:], EVENTS)
    assert_frame_equal(flow.transform(late, log=past).collect(), whole[cut:])
