"""Exact quantiles in a few passes over the data, in bounded memory, whatever the partitions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.features._frame_columns import on_elements
from shortlist.features._statistics import Counts
from shortlist.schema import Column

__all__ = ["MEDIAN", "Quantiles"]

Integers = npt.NDArray[np.int64]

_BITS = 64
# The first pass tells numbers apart by their sign, exponent and 8 binary digits; later ones by 16 more.
_FIRST, _MORE = 20, 16
# So few numbers are counted one by one rather than by how they begin.
_FEW = 2**20
_ALL_BUT_SIGN = 2**63 - 1


class _Level(NamedTuple):
    """How many images begin with the same bits: of all, later of those that begin like a wanted one."""

    bits: int
    begin: Integers
    counts: Integers


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Quantiles of the finite numbers of a column, by linear interpolation as `numpy.quantile` does.

    Every number has an integer image of 64 bits in the same order. The first pass counts how images begin;
    the next counts longer beginnings, but only of images that begin like a wanted one; and so on until images
    are told apart. Two passes are usual, four the most. A pass counts at most 2**20 different beginnings, or
    2**16 for each wanted number.

    Attributes:
        probabilities: from 0 for the least number to 1 for the greatest.

    >>> column, totals = Column("x", "float64"), {}
    >>> rows = pl.LazyFrame({"x": [4.0, 1.0, 2.0, None]})
    >>> while asked := MEDIAN.asked(column, pl.col("x"), totals):
    ...     totals |= {name: counts.plan(rows).collect() for name, counts in asked.items()}
    >>> MEDIAN.found(totals)
    [2.0]
    """

    probabilities: tuple[float, ...]

    def asked(self, column: Column, value: pl.Expr, totals: Mapping[str, pl.DataFrame]) -> dict[str, Counts]:
        """What to count in the next pass, given all totals so far; empty when they are enough."""
        levels = _levels(totals)
        if not levels:
            return _counts(column, value, _FIRST, 0, [])
        known, begin, counts = levels[-1]
        wanted = np.unique(self._beginnings(levels))
        if known == _BITS or len(wanted) == 0:
            return {}
        few = counts[np.isin(begin, wanted)].sum() <= _FEW
        return _counts(column, value, _BITS if few else min(known + _MORE, _BITS), known, wanted.tolist())

    def found(self, totals: Mapping[str, pl.DataFrame]) -> list[float]:
        """The quantiles, once nothing more is asked; empty for a column without finite numbers."""
        levels = _levels(totals)
        images = self._beginnings(levels)
        if len(images) == 0:
            return []
        low, high = _numbers(images).reshape(2, -1)
        share = self._places(levels) % 1.0
        between = np.where(low == high, low, low * (1.0 - share) + high * share)
        return [float(quantile) for quantile in between]

    def _places(self, levels: Sequence[_Level]) -> npt.NDArray[np.float64]:
        """Where each quantile stands among the numbers in order: between two of them, or upon one."""
        return np.array(self.probabilities) * (int(levels[0].counts.sum()) - 1)

    def _beginnings(self, levels: Sequence[_Level]) -> Integers:
        """Images of the numbers below every quantile, then of those above, as far as they are known."""
        if len(levels[0].counts) == 0:
            return np.zeros(0, np.int64)
        places = self._places(levels)
        rank = np.concatenate([np.floor(places), np.ceil(places)]).astype(np.int64)
        held, known = np.zeros(len(rank), np.int64), 0
        for bits, begin, counts in levels:
            before = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
            first = np.searchsorted(begin, held << (bits - known)) if known else np.zeros(len(rank), np.int64)
            at = np.searchsorted(before, before[first] + rank, side="right") - 1
            held, rank, known = begin[at], rank - (before[at] - before[first]), bits
        return held


MEDIAN = Quantiles((0.5,))


def _counts(column: Column, value: pl.Expr, bits: int, known: int, wanted: list[int]) -> dict[str, Counts]:
    """Counts of the first ``bits`` bits, of images whose ``known`` first bits are wanted."""

    def beginning(x: pl.Expr) -> pl.Expr:
        image = _image(x)
        kept = pl.when((image // (1 << (_BITS - known))).is_in(wanted)).then(image) if known else image
        return kept // (1 << (_BITS - bits))

    return {f"first_{bits}": Counts({"begin": on_elements(column, value, beginning)}, column.is_list)}


def _image(x: pl.Expr) -> pl.Expr:
    """Int64 in the order of the finite numbers, null for others; both zeros are one."""
    number = x.cast(pl.Float64)
    bits = (pl.when(number.is_finite()).then(number) + 0.0).reinterpret(dtype=pl.Int64)
    return pl.when(bits >= 0).then(bits).otherwise(bits ^ _ALL_BUT_SIGN)


def _numbers(images: Integers) -> npt.NDArray[np.float64]:
    return np.where(images >= 0, images, images ^ _ALL_BUT_SIGN).view(np.float64)


def _levels(totals: Mapping[str, pl.DataFrame]) -> list[_Level]:
    found = []
    for bits, name in sorted((int(name.removeprefix("first_")), name) for name in totals):
        frame = totals[name].drop_nulls("begin").sort("begin")
        found.append(_Level(bits, frame["begin"].to_numpy(), frame["count"].to_numpy()))
    return found
