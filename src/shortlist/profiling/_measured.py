"""What one partition says about its columns, and the merge of what two partitions say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from shortlist.io import RawSlice
from shortlist.profiling._values import EXACT, Values, count_rows, count_values

__all__ = ["Measure", "Measured", "Part", "merge"]

# Distinct rows, and pairs of user and item, that are all counted: 16 bytes each.
_ROWS = 2_000_000
_MORE = 10
_GRAIN = 2**30
_NO_HOURS = pl.DataFrame(schema={"hour": pl.Datetime("us"), "count": pl.Int64})


@dataclass(frozen=True, slots=True)
class Measured:
    """One column.

    Attributes:
        nulls: rows without a value, NaN included.
        blanks: text rows of nothing but spaces; they count as rows without a value.
        infinite: floats that are infinite.
        numbers: how many finite numbers there are (of text its lengths in letters, of lists their sizes).
        total: their sum.
        squares: the sum of their squared differences from their mean.
        low: smallest value; of strings and lists the smallest length.
        high: largest value; of strings and lists the largest length.
        ends: first and last value.
        rising: whether no value is below the one before it.
        values: its values, or the elements of its lists.
    """

    nulls: int
    blanks: int
    infinite: int
    numbers: int
    total: float
    squares: float
    low: Any
    high: Any
    ends: tuple[Any, Any]
    rising: bool
    values: Values

    def merge(self, other: "Measured") -> "Measured":
        """Both, this one's rows before the other's."""
        mine, others = self.numbers, other.numbers
        apart = other.total / others - self.total / mine if mine and others else 0.0
        between = apart * apart * mine * others / max(mine + others, 1)
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        (first, middle), (after, last) = self.ends, other.ends
        return Measured(
            nulls=self.nulls + other.nulls,
            blanks=self.blanks + other.blanks,
            infinite=self.infinite + other.infinite,
            numbers=mine + others,
            total=self.total + other.total,
            squares=self.squares + other.squares + between,
            low=min(lows, default=None),
            high=max(highs, default=None),
            ends=(after if first is None else first, middle if last is None else last),
            rising=self.rising and other.rising and _not_before(middle, after),
            values=self.values.merge(other.values),
        )


@dataclass(frozen=True, slots=True)
class Part:
    """A partition, measured.

    Attributes:
        rows: number of rows.
        columns: its columns.
        lines: whole rows, as far as they repeat.
        pairs: pairs of user and item, where there are both.
        hours: rows by the hour of their time: columns ``hour``, ``count``.
        period: the first and the last time.
        in_order: whether the rows stand in the order of their times.
        unread: rows whose time is there but cannot be read.
        sample: rows chosen by the hash of their number.
    """

    rows: int
    columns: Mapping[str, Measured]
    lines: Values
    pairs: Values | None
    hours: pl.DataFrame
    period: tuple[Any, Any]
    in_order: bool
    unread: int
    sample: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Measure:
    """How to measure a partition.

    Attributes:
        ids: columns of users and items, of which ten times as many values are all counted.
        time: name of the column of times and an expression that reads it.
        share: share of rows to sample.
        bound: most distinct values of a column that are all counted.
    """

    ids: tuple[str, ...] = ()
    time: tuple[str, pl.Expr] | None = None
    share: float = 1.0
    bound: int = EXACT

    def __call__(self, piece: RawSlice) -> Part:
        """Read and measure."""
        rows = piece.collect()
        hours, times = self._times(rows)
        number = pl.int_range(piece.start, piece.start + rows.height, dtype=pl.Int64, eager=True)
        chosen = number.hash(seed=1) % _GRAIN < round(self.share * _GRAIN)
        return Part(
            rows.height,
            {column.name: _column(column, self._bound(column.name)) for column in rows},
            count_rows(rows, _ROWS),
            count_rows(_whole(rows, self.ids), _ROWS) if len(self.ids) > 1 else None,
            hours,
            (times.min(), times.max()),
            times.drop_nulls().is_sorted(),
            times.null_count(),
            rows.filter(chosen) if self.share < 1.0 else rows,
        )

    def _bound(self, name: str) -> int:
        return _MORE * self.bound if name in self.ids else self.bound

    def _times(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        """Rows by hour, and the times of the rows that have one: null where it cannot be read."""
        if self.time is None:
            return _NO_HOURS, pl.Series([], dtype=pl.Datetime("us"))
        name, read = self.time
        times = rows.select(raw=_without_blanks(rows[name]), time=read).drop_nulls("raw")["time"]
        hours = times.drop_nulls().dt.truncate("1h").to_frame("hour").group_by("hour")
        return hours.agg(count=pl.len().cast(pl.Int64)), times


def merge(left: Part, right: Part) -> Part:
    """What both partitions say, the left one's rows first."""
    hours = pl.concat([left.hours, right.hours]).group_by("hour").agg(pl.col("count").sum())
    ends = [end for end in (*left.period, *right.period) if end is not None]
    pairs = left.pairs.merge(right.pairs) if left.pairs is not None and right.pairs is not None else None
    return Part(
        left.rows + right.rows,
        {name: column.merge(right.columns[name]) for name, column in left.columns.items()},
        left.lines.merge(right.lines),
        pairs,
        hours,
        (min(ends, default=None), max(ends, default=None)),
        left.in_order and right.in_order and _not_before(left.period[1], right.period[0]),
        left.unread + right.unread,
        pl.concat([left.sample, right.sample]),
    )


def _not_before(last: Any, first: Any) -> bool:
    return last is None or first is None or last <= first


def _column(column: pl.Series, bound: int) -> Measured:
    known = _without_blanks(column)
    numbers, infinite = _numbers(known)
    missing = column.null_count() + (int(column.is_nan().sum()) if column.dtype.is_float() else 0)
    ordered = known.drop_nulls() if column.dtype.is_numeric() or column.dtype.is_temporal() else None
    sizes = known if column.dtype.is_temporal() else numbers
    return Measured(
        nulls=missing,
        blanks=known.null_count() - missing,
        infinite=infinite,
        numbers=len(numbers),
        total=float(numbers.sum() or 0),
        squares=float(numbers.cast(pl.Float64).std(ddof=0) or 0.0) ** 2 * len(numbers),  # type: ignore[arg-type]
        low=sizes.min(),
        high=sizes.max(),
        ends=(None, None) if ordered is None or ordered.is_empty() else (ordered[0], ordered[-1]),
        rising=ordered is not None and ordered.is_sorted(),
        values=count_values(_elements(known), bound),
    )


def _without_blanks(column: pl.Series) -> pl.Series:
    """Null in place of text of nothing but spaces, and of NaN."""
    if column.dtype == pl.String:
        value = pl.col(column.name)
        return column.to_frame().select(pl.when(value.str.strip_chars() != "").then(value)).to_series()
    return column.fill_nan(None) if column.dtype.is_float() else column


def _numbers(known: pl.Series) -> tuple[pl.Series, int]:
    """Finite numbers, lengths of text, or sizes of lists; and how many values were no finite number."""
    if known.dtype == pl.String:
        return known.str.len_chars().drop_nulls(), 0
    if isinstance(known.dtype, pl.List):
        return known.list.len().drop_nulls(), 0
    if not known.dtype.is_numeric():
        return pl.Series([], dtype=pl.Float64), 0
    numbers = known.drop_nulls()
    finite = numbers.filter(numbers.is_finite())
    return finite, len(numbers) - len(finite)


def _elements(known: pl.Series) -> pl.Series:
    if isinstance(known.dtype, pl.List):
        return known.explode(empty_as_null=False, keep_nulls=False)
    return pl.Series([], dtype=pl.Float64) if isinstance(known.dtype, pl.Array) else known


def _whole(rows: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """Rows of these columns in which none is missing."""
    return pl.DataFrame([_without_blanks(rows[name]) for name in names]).drop_nulls()
