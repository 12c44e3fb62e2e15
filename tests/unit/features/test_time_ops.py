"""Parts of times, and times between columns, by arithmetic."""

from datetime import datetime
from math import cos, pi, sin

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch
from shortlist.errors import ArgumentError, SchemaError
from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.schema import Column, Schema

TIMES = [datetime(2024, 12, 30, 6, 15, 30), None, datetime(1969, 12, 31, 23, 59, 59)]
SCHEMA = Schema([Column("time", "datetime", ("time",)), Column("born", "datetime", ("user", "date"))])
ROWS = Dataset.of(
    pl.DataFrame({"time": TIMES, "born": [datetime(2024, 12, 30), None, datetime(1970, 1, 1)]}), SCHEMA
)


def test_parts() -> None:
    parts = ("year", "quarter", "month", "week", "yearday", "day", "weekday", "hour", "minute", "second")
    out = Workflow(["time" >> ops.DateParts(parts)]).fit(ROWS).transform(ROWS).collect()
    # Monday, 30 December 2024 is of the first week of 2025.
    assert out.row(0)[:10] == (2024, 4, 12, 1, 365, 30, 1, 6, 15, 30)
    assert out.row(1)[:10] == (None,) * 10
    assert out.row(2)[:10] == (1969, 4, 12, 1, 365, 31, 3, 23, 59, 59)


def test_circles() -> None:
    flow = Workflow(["time" >> ops.DateParts(("hour", "month", "weekday"), cyclic=True)]).fit(ROWS)
    out = flow.transform(ROWS).collect().row(0, named=True)
    for part, turn in (("hour", 6 / 24), ("month", 11 / 12), ("weekday", 0.0)):
        assert out[f"time_{part}_sin"] == pytest.approx(sin(2 * pi * turn), abs=1e-6)
        assert out[f"time_{part}_cos"] == pytest.approx(cos(2 * pi * turn), abs=1e-6)
    assert flow.schema["time_hour_sin"].tags == {"context", "continuous"}


def test_zones_have_summer_time() -> None:
    moments = [datetime(2024, 3, 31, 0, 30), datetime(2024, 3, 31, 1, 30)]
    rows = Dataset.of(pl.DataFrame({"time": moments}))
    flow = Workflow(["time" >> ops.DateParts("hour", zone="Europe/Rome")]).fit(rows)
    assert flow.transform(rows).collect()["time_hour"].to_list() == [1, 3]
    batch = flow.transform_batch(Batch({"time": np.array(moments, dtype="datetime64[us]")}))
    assert batch["time_hour"].tolist() == [1, 3]


def test_schema_of_parts() -> None:
    flow = Workflow([["time", "born"] >> ops.DateParts("hour")]).fit(ROWS)
    assert flow.schema["time_hour"].tags == {"context", "categorical"}
    assert flow.schema["born_hour"].tags == {"user", "categorical"}
    assert (flow.schema["time_hour"].domain.low, flow.schema["time_hour"].domain.high) == (0, 23)
    coded = Workflow(["time" >> ops.DateParts("hour") >> ops.Categorify()]).fit(ROWS)
    assert coded.schema["time_hour"].domain.size == 3 + 2
    assert coded.decode("time_hour", coded.transform(ROWS).collect()["time_hour"].to_list()) == [6, None, 23]


def test_elapsed() -> None:
    flow = Workflow(
        [
            [["born", "time"]] >> ops.Elapsed("hours"),
            [["time", "born"]] >> ops.Elapsed("minutes", name="left"),
        ]
    ).fit(ROWS)
    out = flow.transform(ROWS).collect()
    hours = 6 + 15 / 60 + 30 / 3600
    assert out["time_since_born"].to_list() == pytest.approx([hours, None, -1 / 3600])
    assert out["left"].to_list() == pytest.approx([-60 * hours, None, 1 / 60])
    assert flow.schema["time_since_born"].tags == {"context", "continuous"}
    seconds = [ops.Elapsed(unit)._unit / 10**6 for unit in ("seconds", "minutes", "hours", "days", "weeks")]
    assert seconds == [1, 60, 3600, 86400, 604800]


def test_objects_of_a_batch_are_times() -> None:
    flow = Workflow(["time" >> ops.DateParts("hour")]).fit(ROWS)
    mixed = np.array([TIMES[0], None, float("nan"), 3_600_000_000], dtype=object)
    np.testing.assert_array_equal(
        flow.transform_batch(Batch({"time": mixed}))["time_hour"], [6, np.nan, np.nan, 1]
    )
    with pytest.raises(SchemaError, match="noon"):
        flow.transform_batch(Batch({"time": np.array(["noon"], dtype=object)}))


def test_integers_are_read_by_their_size() -> None:
    rows = Dataset.of(pl.DataFrame({"n": [1_704_099_600, 1_704_099_600_000, 1_704_099_600_000_000, None]}))
    flow = Workflow(["n" >> ops.DateParts("hour")]).fit(rows)
    assert flow.transform(rows).collect()["n_hour"].to_list() == [9, 9, 9, None]
    numbers = np.array([1_704_099_600, 1_704_099_600_000, np.nan])
    np.testing.assert_array_equal(flow.transform_batch(Batch({"n": numbers}))["n_hour"], [9, 9, np.nan])


@pytest.mark.parametrize(
    "make",
    [
        lambda: ops.DateParts("fortnight"),
        lambda: ops.DateParts(()),
        lambda: ops.DateParts(("hour", "hour")),
        lambda: ops.DateParts(("hour", "year"), cyclic=True),
        lambda: ops.DateParts("hour", zone="Mars/Olympus"),
        lambda: ops.Elapsed("years"),
        lambda: Workflow([["time", "born"] >> ops.Elapsed()]).fit(ROWS),
    ],
)
def test_wrong_options(make) -> None:
    with pytest.raises(ArgumentError, match=r"DateParts|Elapsed"):
        make()


def test_columns_that_hold_no_times() -> None:
    rows = Dataset.of(pl.DataFrame({"x": ["a"], "y": [1.5]}))
    for branch in ("x" >> ops.DateParts(), "y" >> ops.DateParts(), [["x", "y"]] >> ops.Elapsed()):
        with pytest.raises(SchemaError, match=r"column 'x'|column 'y'"):
            Workflow([branch]).fit(rows)
