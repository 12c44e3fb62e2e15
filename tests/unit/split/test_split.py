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


def test_each_protocol_has_its_word_in_the_report() -> None:
    many = log([(user, n, n) for user in range(10) for n in range(10)])
    found = {
        "GTS": split.by_time(many, test=0.1, valid=0.1),
        "RS811/u": split.by_user_random(many),
        "TS811/u": split.by_user_time(many),
        "RS75:25/u": split.stratified(many),
        "LOO": split.last_out(many),
        "VAE-SG": split.strong_generalisation(many, 2),
        "item-cold": split.cold_items(many),
    }
    for code, made in found.items():
        if made is not None:
            assert made.code == code
            assert str(made.report).startswith(f"split: {code}: {made.protocol}\n")
            assert bool(made.report.warnings) == (code != "GTS")
    assert split.by_user_random(many, (0.5, 0.2, 0.3)).code == "RS523/u"


def test_the_latest_of_each_user() -> None:
    rows = [(user, item, item) for user in (1, 2) for item in (3, 1, 2, 0, 4, 6, 5, 9, 8, 7)]
    parts = split.by_user_time(log(rows, size=100), (0.5, 0.2, 0.3))
    assert [sorted(set(part.collect()["i"])) for part in parts] == [[0, 1, 2, 3, 4], [5, 6], [7, 8, 9]]
    tied = log([(1, 10, 5), (1, 11, 5), (1, 12, 5)], size=100)
    assert split.by_user_time(tied, (0.6, 0.0, 0.4)).test.collect()["i"].to_list() == [12]
    assert split.last_out(tied).test.collect()["i"].to_list() == [12]
    assert split.by_user_time(tied, (0.6, 0.0, 0.4)).valid is None
    with pytest.raises(ArgumentError, match=r"by_user_time\(ratios\): expected three shares"):
        split.by_user_time(TEN, (1.0, 0.5, -0.5))


def test_stratified_shares_are_rounded() -> None:
    rows = [
        (user, item, item) for user, events in ((1, 2), (2, 4), (3, 5), (4, 10)) for item in range(events)
    ]
    train, valid, test = parts = split.stratified(log(rows), seed=1)
    assert valid is None
    # round(1.5) = 2, 3, round(3.75) = 4, round(7.5) = 8
    assert dict(train.collect().group_by("u").len().rows()) == {1: 2, 2: 3, 3: 4, 4: 8}
    assert test.count() == 0 + 1 + 1 + 2
    assert parts.protocol == "random per user 0.75:0:0.25, rounded, seed 1"
    with pytest.raises(ArgumentError, match="a share between 0 and 1"):
        split.stratified(TEN, 1.0)


@pytest.mark.parametrize("by_time", [True, False])
def test_strong_generalisation_holds_out_whole_users(by_time: bool) -> None:
    rows = [(user, item, item) for user in range(20) for item in range(10)] + [(20, 99, 1), (21, 1, 1)]
    rows += [(user, 50 + user, 20) for user in range(20)]
    made = split.strong_generalisation(log(rows), 4, by_time=by_time, seed=2)
    users = {
        name: set(part.collect()["u"]) for name, part in zip(("train", "valid", "test"), made, strict=True)
    }
    assert {name: len(who) for name, who in users.items()} == {"train": 14, "valid": 4, "test": 4}
    assert (
        not users["train"] & users["test"] | users["train"] & users["valid"] | users["test"] & users["valid"]
    )
    for name, part in (("valid", made.valid), ("test", made.test)):
        assert part is not None
        shown = made.fold_in[name].collect()
        assert set(shown["u"]) == users[name]
        # Items that only a held-out user took are gone; of the ten others 2 are to be found.
        assert shown.height == 4 * 8
        assert part.count() == 4 * 2
        assert set(part.collect()["i"]) | set(shown["i"]) <= set(range(10))
        if by_time:
            assert set(part.collect()["i"]) == {8, 9}
    again = split.strong_generalisation(log(rows), 4, by_time=by_time, seed=3)
    assert set(again.test.collect()["u"]) != users["test"]
    assert split.strong_generalisation(log(rows), 0.1).test.collect()["u"].n_unique() == 2
    with pytest.raises(ArgumentError, match="twice as many able users"):
        split.strong_generalisation(log(rows), 11)
    with pytest.raises(ArgumentError, match=r"strong_generalisation\(fold_in\)"):
        split.strong_generalisation(log(rows), 2, fold_in=1.0)


def test_items_held_out_wholly() -> None:
    rows = [(user, item, item + user) for user in range(5) for item in range(20)]
    made = split.cold_items(log(rows), valid=0.1, test=0.2, seed=4)
    items = [set(part.collect()["i"]) for part in made]
    assert [len(part) for part in items] == [14, 2, 4]
    assert len(set.union(*items)) == 20
    assert made.report.cold_items == made.test.count() == 4 * 5
    newest = split.cold_items(log(rows), valid=0.1, test=0.2, newest=True)
    assert [set(part.collect()["i"]) for part in newest] == [set(range(14)), {14, 15}, {16, 17, 18, 19}]
    assert split.cold_items(log(rows), valid=0.0).valid is None
    assert set(split.cold_items(log(rows), seed=5).test.collect()["i"]) != items[2]
    with pytest.raises(ArgumentError, match="leave some to train on"):
        split.cold_items(log(rows), valid=0.6, test=0.4)
    with pytest.raises(DataError, match="enough for a test item"):
        split.cold_items(log([(1, 1, 1)]), test=0.1)
