"""Sums and extremes of a partition: one row, exact whatever the partitions where the values are integers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from shortlist.features._frame_columns import on_elements
from shortlist.schema import Column

__all__ = ["Summary", "elements", "numbers"]


@dataclass(frozen=True, eq=False, slots=True)
class Summary:
    """Sums, least and greatest values: one row, a column for each name; an extreme of no value is null.

    Attributes:
        sums: name -> expression to add up.
        least: name -> expression whose least value is wanted.
        greatest: name -> expression whose greatest value is wanted.
    """

    sums: Mapping[str, pl.Expr] = field(default_factory=dict)
    least: Mapping[str, pl.Expr] = field(default_factory=dict)
    greatest: Mapping[str, pl.Expr] = field(default_factory=dict)

    def plan(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """One row of aggregates."""
        return rows.select(
            **{name: value.sum().cast(pl.Int64) for name, value in self.sums.items()},
            **{name: value.min() for name, value in self.least.items()},
            **{name: value.max() for name, value in self.greatest.items()},
        )

    def merge(self, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
        """The same aggregates of both rows."""
        return pl.concat([left, right]).select(
            *(pl.col(name).sum() for name in self.sums),
            *(pl.col(name).min() for name in self.least),
            *(pl.col(name).max() for name in self.greatest),
        )


def elements(column: Column, value: pl.Expr) -> pl.Expr:
    """The values of a column, or all those within its lists one after the other."""
    return value.explode(empty_as_null=False, keep_nulls=False) if column.is_list else value


def numbers(column: Column, value: pl.Expr) -> pl.Expr:
    """The values of a column, booleans as 0 and 1."""
    return on_elements(column, value, lambda x: x.cast(pl.Int8)) if column.dtype == "bool" else value
