"""What a profile says of one column."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.profiling._measured import Measured

__all__ = ["ColumnProfile", "column_profile"]

_QUANTILES = (0.001, 0.01, 0.25, 0.5, 0.75, 0.99, 0.999)
_MOST = 10
_FAR = 10.0
_BARS = 24

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column.

    Attributes:
        name: its name.
        dtype: type of a value, or of the elements of a list.
        shape: empty, "list", or "vector(size)".
        rows: number of rows.
        filled: number of values, or of the elements of lists.
        nulls: rows without a value, NaN included.
        blanks: rows whose text is empty or spaces.
        infinite: values that are infinite.
        distinct: number of distinct values (of lists: elements).
        exact: whether all of them were counted; otherwise ``distinct`` is an estimate.
        once: share of the distinct values that occur once.
        most: the most frequent values and their counts.
        low: smallest value; of text and lists the smallest length.
        high: largest value; of text and lists the largest length.
        mean: mean of the finite numbers; of text and lists of their lengths; None without any.
        deviation: their standard deviation.
        quantiles: share of the rows -> value that these do not exceed, of numbers, from the sampled rows.
        histogram: sampled rows in 24 equal steps between the 1 % and the 99 % quantile; of numbers only.
        rising: whether no value is below the one before it.
    """

    name: str
    dtype: str
    shape: str
    rows: int
    filled: int
    nulls: int
    blanks: int
    infinite: int
    distinct: int
    exact: bool
    once: float
    most: tuple[tuple[Any, int], ...]
    low: Any
    high: Any
    mean: float | None
    deviation: float | None
    quantiles: Mapping[float, float]
    histogram: tuple[int, ...]
    rising: bool

    @property
    def missing(self) -> float:
        """Share of the rows without a value."""
        return (self.nulls + self.blanks) / self.rows if self.rows else 0.0

    @property
    def skewed(self) -> bool:
        """Whether the upper values are much further from the median than the lower ones."""
        if not self.quantiles:
            return False
        below, middle, above = (self.quantiles[share] for share in (0.01, 0.5, 0.99))
        return above - middle > 3.0 * (middle - below)

    @property
    def far_out(self) -> bool:
        """Whether the largest or smallest values lie ten times as far out as nearly all others."""
        if not self.quantiles:
            return False
        below, middle, above = (self.quantiles[share] for share in (0.001, 0.5, 0.999))
        reach = max(above - middle, middle - below)
        return reach > 0 and (self.high - middle > _FAR * reach or middle - self.low > _FAR * reach)


def column_profile(
    name: str, column: Measured, dtype: pl.DataType, *, rows: int, sample: pl.Series
) -> ColumnProfile:
    """Finish what was measured.

    Args:
        name: the column's name.
        column: merged over all partitions.
        dtype: its type.
        rows: number of rows.
        sample: some of its values.
    """
    counts, weights = column.values.weighted()
    inner, shape = _types(dtype)
    some = column.numbers > 0
    numbers = _numbers(sample)
    quantiles = _quantiles(numbers)
    return ColumnProfile(
        name=name,
        dtype=inner,
        shape=shape,
        rows=rows,
        filled=column.values.total,
        nulls=column.nulls,
        blanks=column.blanks,
        infinite=column.infinite,
        distinct=column.values.distinct,
        exact=column.values.exact,
        once=float(weights[counts == 1].sum() / weights.sum()) if len(counts) else 0.0,
        most=tuple(column.values.most(_MOST)),
        low=column.low,
        high=column.high,
        mean=column.total / column.numbers if some else None,
        deviation=float(np.sqrt(column.squares / column.numbers)) if some else None,
        quantiles=quantiles,
        histogram=_histogram(numbers, quantiles),
        rising=column.rising,
    )


def _numbers(sample: pl.Series) -> Floats:
    """The finite numbers; none where the values are something else."""
    if not sample.dtype.is_numeric():
        return np.zeros(0)
    numbers = sample.drop_nulls().cast(pl.Float64)
    return numbers.filter(numbers.is_finite()).to_numpy()


def _quantiles(numbers: Floats) -> dict[float, float]:
    if len(numbers) == 0:
        return {}
    found = np.quantile(numbers, _QUANTILES, method="inverted_cdf")
    return dict(zip(_QUANTILES, found.tolist(), strict=True))


def _histogram(numbers: Floats, quantiles: Mapping[float, float]) -> tuple[int, ...]:
    if not quantiles or quantiles[0.01] == quantiles[0.99]:
        return ()
    return tuple(np.histogram(numbers, _BARS, (quantiles[0.01], quantiles[0.99]))[0].tolist())


def _types(dtype: pl.DataType) -> tuple[str, str]:
    """Names of the element's type and of the shape."""
    if isinstance(dtype, pl.List):
        return _types(_inner(dtype))[0], "list"
    if isinstance(dtype, pl.Array):
        return _types(_inner(dtype))[0], f"vector({dtype.size})"
    if isinstance(dtype, pl.Datetime):
        return "datetime", ""
    return {"String": "string", "Boolean": "bool"}.get(str(dtype), str(dtype).lower()), ""


def _inner(dtype: pl.List | pl.Array) -> pl.DataType:
    return dtype.inner if isinstance(dtype.inner, pl.DataType) else dtype.inner()
