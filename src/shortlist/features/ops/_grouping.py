"""Rows of one bucket to one row for each group."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

__all__ = ["STATISTICS", "Grouped", "Grouping"]

_GROUP, _START, _ROWS = "=group", "=start", "=rows"

STATISTICS: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "mean": pl.Expr.mean,
    "sum": pl.Expr.sum,
    "min": pl.Expr.min,
    "max": pl.Expr.max,
    "std": pl.Expr.std,
    "var": pl.Expr.var,
    "median": pl.Expr.median,
    "count": pl.Expr.count,
    "nunique": lambda value: value.drop_nulls().n_unique(),
}


@dataclass(frozen=True, slots=True)
class Grouping:
    """Sorts rows and makes one of each group; what a column becomes is an expression over a group's rows.

    Attributes:
        keys: names of the key columns.
        sort: names of the columns that say the order.
        values: the new columns.
        pause: int64 microseconds of the time column, and the longest pause within a session; None without.
        session: name of the column of session numbers.
        min_length: rows of a group at least.
    """

    keys: tuple[str, ...]
    sort: tuple[str, ...]
    values: tuple[pl.Expr, ...]
    pause: tuple[pl.Expr, int] | None
    session: str
    min_length: int

    def __call__(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The groups, in the order of their first rows."""
        known = rows.lazy().filter(pl.all_horizontal(pl.col(self.keys).is_not_null()))
        groups = self._whole(known) if self.pause is None else self._sessions(known, *self.pause)
        kept = groups.filter(pl.col(_ROWS) >= self.min_length).drop(_ROWS)
        return kept.collect(engine="in-memory")  # which keeps the order of rows in a group

    def _whole(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        ordered = rows.sort(self.sort, maintain_order=True) if self.sort else rows
        return ordered.group_by(self.keys, maintain_order=True).agg(*self.values, pl.len().alias(_ROWS))

    def _sessions(self, rows: pl.LazyFrame, time: pl.Expr, longest: int) -> pl.LazyFrame:
        ordered = rows.sort(*self.keys, *self.sort, maintain_order=True)
        other = pl.any_horizontal(pl.col(key) != pl.col(key).shift() for key in self.keys)
        fresh = other | (time.diff() > longest).fill_null(value=False)
        numbered = ordered.with_columns(fresh.fill_null(value=False).cum_sum().alias(_GROUP))
        groups = numbered.group_by(_GROUP, maintain_order=True).agg(
            pl.col(self.keys).first(), *self.values, pl.len().alias(_ROWS), time.first().alias(_START)
        )
        number = pl.int_range(pl.len(), dtype=pl.Int64).over(self.keys).alias(self.session)
        ranked = groups.with_columns(number).sort(_START, maintain_order=True)
        return ranked.drop(_GROUP, _START)


@dataclass(frozen=True, slots=True)
class Grouped:
    """Groups the rows of a lazy frame, all of them at once.

    Attributes:
        grouping: what is done.
        types: the columns that come out.
    """

    grouping: Grouping
    types: Mapping[str, pl.DataType]

    def __call__(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Lazily."""
        return rows.map_batches(
            self._made,
            predicate_pushdown=False,
            projection_pushdown=False,
            slice_pushdown=False,
            schema=pl.Schema(self.types),
        )

    def _made(self, rows: pl.DataFrame) -> pl.DataFrame:
        groups = self.grouping(rows)
        return groups.select(pl.col(name).cast(kind) for name, kind in self.types.items())
