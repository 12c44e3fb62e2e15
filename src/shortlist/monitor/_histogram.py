"""Counts by size, as Prometheus has them."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import final

__all__ = ["BATCHES", "SECONDS", "Histogram", "quantile"]

SECONDS = (
    *(0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075),
    *(0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
)
"""Ends of the bins of durations, in seconds."""

BATCHES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
"""Ends of the bins of batch sizes."""


@final
class Histogram:
    """How many values were at most so large. Not guarded against threads: its owner is.

    Args:
        ends: ascending ends of bins; a last bin without an end follows.

    Attributes:
        counts: values in each bin.
        total: sum of the values.

    >>> sizes = Histogram((1.0, 10.0))
    >>> for size in (1, 2, 100):
    ...     sizes.add(size)
    >>> sizes.counts, sizes.total, sizes.cumulative()
    ([1, 1, 1], 103.0, [(1.0, 1), (10.0, 2), (inf, 3)])
    """

    __slots__ = ("counts", "ends", "total")

    def __init__(self, ends: Sequence[float] = SECONDS) -> None:
        self.ends = ends
        self.counts = [0] * (len(ends) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.ends, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[float, int]]:
        """Ends with the number of values up to each; the last end is infinite."""
        out, below = [], 0
        for end, count in zip((*self.ends, float("inf")), self.counts, strict=True):
            below += count
            out.append((end, below))
        return out


def quantile(cumulative: Sequence[tuple[float, float]], share: float) -> float:
    """The value that a share of the values is at most, interpolated within its bin as Prometheus does.

    NaN where there is no value; where it lies beyond the last end, that end.

    Args:
        cumulative: ends, the last infinite, with the number of values up to each.
        share: from 0 to 1.

    >>> quantile([(1.0, 50), (2.0, 100), (float("inf"), 100)], 0.75)
    1.5
    """
    total = cumulative[-1][1] if cumulative else 0
    if total == 0:
        return float("nan")
    wanted, low, before = share * total, 0.0, 0.0
    for end, count in cumulative:
        if count >= wanted and count > before:
            return low if end == float("inf") else low + (end - low) * (wanted - before) / (count - before)
        low, before = end, count
    return low
