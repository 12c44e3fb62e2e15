"""What an index finds against what there is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Index

__all__ = ["live_recall"]

Vectors = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_BLOCK = 16_384
_CLOSE = 1e-5


def live_recall(
    index: Index,
    queries: Vectors,
    k: int,
    allowed: Mask | None = None,
    rest: Callable[[], None] = lambda: None,
) -> npt.NDArray[np.float64]:
    """Share of each query's k best items that the index finds, the best found by a scan of all its vectors.

    An item found counts where its inner product reaches that of the k-th best, to within 1e-5 of it: equal
    items stand for one another. The vectors are those that the index holds, rounded where it rounds them.

    Args:
        index: searched, and scanned block by block.
        queries: float32 [Q, D].
        k: length of the lists; where fewer items are allowed, that many.
        allowed: bool [N], the rows that may be found; all by default.
        rest: called between blocks.

    Returns:
        Float64 [Q]; NaN where there is nothing to find.
    """
    rows = np.arange(len(index.keys)) if allowed is None else np.flatnonzero(allowed)
    width = min(k, len(rows))
    if width == 0 or len(queries) == 0:
        return np.full(len(queries), np.nan)
    best = np.full((len(queries), 0), -np.inf, np.float32)
    for start in range(0, len(rows), _BLOCK):
        products = queries @ index.vectors(rows[start : start + _BLOCK]).T
        best = np.concatenate([best, _largest(products, width)], axis=1)
        best = _largest(best, width)
        rest()
    found, _ = index.search(queries, width, allowed=allowed)
    least = best.min(axis=1)
    inside = [_products(index, query, own) for query, own in zip(queries, found, strict=True)]
    margin = _CLOSE * np.maximum(1.0, np.abs(least))
    hits = [int((own >= low - close).sum()) for own, low, close in zip(inside, least, margin, strict=True)]
    return np.array(hits, np.float64) / width


def _largest(values: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    if values.shape[1] <= count:
        return values
    return np.partition(values, values.shape[1] - count, axis=1)[:, -count:]


def _products(index: Index, query: Vectors, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    return np.asarray(index.vectors(rows[rows >= 0]) @ query)
