"""Recall against exact search, and the least effort that reaches a target."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.index._faiss import nearest
from shortlist.rng import generator

__all__ = ["least_effort", "recall_of", "sample_queries"]

Vectors = npt.NDArray[np.float32]


def sample_queries(vectors: Vectors, queries: Vectors | None, count: int, seed: int) -> Vectors:
    """Queries to measure with: of the given ones, or sums of two vectors drawn at random.

    A vector alone would find itself in the first list probed and flatter the index; a sum of two lies between
    items, as the vector of a user does.
    """
    rng = generator(seed, "index", "queries")
    if queries is not None:
        return queries[np.sort(rng.permutation(len(queries))[:count])]
    pairs = rng.integers(0, len(vectors), (min(count, len(vectors)), 2))
    return vectors[pairs[:, 0]] + vectors[pairs[:, 1]]


def recall_of(index: Any, queries: Vectors, best: Vectors, effort: int) -> float:
    """Mean share of the K best items found: those that score at least the K-th best score.

    Args:
        index: FAISS structure.
        queries: float32 [Q, D].
        best: float32 [Q, K], scores of exact search, best first.
        effort: of the search.

    Counting scores instead of rows, an item as good as the K-th is a hit, not a miss.
    """
    if best.size == 0:
        return 1.0
    _, scores = nearest(index, queries, best.shape[1], effort)
    least = best[:, -1:]
    return float((scores >= least - 1e-6 * np.maximum(1.0, np.abs(least))).mean())


def least_effort(recall: Callable[[int], float], target: float, most: int) -> int:
    """The least effort whose recall reaches the target: doubled until it does, then halved in on.

    >>> least_effort(lambda effort: effort / 100, target=.37, most=64)
    37
    >>> least_effort(lambda effort: 0.5, target=.9, most=64)
    64
    """
    low, high = 0, 1
    while high < most and recall(high) < target:
        low, high = high, min(2 * high, most)
    while high - low > max(1, high // 50):
        middle = (low + high) // 2
        low, high = (low, middle) if recall(middle) >= target else (middle, high)
    return high
