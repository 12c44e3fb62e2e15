"""Laws of ops on times and of grouping: equal paths, partitions that do not matter, saving and loading."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from shortlist.data import Batch
from shortlist.features import Workflow, engine, ops
from shortlist.features._series import to_array
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema
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
        suite.OpCase(f"DateParts {zone}", lambda zone=zone: [["t", "n", "ts"] >> ops.DateParts(PARTS, zone=zone)], TIMES)
        for zone in ZONES
    ),
    suite.OpCase("DateParts cyclic", lambda: [["t", "ts"] >> ops.DateParts(PARTS[1:], cyclic=True)], TIMES),
    suite.OpCase("Elapsed", lambda: [[["since", "t"], ["n", "since"]] >> ops.Elapsed("hours")], TIMES),
    suite.OpCase("DateParts Categorify", lambda: ["t" >> ops.DateParts("hour") >> ops.Categorify()], TIMES),
]
every_op = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def rows() -> st.SearchStrategy[pl.DataFrame]:
    seconds = st.one_of(st.none(), st.integers(0, 4 * 10**9))
    units = st.sampled_from([1, 1_000, 1_000_000])
    number = st.builds(lambda n, unit: None if n is None else n * unit, seconds, units)
    row = st.tuples(MOMENTS, MOMENTS, number, st.one_of(st.none(), st.lists(MOMENTS, max_size=3)))
    types = {"t": pl.Datetime("us"), "since": pl.Datetime("us"), "n": pl.Int64, "ts": pl.List(pl.Datetime("us"))}
    return st.lists(row, max_size=10).map(lambda cells: pl.DataFrame(cells, schema=types, orient="row"))


def as_batch(frame: pl.DataFrame, schema: Schema) -> Batch:
    return Batch({column.name: to_array(column, frame[column.name]) for column in schema}, rows=len(frame))


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
    folder, flow, dataset = tmp_path_factory.mktemp("flow") / "flow", case.fit(frame), Dataset.of(frame, TIMES)
    flow.save(folder)
    assert Workflow.load(folder).transform(dataset).collect().equals(flow.transform(dataset).collect())
