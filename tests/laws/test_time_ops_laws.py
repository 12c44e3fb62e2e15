"""Laws of ops on times and of grouping: equal paths, partitions that do not matter, saving and loading."""

from datetime import UTC, datetime
from itertools import pairwise
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from shortlist.data import Batch
from shortlist.features import Workflow, engine, ops
from shortlist.features.ops import _groupby
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema
from shortlist.store import to_array
from shortlist.testing import _ops as suite

MOMENTS = st.one_of(
    st.none(),
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from([datetime(1970, 1, 1), datetime(2024, 2, 29, 23, 59, 59), datetime(2021, 1, 3)]),
)
TIMES = Schema(
    [
        Column("t", "datetime", ("time",)),
        Column("since", "datetime", ("user", "date")),
        Column("n", "int64", ("context",)),
        Column("ts", "datetime", ("user",), LIST),
    ]
)
ZONES = (None, "Europe/Rome", "America/St_Johns", "Asia/Kathmandu")
PARTS = ("year", "quarter", "month", "week", "yearday", "day", "weekday", "hour", "minute", "second")
CASES = [
    *(
        suite.OpCase(
            f"DateParts {zone}",
            lambda zone=zone: [["t", "n", "ts"] >> ops.DateParts(PARTS, zone=zone)],
            TIMES,
        )
        for zone in ZONES
    ),
    suite.OpCase("DateParts cyclic", lambda: [["t", "ts"] >> ops.DateParts(PARTS[1:], cyclic=True)], TIMES),
    suite.OpCase(
        "Elapsed",
        lambda: [[["since", "t"]] >> ops.Elapsed("hours"), [["n", "since"]] >> ops.Elapsed()],
        TIMES,
    ),
    suite.OpCase("ExampleAge", lambda: ["since" >> ops.ExampleAge(), "n" >> ops.ExampleAge("age")], TIMES),
    suite.OpCase("DateParts Categorify", lambda: ["t" >> ops.DateParts("hour") >> ops.Categorify()], TIMES),
]
every_op = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def rows() -> st.SearchStrategy[pl.DataFrame]:
    seconds = st.one_of(st.none(), st.integers(0, 4 * 10**9))
    units = st.sampled_from([1, 1_000, 1_000_000])
    number = st.builds(lambda n, unit: None if n is None else n * unit, seconds, units)
    row = st.tuples(MOMENTS, MOMENTS, number, st.one_of(st.none(), st.lists(MOMENTS, max_size=3)))
    types = {
        "t": pl.Datetime("us"),
        "since": pl.Datetime("us"),
        "n": pl.Int64,
        "ts": pl.List(pl.Datetime("us")),
    }
    return st.lists(row, max_size=10).map(lambda cells: pl.DataFrame(cells, schema=types, orient="row"))


def as_batch(frame: pl.DataFrame, schema: Schema) -> Batch:
    return Batch({column.name: to_array(frame[column.name]) for column in schema}, rows=len(frame))


@every_op
@settings(max_examples=10, deadline=None)
@given(frame=rows())
def test_offline_path_equals_request_path(case: suite.OpCase, frame: pl.DataFrame) -> None:
    flow = case.fit(frame)
    offline = flow.transform(Dataset.of(frame, TIMES)).collect()
    online = flow.transform_batch(as_batch(frame, TIMES))
    for column in flow.schema:
        if column.name != "t":
            suite.assert_close(suite.rows_of(offline[column.name]), suite.rows_of(online[column.name]), 1e-6)


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=30, deadline=None)
@given(moment=st.datetimes(datetime(1930, 1, 1), datetime(2037, 1, 1)))
def test_parts_are_those_of_the_calendar(zone: str | None, moment: datetime) -> None:
    local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone or "UTC"))
    expected = [
        local.year,
        (local.month + 2) // 3,
        local.month,
        local.isocalendar().week,
        local.timetuple().tm_yday,
        local.day,
        local.isoweekday(),
        local.hour,
        local.minute,
        local.second,
    ]
    flow = Workflow(["t" >> ops.DateParts(PARTS, zone=zone)]).fit(Dataset.of(pl.DataFrame({"t": [moment]})))
    batch = flow.transform_batch(Batch({"t": np.array([moment], dtype="datetime64[us]")}))
    assert [batch[f"t_{part}"].tolist()[0] for part in PARTS] == expected


@every_op
@settings(max_examples=2, deadline=None)
@given(frame=rows())
def test_saved_and_loaded_is_identical(case: suite.OpCase, frame: pl.DataFrame, tmp_path_factory) -> None:
    folder, flow, dataset = (
        tmp_path_factory.mktemp("flow") / "flow",
        case.fit(frame),
        Dataset.of(frame, TIMES),
    )
    flow.save(folder)
    assert Workflow.load(folder).transform(dataset).collect().equals(flow.transform(dataset).collect())


EVENTS = Schema(
    [
        Column("user", "string", ("user", "id")),
        Column("item", "int64", ("item", "id")),
        Column("time", "datetime", ("time",)),
        Column("price", "float32", ("item", "continuous")),
        Column("stars", "int8", ("context",)),
        Column("tags", "string", ("item", "categorical"), LIST),
    ]
)
EVENT_TYPES = {
    "user": pl.String,
    "item": pl.Int64,
    "time": pl.Datetime("us"),
    "price": pl.Float32,
    "stars": pl.Int8,
    "tags": pl.List(pl.String),
}
EVENT = st.tuples(
    st.sampled_from(["ann", "bob", "cyd", None]),
    st.one_of(st.none(), st.integers(0, 9)),
    st.one_of(st.none(), st.integers(0, 8).map(lambda n: datetime(2024, 1, 1, n, 10 * n % 60))),
    st.sampled_from([None, 0.5, 1.5, -2.0, float("nan")]),
    st.one_of(st.none(), st.integers(-100, 100)),
    st.one_of(st.none(), st.lists(st.sampled_from(["a", "b", None]), max_size=2)),
)
GROUPS = [
    ops.Groupby("user", lists=("item", "price", "time"), first=("tags", "time"), last=("item", "time")),
    ops.Groupby(
        "user", lists="item", max_length=2, min_length=2, aggregates={"stars": ("sum", "median", "var")}
    ),
    ops.Groupby("user", lists=("item", "stars"), first="item", last="price", max_length=2, ascending=False),
    ops.Groupby(
        "user", lists="time", gap="90m", last="time", aggregates={"price": ("mean", "std", "min", "max")}
    ),
    ops.Groupby(("item", "user"), sort=None, lists="price", aggregates={"user": ("count", "nunique")}),
]
every_group = pytest.mark.parametrize("groups", GROUPS)
some_events = st.lists(EVENT, max_size=14).map(
    lambda rows: pl.DataFrame(rows, schema=EVENT_TYPES, orient="row")
)


@every_group
@settings(max_examples=12, deadline=None)
@given(frame=some_events, cut=st.integers(0, 14))
def test_groups_of_partitions_and_of_a_batch_are_those_of_the_whole(
    groups: ops.Groupby, frame: pl.DataFrame, cut: int
) -> None:
    whole = groups.regroup(Dataset.of(frame, EVENTS))
    assert whole.schema == groups.schema(EVENTS)
    expected = whole.collect()
    assert tuple(expected.columns) == whole.schema.names
    parts = groups.regroup(Dataset.of([frame[:cut], frame[cut:]], EVENTS)).collect()
    assert_frame_equal(expected, parts)
    batch = groups.regroup_batch(as_batch(frame, EVENTS), EVENTS)
    for name in expected.columns:
        found = suite.rows_of(batch[name])
        wanted = suite.rows_of(
            expected[name].cast(pl.Int64) if expected[name].dtype.is_temporal() else expected[name]
        )
        if isinstance(expected[name].dtype, pl.List) and expected[name].dtype.inner.is_temporal():
            wanted = suite.rows_of(expected[name].cast(pl.List(pl.Int64)))
        suite.assert_close(wanted, found, 1e-6)


@every_group
@settings(max_examples=5, deadline=None)
@given(frame=some_events)
def test_groups_out_of_buckets_are_those_of_the_whole(groups: ops.Groupby, frame: pl.DataFrame) -> None:
    whole = groups.regroup(Dataset.of(frame, EVENTS)).collect()
    with patch.object(_groupby, "_BUCKET", 3):
        out = groups.regroup(Dataset.of([frame[:5], frame[5:]], EVENTS), engine.Local())
    assert len(out.partitions) == len(frame) // 3 + 1
    assert_frame_equal(whole, out.collect(), check_row_order=False)


@settings(max_examples=15, deadline=None)
@given(frame=some_events)
def test_sessions_are_those_of_a_loop(frame: pl.DataFrame) -> None:
    expected = []
    for user in sorted({user for user in frame["user"] if user is not None}):
        rows = [row for row in frame.rows() if row[0] == user]
        rows.sort(key=lambda row: row[2] or datetime(1, 1, 1))
        number, lists = 0, [[rows[0][1]]]
        for earlier, later in pairwise(rows):
            if earlier[2] is not None and (later[2] - earlier[2]).total_seconds() > 90 * 60:
                lists.append([])
            lists[-1].append(later[1])
        expected += [(user, number + place, items) for place, items in enumerate(lists)]
    out = ops.Groupby("user", lists="item", gap="90m").regroup(Dataset.of(frame, EVENTS)).collect()
    assert sorted(out.rows(), key=lambda row: row[:2]) == expected
