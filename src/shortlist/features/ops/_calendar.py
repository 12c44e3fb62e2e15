"""Parts of times by the calendar, for frames and for arrays."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.errors import ArgumentError

__all__ = ["ARRAY_PARTS", "FRAME_PARTS", "RANGES", "array_local", "check_zone", "frame_local"]

Integers = npt.NDArray[np.int64]

_SECOND = 10**6
_DAY = 86_400 * _SECOND

RANGES: Mapping[str, tuple[int, int]] = {
    "quarter": (1, 4),
    "month": (1, 12),
    "week": (1, 53),
    "yearday": (1, 366),
    "day": (1, 31),
    "weekday": (1, 7),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
}
"""The first and the last value of every part that comes again."""

FRAME_PARTS: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "year": lambda time: time.dt.year(),
    "quarter": lambda time: time.dt.quarter(),
    "month": lambda time: time.dt.month(),
    "week": lambda time: time.dt.week(),
    "yearday": lambda time: time.dt.ordinal_day(),
    "day": lambda time: time.dt.day(),
    "weekday": lambda time: time.dt.weekday(),
    "hour": lambda time: time.dt.hour(),
    "minute": lambda time: time.dt.minute(),
    "second": lambda time: time.dt.second(),
}
"""Parts of datetimes."""


def check_zone(where: str, zone: str | None) -> None:
    """Refuse a time zone that is not known.

    Raises:
        ArgumentError: it is not.
    """
    try:
        array_local(np.zeros(1, np.int64), zone)
    except pl.exceptions.PolarsError as error:
        raise ArgumentError(
            where,
            received=zone,
            expected='a zone of the IANA time zone database, such as "Europe/Rome"',
        ) from error


def frame_local(times: pl.Expr, zone: str | None) -> pl.Expr:
    """Int64 microseconds of UTC as datetimes of a zone's clocks."""
    if zone is None:
        return times.cast(pl.Datetime("us"))
    return times.cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone).dt.replace_time_zone(None)


def array_local(times: Integers, zone: str | None) -> Integers:
    """Microseconds of UTC as microseconds of a zone's clocks; the zone's rules are those of `frame_local`."""
    if zone is None:
        return times
    local = pl.select(frame_local(pl.lit(pl.Series(times)), zone).to_physical()).to_series()
    return local.to_numpy()


def _days(times: Integers) -> Integers:
    return times // _DAY


def _months(times: Integers) -> Integers:
    """Months since January 1970."""
    return _days(times).view("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _day_of_year(days: Integers) -> Integers:
    first = days.view("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    return days - first + 1


def _day_of_month(times: Integers) -> Integers:
    first = _months(times).view("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return _days(times) - first + 1


def _weekday(times: Integers) -> Integers:
    """Day 0 was a Thursday."""
    return (_days(times) + 3) % 7 + 1


def _week(times: Integers) -> Integers:
    """The week of ISO 8601 belongs to the year of its Thursday."""
    thursday = _days(times) - _weekday(times) + 4
    return (_day_of_year(thursday) - 1) // 7 + 1


ARRAY_PARTS: Mapping[str, Callable[[Integers], Integers]] = {
    "year": lambda times: _months(times) // 12 + 1970,
    "quarter": lambda times: _months(times) % 12 // 3 + 1,
    "month": lambda times: _months(times) % 12 + 1,
    "week": _week,
    "yearday": lambda times: _day_of_year(_days(times)),
    "day": _day_of_month,
    "weekday": _weekday,
    "hour": lambda times: times % _DAY // (3_600 * _SECOND),
    "minute": lambda times: times % (3_600 * _SECOND) // (60 * _SECOND),
    "second": lambda times: times % (60 * _SECOND) // _SECOND,
}
"""Parts of int64 microseconds since 1970."""
