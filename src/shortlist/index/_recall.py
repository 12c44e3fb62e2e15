"""Recall against exact search, and the least effort that reaches a target."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.index._comparisons import again_for, effort_for
from shortlist.index._facts import Facts
from shortlist.index._faiss import nearest_exact, scores_of
from shortlist.index._structure import Structure
from shortlist.rng import generator

__all__ = ["Truth", "least_effort", "sample_queries"]

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Queries, and what exact search answers.

    Attributes:
        flat: flat FAISS structure of the float32 vectors.
        queries: float32 [Q, D].
        best: float32 [Q, K], scores of the K best items, best first.
    """

    flat: Any
    queries: Vectors
    best: Vectors

    @classmethod
    def of(cls, flat: Any, queries: Vectors, k: int) -> "Truth":
        """Ask for the k best items of each query."""
        return cls(flat, queries, nearest_exact(flat, queries, k, None)[1])

    def first(self, k: int) -> "Truth":
        """The same queries, asked for fewer items."""
        return Truth(self.flat, self.queries, self.best[:, :k])

    def recall(self, structure: Structure, facts: Facts) -> float:
        """Mean share of the K best items that a search of the structure finds."""
        k = self.best.shape[1]
        rows, _ = structure.nearest(self.queries, k, effort_for(facts, k), again_for(facts, k))
        return self.share(rows)

    def share(self, rows: Rows) -> float:
        """Mean share of the K best items among these rows [Q, K]: those that score at least the K-th best.

        Counting float32 scores instead of rows, an item as good as the K-th is a hit, not a miss.
        """
        if self.best.size == 0:
            return 1.0
        least = self.best[:, -1:]
        scores = scores_of(self.flat, self.queries, rows)
        return float((scores >= least - 1e-6 * np.maximum(1.0, np.abs(least))).mean())


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
