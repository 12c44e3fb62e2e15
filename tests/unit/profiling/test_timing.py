"""When events happened."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from shortlist.profiling import Timing, profile


def timed(times: list[object]) -> Timing:
    rows = {"user_id": list(range(len(times))), "item_id": [1] * len(times), "ts": times}
    timing = profile(pl.DataFrame(rows, strict=False)).timing
    assert timing is not None
    return timing


def test_days_gaps_and_bins() -> None:
    days = [datetime(2024, 1, day, 12) for day in (1, 1, 2, 5, 6, 10)]
    found = timed(days)
    assert (found.first, found.last) == (days[0], days[-1])
    assert (found.events, found.days, found.span, found.sorted) == (6, 5, 10, True)
    assert [(gap.start.day, gap.end.day, gap.days) for gap in found.gaps] == [(7, 10, 3.0), (3, 5, 2.0)]
    assert found.width == "1d"
    assert [one.events for one in found.bins] == [2, 1, 0, 0, 1, 1, 0, 0, 0, 1]
    assert found.weekdays == (2, 1, 1, 0, 1, 1, 0)  # 2024-01-01 is a Monday
    assert found.daytime[12] == 6


def test_dates_have_no_time_of_day() -> None:
    assert timed([datetime(2024, 1, day) for day in (3, 1)]).daytime == ()
    assert not timed([datetime(2024, 1, day) for day in (3, 1)]).sorted


@pytest.mark.parametrize(("days", "width"), [(2, "1h"), (30, "1d"), (700, "1w"), (3000, "1mo")])
def test_the_bins_widen_with_the_span(days: int, width: str) -> None:
    start = datetime(2020, 1, 1, 3)
    found = timed([start + timedelta(days=days) * part / 50 for part in range(51)])
    assert found.width == width
    assert sum(one.events for one in found.bins) == 51


def test_missing_and_unreadable_times_are_counted() -> None:
    found = timed(["2024-01-01 10:00:00", "never", None, "  ", "2024-01-02 10:00:00"])
    assert (found.events, found.unread, found.missing) == (2, 1, 2)


def test_numbers_are_times_since_1970() -> None:
    assert timed([1_700_000_000, 1_700_003_600]).first == datetime(2023, 11, 14, 22, 13, 20)


def test_times_far_from_all_others_are_pointed_out() -> None:
    times = [datetime(1980, 1, 1)] * 2 + [datetime(2024, 1, 1) + timedelta(days=day) for day in range(60)]
    report = profile({"user_id": list(range(62)), "item_id": [1] * 62, "ts": times})
    assert any(hint.startswith("2 events (3.2 %) lie before 1980-01-02") for hint in report.hints)
