"""Statistics of a column that merge: whatever the partitions, the total is the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import polars as pl

from shortlist.features._numbered_cells import merged_by_number

__all__ = ["Counts", "MergesMany", "Moments", "Statistic", "Total"]


class Statistic(Protocol):
    """A plan for one partition and a merge of what two partitions gave.

    The merge is commutative and associative: exactly for counts, to rounding for sums of floats.
    """

    def plan(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """The partial statistic of one partition."""

    def merge(self, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
        """The statistic of both partitions."""


@runtime_checkable
class MergesMany(Protocol):
    """A statistic for which merging many at once costs less than two at a time."""

    def merge_many(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """The statistic of all."""


@dataclass(frozen=True, eq=False, slots=True)
class Counts:
    """How often each value (or combination of values, null included) occurs: columns of keys, ``count``.

    Attributes:
        keys: name -> expression.
        lists: whether the one key holds lists, whose elements are counted.
        keep: which counts are needed in the end, an expression over the columns; None for all.
    """

    keys: dict[str, pl.Expr]
    lists: bool = False
    keep: pl.Expr | None = None

    def plan(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Group by the keys."""
        values = rows.select(**self.keys)
        if self.lists:
            values = values.select(pl.all().explode(empty_as_null=False, keep_nulls=False))
        return values.group_by(list(self.keys)).len("count").with_columns(pl.col("count").cast(pl.Int64))

    def merge(self, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
        """Add up the counts of equal keys."""
        return self.merge_many([left, right])

    def merge_many(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Add up the counts of equal keys."""
        if len(self.keys) == 1:
            found = merged_by_number(frames, next(iter(self.keys)), None, ("count",))
            if found is not None:
                return found
        all_counts = pl.concat([frame.lazy() for frame in frames]).group_by(list(self.keys))
        return all_counts.agg(pl.col("count").sum()).collect(engine="streaming")


@dataclass(frozen=True, eq=False, slots=True)
class Total:
    """A number that adds up over rows: one row, ``total``.

    Attributes:
        number: expression of one integer for a whole frame.
    """

    number: pl.Expr

    def plan(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """The number of a partition."""
        return rows.select(total=self.number.cast(pl.Int64))

    def merge(self, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
        """Add up."""
        return left + right


@dataclass(frozen=True, eq=False, slots=True)
class Moments:
    """Number, mean and sum of squared differences from the mean of the finite values: one row, n, mean, m2.

    Partitions merge by the formula of Chan, Golub and LeVeque (1979), which keeps its digits for large means.

    Attributes:
        values: expression of numbers.
        lists: whether it holds lists, whose elements are taken.
    """

    values: pl.Expr
    lists: bool = False

    def plan(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """One pass over the values."""
        chosen = rows.select(x=self.values)
        if self.lists:
            chosen = chosen.select(pl.col("x").explode(empty_as_null=False, keep_nulls=False))
        x = pl.col("x")
        number = x.cast(pl.Float64)
        finite = chosen.select(x=pl.when(number.is_finite()).then(number))
        return finite.select(
            n=x.count().cast(pl.Int64),
            mean=x.mean().fill_null(0.0),
            m2=(x.var(ddof=0) * x.count()).fill_null(0.0),
        )

    def merge(self, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
        """Chan's formula."""
        (n_left, mean_left, m2_left), (n_right, mean_right, m2_right) = left.row(0), right.row(0)
        if n_left == 0 or n_right == 0:
            return right if n_left == 0 else left
        n, apart = n_left + n_right, mean_right - mean_left
        mean = (n_left * mean_left + n_right * mean_right) / n
        m2 = m2_left + m2_right + apart * apart * n_left * n_right / n
        return pl.DataFrame({"n": [n], "mean": [mean], "m2": [m2]}, schema=left.schema)
