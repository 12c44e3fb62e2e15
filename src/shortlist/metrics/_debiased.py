"""Truth without the weight of the very popular items."""

from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError

__all__ = ["debiased_truth"]


def debiased_truth(items: npt.NDArray[Any], reach: float = 1.5, *, seed: int = 0) -> npt.NDArray[np.bool_]:
    """Which held-out events to keep so that no item has more than the border.

    Border: ``Q3 + reach (Q3 - Q1)`` of the number of held-out events an item, over items that have any,
    rounded down; of items with more so many are kept at random. What popularity alone finds counts less then.

    Args:
        items: item of each held-out event [E].
        reach: interquartile ranges above the third quartile, >= 0.
        seed: which events are kept.

    Returns:
        Bool [E].

    Raises:
        ArgumentError: ``reach`` is below 0.

    >>> int(debiased_truth(np.array([7, 7, 7, 7, 1, 2, 3, 4])).sum())     # the quartiles are 1: one 7 stays
    5
    """
    if not reach >= 0:
        raise ArgumentError("metrics.debiased_truth", received=reach, expected="reach >= 0")
    if len(items) == 0:
        return np.zeros(0, dtype=np.bool_)
    _, which, counts = np.unique(items, return_inverse=True, return_counts=True)
    low, high = np.quantile(counts, [0.25, 0.75])
    border = max(1, int(high + reach * (high - low)))
    shuffled = np.random.default_rng(seed).permutation(len(items))
    order = shuffled[np.argsort(which[shuffled], kind="stable")]
    place = np.empty(len(items), dtype=np.int64)
    place[order] = np.arange(len(items)) - np.repeat(np.cumsum(counts) - counts, counts)
    return place < border
