"""Distinct values and how often each occurs, in bounded memory and whatever the partitions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

__all__ = ["EXACT", "Values", "count_rows", "count_values"]

Counts = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]

# Distinct values of a column that are all counted: 16 bytes each.
EXACT = 200_000
_KEPT = 200
_SHOWN = 80
_BITS = 64


@dataclass(frozen=True, slots=True)
class Values:
    """Counts by the hash of the value, and the values of the largest counts.

    Up to a bound every value is counted. Beyond it only those values are whose hash begins with ``level``
    zero bits, each of them exactly: a sample of the distinct values, not of the rows (Gibbons, "Distinct
    sampling for highly-accurate answers to distinct values queries", VLDB 2001). The number of values is
    then known to about 1 / sqrt(bound / 2). The most frequent ones are kept beside it, whatever their hash;
    a count may lack what was not among the largest of a partition.

    Attributes:
        total: how many values there are, equal ones included.
        counts: columns ``hash`` (uint64) and ``count``.
        level: zero bits that a hash must begin with.
        top: columns ``hash``, ``value``, ``count`` of the most frequent values.
        bound: most rows of ``counts``.

    >>> seen = count_values(pl.Series(["a", "b", "a"])).merge(count_values(pl.Series(["a", None])))
    >>> seen.distinct, seen.most(1), sorted(seen.weighted()[0].tolist())
    (2, [('a', 3)], [1, 3])
    """

    total: int
    counts: pl.DataFrame
    level: int
    top: pl.DataFrame
    bound: int

    def merge(self, other: "Values") -> "Values":
        """The counts of both."""
        level = max(self.level, other.level)
        both = pl.concat([_thinned(self.counts, level), _thinned(other.counts, level)])
        counts = both.group_by("hash").agg(pl.col("count").sum())
        most = pl.concat([self.top, other.top]).group_by("hash")
        top = most.agg(pl.col("value").first(), pl.col("count").sum())
        return _bounded(Values(self.total + other.total, counts, level, top, self.bound))

    @property
    def exact(self) -> bool:
        """Whether every value is counted."""
        return self.level == 0

    @property
    def distinct(self) -> int:
        """The number of distinct values, or its estimate."""
        return self.counts.height << self.level

    def most(self, number: int) -> list[tuple[Any, int]]:
        """The most frequent values and their counts, ties by value."""
        known = self.top.join(self.counts, on="hash", how="left").select(
            "value", count=pl.coalesce("count_right", "count")
        )
        return known.sort(["count", "value"], descending=[True, False]).head(number).rows()

    def weighted(self) -> tuple[Counts, Weights]:
        """The counts in falling order, and how many values each of them stands for."""
        if self.exact:
            counts = self.counts["count"].sort(descending=True).to_numpy()
            return counts, np.ones(len(counts))
        missed = self.top.join(self.counts, on="hash", how="anti")["count"].to_numpy()
        known = self.counts["hash"].is_in(self.top["hash"].implode()).to_numpy()
        counts = np.concatenate([self.counts["count"].to_numpy(), missed])
        weights = np.concatenate([np.where(known, 1.0, 2.0**self.level), np.ones(len(missed))])
        order = np.argsort(-counts, kind="stable")
        return counts[order], weights[order]


def count_values(values: pl.Series, bound: int = EXACT) -> Values:
    """The values of one partition; nulls do not count."""
    shown = pl.col("value").first()
    if values.dtype == pl.String:
        shown = shown.str.slice(0, _SHOWN)
    rows = values.drop_nulls().to_frame("value").lazy()
    counted = rows.group_by(hash=pl.col("value").hash(seed=0)).agg(value=shown, count=pl.len().cast(pl.Int64))
    found = counted.collect()
    return _bounded(
        Values(values.len() - values.null_count(), found.select("hash", "count"), 0, found, bound)
    )


def count_rows(rows: pl.DataFrame, bound: int) -> Values:
    """Whole rows of one partition as values, of which only the hash is kept."""
    found = (
        rows.hash_rows(seed=0).to_frame("hash").group_by("hash").agg(pl.len().cast(pl.Int64).alias("count"))
    )
    nothing = pl.DataFrame(schema={"hash": pl.UInt64, "value": pl.Null, "count": pl.Int64})
    return _bounded(Values(rows.height, found, 0, nothing, bound))


def _thinned(counts: pl.DataFrame, level: int) -> pl.DataFrame:
    return counts if level == 0 else counts.filter(pl.col("hash") < 2 ** (_BITS - level))


def _bounded(values: Values) -> Values:
    """No more counts than the bound, and few of the most frequent values."""
    counts, level = values.counts, values.level
    while counts.height > values.bound:
        level += 1
        counts = _thinned(counts, level)
    # Ties go to large hashes: small ones would be those of the sample again.
    most = values.top.sort(["count", "hash"], descending=True).head(_KEPT).select("hash", "value", "count")
    return Values(values.total, counts, level, most, values.bound)
