"""Times in whatever form a log has them, as microseconds since 1970 (UTC)."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from shortlist.io._types import TIME_DTYPE

__all__ = ["TimeRule", "time_rule"]

_CLOCKS = ("", " %H:%M", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p")
_ISO = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%dT")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%b %d, %Y", "%B %d, %Y")
_DAY_FIRST = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%a, %d %b %Y")
_ZONES = (
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M%#z",
    "%Y-%m-%d %H:%M:%S%.f UTC",
    "%a, %d %b %Y %H:%M:%S %#z",
)
_AMBIGUOUS = frozenset({"%m/%d/%Y", "%m-%d-%Y", "%d/%m/%Y", "%d-%m-%Y"})

_SECONDS_BELOW = 10.0**11
_MILLISECONDS_BELOW = 10.0**14


@dataclass(frozen=True, slots=True)
class TimeRule:
    """How a column of times is read.

    Numbers are seconds since 1970 where their absolute value is below 1e11, milliseconds below 1e14, and
    microseconds from there. Text is read by the first of the formats that fits, or as a number.

    Attributes:
        dtype: type of the column.
        formats: formats of text, in the order they are tried.
        note: what had to be decided, in words; empty when nothing had.

    >>> frame = pl.DataFrame({"t": [1_600_000_000, 1_600_000_000_000]})
    >>> frame.select(TimeRule(pl.Int64()).parsed("t").dt.year())["t"].to_list()
    [2020, 2020]
    """

    dtype: pl.DataType
    formats: tuple[str, ...] = ()
    note: str = ""

    def parsed(self, name: str) -> pl.Expr:
        """The column as times; null where it is missing or cannot be read."""
        column = pl.col(name)
        if self.dtype == TIME_DTYPE:
            return column
        if self.dtype != pl.String():
            return _from_number(column, self.dtype)
        text = _tidy(column)
        number = _from_number(text.cast(pl.Float64, strict=False), pl.Float64())
        return pl.coalesce(*(_from_text(text, form) for form in self.formats), number).alias(name)


def time_rule(dtype: pl.DataType, columns: Iterable[pl.Series]) -> TimeRule:
    """Decide how to read a column of times from all of its values, partition by partition.

    Where numbers leave open whether the day or the month comes first, the order that reads more values is
    taken for all of them; a draw goes to the month, with a note.
    """
    if dtype != pl.String():
        return TimeRule(dtype)
    fits: dict[str, int] = {}
    for column in columns:
        for form, rows in _fits(column).items():
            fits[form] = fits.get(form, 0) + rows
    month, day = (
        sum(fits.get(form, 0) for form in _with_clocks(dates)) for dates in (_MONTH_FIRST, _DAY_FIRST)
    )
    refused = _with_clocks(_AMBIGUOUS & frozenset(_DAY_FIRST if month >= day else _MONTH_FIRST))
    draw = month == day and month > 0
    note = "days and months cannot be told apart in the times: read as month/day/year" if draw else ""
    kept = tuple(
        form for form in (*_ZONES, *_with_clocks((*_ISO, *_MONTH_FIRST, *_DAY_FIRST))) if form in fits
    )
    return TimeRule(dtype, tuple(form for form in kept if form not in refused), note)


def _fits(column: pl.Series) -> dict[str, int]:
    """How many values each format reads; a value that one format reads is not tried with most others."""
    left = column.to_frame("t").select(_tidy(pl.col("t"))).drop_nulls()
    found: dict[str, int] = {}
    for form in (*_with_clocks(_ISO), *_ZONES):
        read = left.select(_from_text(pl.col("t"), form).is_not_null()).to_series()
        if read.any():
            found[form] = int(read.sum())
            left = left.filter(~read)
        if left.is_empty():
            return found
    for form in _with_clocks((*_MONTH_FIRST, *_DAY_FIRST)):
        rows = int(left.select(_from_text(pl.col("t"), form).is_not_null().sum()).item())
        found |= {form: rows} if rows else {}
    return found


def _with_clocks(dates: Iterable[str]) -> tuple[str, ...]:
    return tuple(date + clock for date in dates for clock in _CLOCKS)


def _tidy(column: pl.Expr) -> pl.Expr:
    return column.str.strip_chars().str.replace(r"^(\d{4}-\d{1,2}-\d{1,2})[Tt]", "$1 ")


def _from_text(text: pl.Expr, form: str) -> pl.Expr:
    if "%#z" in form:
        read = text.str.to_datetime(form, time_unit="us", strict=False, time_zone="UTC")
        return read.dt.replace_time_zone(None)
    return text.str.to_datetime(form, time_unit="us", strict=False)


def _from_number(number: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    whole = dtype.is_integer()
    value = number.cast(pl.Int64, strict=False) if whole else pl.when(number.is_finite()).then(number)
    size = value.abs()
    scaled = (
        pl.when(size < _SECONDS_BELOW)
        .then(value * 1_000_000)
        .when(size < _MILLISECONDS_BELOW)
        .then(value * 1_000)
        .otherwise(value)
    )
    return (scaled if whole else scaled.round()).cast(pl.Int64, strict=False).cast(TIME_DTYPE)
