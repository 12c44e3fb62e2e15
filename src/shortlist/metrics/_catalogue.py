"""Beyond accuracy: how much of the catalogue is shown, how evenly, and how popular it is."""

from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError

__all__ = ["average_popularity", "coverage", "gini"]


def coverage(recommended: npt.NDArray[np.int64], n_items: int) -> float:
    """Share of the catalogue that stands in at least one list; NaN for an empty catalogue.

    Args:
        recommended: item positions [Q, K] in 0 .. n_items - 1; negative means "no item".
        n_items: size of the catalogue.

    >>> coverage(np.array([[0, 1], [1, -1]]), 4)
    0.5
    """
    counts = _shown("metrics.coverage", recommended, n_items)
    return float(np.count_nonzero(counts) / n_items) if n_items else float("nan")


def gini(recommended: npt.NDArray[np.int64], n_items: int) -> float:
    """Gini index of how often each item of the catalogue is shown: 0 is even, near 1 is a few items only.

    Rule, with counts x sorted ascending: ``sum((2 i - n - 1) x_i) / (n sum(x))``; NaN where nothing is shown.

    >>> gini(np.array([[0, 1], [2, 3]]), 4), gini(np.array([[0], [0]]), 4)
    (0.0, 0.75)
    """
    counts = np.sort(_shown("metrics.gini", recommended, n_items))
    if counts.sum() == 0:
        return float("nan")
    order = 2 * np.arange(1, n_items + 1) - n_items - 1
    return float(order @ counts / (n_items * counts.sum()))


def average_popularity(
    recommended: npt.NDArray[np.int64], popularity: npt.NDArray[Any]
) -> npt.NDArray[np.float64]:
    """Mean popularity of the items in each list, float64 [Q]; NaN for an empty list.

    Args:
        recommended: item positions [Q, K]; negative means "no item".
        popularity: [N] popularity of each item, in any unit: counts, shares, percentiles.

    >>> average_popularity(np.array([[0, 1], [1, -1], [-1, -1]]), np.array([10, 2]))
    array([ 6.,  2., nan])
    """
    _shown("metrics.average_popularity", recommended, len(popularity))
    shown = recommended >= 0
    # Index -1 reads the zero at the end.
    total = np.append(popularity, 0)[np.maximum(recommended, -1)].sum(axis=1, dtype=np.float64)
    lengths = shown.sum(axis=1)
    return np.where(lengths > 0, total / np.maximum(lengths, 1), np.nan)


def _shown(where: str, recommended: npt.NDArray[np.int64], n_items: int) -> npt.NDArray[np.int64]:
    shown = recommended[recommended >= 0]
    if shown.max(initial=-1) >= n_items:
        raise ArgumentError(
            where, received=f"item {shown.max()}", expected=f"positions below the catalogue size {n_items}"
        )
    return np.bincount(shown, minlength=n_items)
