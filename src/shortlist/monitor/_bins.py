"""Bins of the values of one feature."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

__all__ = ["Bins", "Counts"]

Counts = npt.NDArray[np.int64]

_TENTHS = 10


@final
@dataclass(frozen=True, eq=False)
class Bins:
    """Where the values of a feature fall, and how many fell where when the bins were made.

    The bins of numbers end at quantiles: ``(-inf, edges[0]], (edges[0], edges[1]] .. (edges[-1], inf)``.
    Those of categories are the most frequent values and one for the rest. The last bin of either is for null.

    Attributes:
        edges: float64 [E], ascending ends of bins; None for categories.
        values: texts of the categories that have a bin of their own, most frequent first.
        counts: int64 [B], B = E + 2 for numbers, V + 2 for categories.

    >>> bins = Bins.of_numbers(np.array([1.0, 2.0, 2.0, np.nan]))
    >>> bins.count_numbers(np.array([0.0, 2.0, 9.0, np.nan, np.nan])).sum().item(), bins.null
    (5, 1)
    """

    edges: npt.NDArray[np.float64] | None
    values: tuple[str, ...]
    counts: Counts

    @classmethod
    def of_numbers(cls, numbers: npt.NDArray[Any], most: int = 50) -> "Bins":
        """Bins of about equally many numbers, at most so many; NaN is null."""
        plain = np.asarray(numbers, np.float64)
        known = plain[~np.isnan(plain)]
        edges = np.zeros(0)
        if len(known):
            # A value that many rows share ends a bin, so that it is never split.
            edges = np.unique(np.quantile(known, np.arange(1, most) / most, method="lower"))
            edges = edges[np.isfinite(edges)]
        empty = cls(edges, (), np.zeros(len(edges) + 2, np.int64))
        return cls(edges, (), empty.count_numbers(plain))

    @classmethod
    def of_categories(cls, values: Iterable[Any], most: int = 20) -> "Bins":
        """A bin for each of the most frequent values, as text; None is null."""
        plain = list(values)
        known = Counter(str(value) for value in plain if not _is_null(value))
        kept = tuple(sorted(known, key=lambda text: (-known[text], text))[:most])
        empty = cls(None, kept, np.zeros(len(kept) + 2, np.int64))
        return cls(None, kept, empty.count_categories(plain))

    @property
    def of_number(self) -> bool:
        """Whether they are bins of numbers."""
        return self.edges is not None

    @property
    def total(self) -> int:
        """Values, null among them."""
        return int(self.counts.sum())

    @property
    def null(self) -> int:
        """How many are null."""
        return int(self.counts[-1])

    def count_numbers(self, numbers: npt.NDArray[Any]) -> Counts:
        """int64 [B]: how many fall into each bin."""
        assert self.edges is not None
        plain = np.asarray(numbers, np.float64)
        missing = np.isnan(plain)
        places = np.searchsorted(self.edges, plain[~missing], side="left")
        counts = np.bincount(places, minlength=len(self.counts))
        counts[-1] = int(missing.sum())
        return counts.astype(np.int64)

    def count_categories(self, values: Iterable[Any]) -> Counts:
        """int64 [B]: how many fall into each bin."""
        place = {text: number for number, text in enumerate(self.values)}
        rest, null = len(self.values), len(self.values) + 1
        counts = np.zeros(len(self.counts), np.int64)
        for value, times in Counter(null if _is_null(value) else str(value) for value in values).items():
            counts[null if isinstance(value, int) else place.get(value, rest)] += times
        return counts

    def groups(self) -> npt.NDArray[np.int64]:
        """int64 [B]: the coarse bin of each: tenths of the numbers as they were, null and categories alone.

        >>> Bins.of_numbers(np.arange(1000.0)).groups().max().item()
        10
        """
        if self.edges is None:
            return np.arange(len(self.counts))
        known = self.counts[:-1] / max(self.total - self.null, 1)
        middles = np.cumsum(known) - known / 2
        tenths = np.minimum((_TENTHS * middles).astype(np.int64), _TENTHS - 1)
        _, place = np.unique(tenths, return_inverse=True)
        return np.append(place, int(place.max(initial=-1)) + 1).astype(np.int64)

    def name_of(self, first: int, last: int) -> str:
        """What the bins from the first to the last one hold, in words.

        >>> bins = Bins.of_numbers(np.array([1.0, 2.0, 3.0]))
        >>> bins.name_of(0, 0), bins.name_of(1, 1), bins.name_of(0, 3)
        ('up to 1', '1 to 2', 'any')
        """
        if last >= len(self.counts) - 1 and first == last:
            return "null"
        if self.edges is None:
            return self.values[first] if first < len(self.values) else "other values"
        low = f"{self.edges[first - 1]:.6g}" if first > 0 else ""
        high = f"{self.edges[last]:.6g}" if last < len(self.edges) else ""
        if low and high:
            return f"{low} to {high}"
        return f"above {low}" if low else f"up to {high}" if high else "any"

    def to_plain(self) -> dict[str, Any]:
        """Plain data for JSON."""
        kind = {"values": list(self.values)} if self.edges is None else {"edges": self.edges.tolist()}
        return {**kind, "counts": self.counts.tolist()}

    @classmethod
    def of_plain(cls, plain: dict[str, Any]) -> "Bins":
        """Read what `to_plain` gave."""
        counts = np.array(plain["counts"], np.int64)
        if "edges" in plain:
            bins = cls(np.array(plain["edges"], np.float64), (), counts)
            sound = len(bins.counts) == len(plain["edges"]) + 2
        else:
            bins = cls(None, tuple(map(str, plain["values"])), counts)
            sound = len(bins.counts) == len(bins.values) + 2
        if not sound:
            raise ValueError("bins and counts of different lengths")
        return bins


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN
