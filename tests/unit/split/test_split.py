"""Splits by hand, and what their reports say."""

from datetime import datetime

import polars as pl
import pytest

from shortlist import split
from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.io import Dataset, Signals, scan

DAY = 86_400


def log(rows: list[tuple[object, ...]], columns: str = "uit", size: int = 3, **options: object) -> Dataset:
    frame = pl.DataFrame(rows, schema=list(columns), orient="row")
    roles = {"user": "u", "item": "i", "time": "t"} | ({"value": "v"} if "v" in columns else {})
    return scan(frame, roles=roles, partition_rows=size, **options)  # type: ignore[arg-type]


def days(data: Dataset) -> list[int]:
    return (data.collect()["t"].to_physical() // (DAY * 1_000_000)).to_list()


TEN = log([(n % 3, n, n * DAY) for n in range(10)])


def test_windows_are_measured_back_from_the_last_event() -> None:
    train, valid, test = parts = split.by_time(TEN, valid="2d", test="3d")
    assert [days(part) for part in parts] == [[0, 1, 2, 3, 4], [5, 6], [7, 8, 9]]
    assert parts.cutoffs == (datetime(1970, 1, 5, 0, 0, 0, 1), datetime(1970, 1, 7, 0, 0, 0, 1))
    assert parts.protocol == "by time, one cutoff for all users, test 3d, valid 2d"
    assert (train.schema, valid.schema, test.schema) == (TEN.schema,) * 3


def test_windows_may_be_shares_moments_or_missing() -> None:
    assert [days(part) for part in split.by_time(TEN, valid=0.2, test=0.3)] == [
        [0, 1, 2, 3, 4],
        [5, 6],
        [7, 8, 9],
    ]
    assert [days(part) for part in split.by_time(TEN, valid=0.2, test="3d")] == [
        [0, 1, 2, 3, 4],
        [5, 6],
        [7, 8, 9],
    ]
    moments = split.by_time(TEN, valid=datetime(1970, 1, 4), test=datetime(1970, 1, 8))
    assert [days(part) for part in moments] == [[0, 1, 2], [3, 4, 5, 6], [7, 8, 9]]
    assert moments.cutoffs == (datetime(1970, 1, 4), datetime(1970, 1, 8))
    train, valid, test = parts = split.by_time(TEN, valid=None, test="12h")
    assert (days(train), valid, days(test)) == (list(range(9)), None, [9])
    assert len(parts.cutoffs) == 1


def test_events_of_one_moment_stay_together() -> None:
    tied = log([(n, n, (n // 4) * DAY) for n in range(12)])
    parts = split.by_time(tied, valid=None, test=0.4)
    assert days(parts.test) == [1] * 4 + [2] * 4
    assert days(parts.train) == [0] * 4


def test_windows_are_checked() -> None:
    for window in ("7", "d", "0d", "-1d", "7 years"):
        with pytest.raises(ArgumentError, match="a length of time such as '7d'"):
            split.by_time(TEN, test=window)
    for share in (0.0, 1.0, 7, True):
        with pytest.raises(ArgumentError, match="a share between 0 and 1"):
            split.by_time(TEN, valid=share)
    with pytest.raises(
        DataError, match=r"runs from 1970-01-01 00:00:00 to 1970-01-10 00:00:00; received no train events"
    ):
        split.by_time(TEN, test="52w")
    with pytest.raises(DataError, match="no valid events"):
        split.by_time(TEN, valid=datetime(1970, 1, 9), test=datetime(1970, 1, 9))
    with pytest.raises(DataError, match="no events with a time"):
        split.by_time(TEN.filter(pl.lit(value=False)))
    with pytest.raises(SchemaError, match="0 columns with tags"):
        split.by_time(Dataset.of(pl.DataFrame({"u": [1]})))


def test_the_report_counts_repeats_and_strangers() -> None:
    rows = [
        *((u, i, n) for n, (u, i) in enumerate([(1, 1), (1, 2), (2, 1), (2, 3)])),
        *((u, i, n + 10) for n, (u, i) in enumerate([(1, 1), (1, 3), (9, 1), (9, 8)])),
    ]
    report = split.by_time(log(rows), valid=None, test=datetime(1970, 1, 1, 0, 0, 10)).report
    assert report.rows == {"train": 4, "test": 4}
    assert report.users == {"train": 2, "test": 2}
    assert report.items == {"train": 3, "test": 3}
    assert (report.repeats, report.cold_users, report.cold_items) == (1, 2, 1)
    assert (report.future, report.ties, report.identical, report.warnings) == (0, 0, 0, ())
    assert "test events that repeat a training pair" in str(report)
    assert "25.0 %" in str(report)


def test_the_report_sees_cancellations_after_the_cutoff() -> None:
    rows = [
        (1, 1, 1 * DAY, 2),
        (1, 2, 2 * DAY, 2),
        (2, 1, 3 * DAY, 1),
        (1, 1, 9 * DAY, -1),
        (1, 2, 9 * DAY, -2),
        (2, 2, 10 * DAY, 1),
    ]
    data = log(rows, "uitv", signals=Signals(negative_value_cancels=True))
    assert split.by_time(data, valid=None, test="4d").report.taken_back == 2


def test_the_report_sees_values_from_the_future_and_columns_that_say_nothing() -> None:
    later = [datetime(1970, 1, day) for day in (1, 2, 3, 9)]
    frame = pl.DataFrame(
        {
            "u": [1, 2, 1, 2],
            "i": [1, 2, 3, 4],
            "t": [DAY * n for n in range(4)],
            "updated": later,
            "kind": ["a", "a", "a", "b"],
        }
    )
    data = scan(frame, roles={"user": "u", "item": "i", "time": "t"})
    report = split.by_time(data, valid=None, test="1d").report
    assert report.newer_columns == {"updated": 1}
    assert report.constant_columns == ("kind",)
    assert "column 'updated' is later than its event in 1 test events" in str(report)
    assert "column 'kind' holds one value only in training" in str(report)


def test_random_deals_take_whole_shares_of_each_user() -> None:
    rows = [
        (user, item, item) for user, events in ((1, 9), (2, 10), (3, 25), (4, 30)) for item in range(events)
    ]
    parts = split.by_user_random(log(rows, size=1000), seed=3)
    counts = [dict(part.collect().group_by("u").len().rows()) for part in parts]
    assert counts == [{1: 9, 2: 8, 3: 21, 4: 24}, {2: 1, 3: 2, 4: 3}, {2: 1, 3: 2, 4: 3}]
    again = split.by_user_random(log(rows, size=7), seed=3)
    assert all(one.collect().equals(other.collect()) for one, other in zip(parts, again, strict=True))
    assert not split.by_user_random(log(rows), seed=4).test.collect().equals(parts.test.collect())
    assert parts.protocol == "random per user 0.8:0.1:0.1, seed 3"
    assert parts.report.future > 0
    assert any("the past is predicted from the future" in warning for warning in parts.report.warnings)
    with pytest.raises(ArgumentError, match="add up to 1"):
        split.by_user_random(TEN, (0.8, 0.1, 0.2))


def test_last_out_takes_the_last_two_of_users_with_three() -> None:
    rows = [(1, 1, 3), (1, 2, 1), (1, 3, 2), (1, 4, 4), (2, 1, 1), (2, 2, 2)]
    train, valid, test = split.last_out(log(rows, size=100))
    assert test.collect()["i"].to_list() == [4]
    assert valid.collect()["i"].to_list() == [1]
    assert train.collect().select("u", "i").rows() == [(1, 2), (1, 3), (2, 1), (2, 2)]


def test_identical_rows_are_counted() -> None:
    frame = pl.DataFrame({"u": [1, 1, 1], "i": [1, 1, 1], "t": [1, 1, 1]}).with_columns(
        pl.col("t").cast(pl.Datetime("us"))
    )
    data = Dataset.of(frame).tag("u", "user", "id").tag("i", "item", "id").tag("t", "time")
    report = split.last_out(data).report
    assert (report.identical, report.ties, report.future, report.repeats) == (1, 1, 1, 1)


def test_no_events_at_all_can_be_dealt_out() -> None:
    nothing = TEN.filter(pl.lit(value=False))
    assert [part.count() for part in split.by_user_random(nothing)] == [0, 0, 0]
    assert "warning" in str(split.last_out(nothing).report)
