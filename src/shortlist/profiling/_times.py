"""When events happened: the time that is covered, its gaps, and how many events fell on each part of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from shortlist.profiling._measured import Part

__all__ = ["Bin", "Gap", "Timing", "timing"]

# (width of a bin of the plot, longest span it is used for)
_WIDTHS = (("1h", timedelta(days=4)), ("1d", timedelta(days=200)), ("1w", timedelta(days=1500)))
_LONGEST = "1mo"
_GAPS = 3


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without events.

    Attributes:
        start: its beginning: the end of the hour or day of the last event before.
        end: its end.
    """

    start: datetime
    end: datetime

    @property
    def days(self) -> float:
        """Its length."""
        return (self.end - self.start).total_seconds() / 86400


@dataclass(frozen=True, slots=True)
class Bin:
    """The events from a time on, for the width of the bins."""

    start: datetime
    events: int


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of a log (UTC).

    Attributes:
        column: the column of the times.
        first: the first time; None without any.
        last: the last one.
        events: rows with a time.
        missing: rows without one.
        unread: rows whose text or number is no time.
        days: calendar days with at least one event.
        span: calendar days from the first to the last.
        gaps: the longest times without events, of a day or more (an hour, where all falls within four days).
        width: width of the bins: "1h", "1d", "1w" or "1mo".
        bins: events by hour, day, week or month, whichever gives a plot of some dozens of bars.
        weekdays: events from Monday to Sunday.
        daytime: events by hour of the day; empty where times are dates.
        sorted: whether the rows stand in the order of their times.
    """

    column: str
    first: datetime | None
    last: datetime | None
    events: int
    missing: int
    unread: int
    days: int
    span: int
    gaps: tuple[Gap, ...]
    width: str
    bins: tuple[Bin, ...]
    weekdays: tuple[int, ...]
    daytime: tuple[int, ...]
    sorted: bool


def timing(column: str, part: Part) -> Timing:
    """What the rows by hour say of a column of times."""
    (first, last), hours, unread = part.period, part.hours, part.unread
    events = int(hours["count"].sum())
    if first is None or last is None:
        return Timing(
            column, None, None, 0, part.rows - unread, unread, 0, 0, (), "1d", (), (), (), sorted=True
        )
    width = next((width for width, longest in _WIDTHS if last - first <= longest), _LONGEST)
    days = hours.group_by(day=pl.col("hour").dt.date()).agg(pl.col("count").sum())
    return Timing(
        column=column,
        first=first,
        last=last,
        events=events,
        missing=part.rows - unread - events,
        unread=unread,
        days=days.height,
        span=(last.date() - first.date()).days + 1,
        gaps=_gaps(hours, "1h" if width == "1h" else "1d"),
        width=width,
        bins=_bins(hours, width),
        weekdays=_by(hours, pl.col("hour").dt.weekday() - 1, 7),
        daytime=_by(hours, pl.col("hour").dt.hour(), 24) if _has_clock(hours) else (),
        sorted=part.in_order,
    )


def _gaps(hours: pl.DataFrame, step: str) -> tuple[Gap, ...]:
    """The longest stretches without a full hour or day of events."""
    seen = hours.select(at=pl.col("hour").dt.truncate(step)).unique().sort("at")
    apart = seen.select(start=pl.col("at").dt.offset_by(step), end=pl.col("at").shift(-1)).drop_nulls()
    longest = apart.with_columns(long=pl.col("end") - pl.col("start")).filter(pl.col("end") > pl.col("start"))
    chosen = longest.sort(["long", "start"], descending=[True, False]).head(_GAPS)
    return tuple(Gap(start, end) for start, end, _ in chosen.rows())


def _bins(hours: pl.DataFrame, width: str) -> tuple[Bin, ...]:
    found = hours.group_by(start=pl.col("hour").dt.truncate(width)).agg(pl.col("count").sum()).sort("start")
    ends = pl.col("start").first(), pl.col("start").last()
    whole = found.select(pl.datetime_range(*ends, interval=width))
    joined = whole.join(found, on="start", how="left").fill_null(0).sort("start")
    return tuple(Bin(start, events) for start, events in joined.rows())


def _by(hours: pl.DataFrame, place: pl.Expr, size: int) -> tuple[int, ...]:
    found = dict(hours.group_by(place=place).agg(pl.col("count").sum()).rows())
    return tuple(found.get(place, 0) for place in range(size))


def _has_clock(hours: pl.DataFrame) -> bool:
    return bool((hours["hour"].dt.hour() != 0).any())
