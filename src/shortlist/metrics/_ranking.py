"""Ranking metrics: pure functions of hits and counts, one value per query.

All share ``metric(hits, relevant, k)``:

- ``hits`` [Q, K]: whether the item at each rank is relevant, best rank first (`shortlist.metrics.hits`);
- ``relevant`` [Q]: how many relevant items the query has, found or not;
- ``k``: the cut; only the first k ranks count. A list shorter than k has nothing in its other ranks.

They return float64 [Q] within [0, 1]; a query without relevant items gives NaN: leave it out and count it.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError, near

__all__ = [
    "RankingMetric",
    "average_precision",
    "capped_recall",
    "hit_rate",
    "mrr",
    "ndcg",
    "parse",
    "precision",
    "r_precision",
    "recall",
]

Hits: TypeAlias = npt.NDArray[np.bool_]
Counts: TypeAlias = npt.NDArray[np.integer[Any]]
Values: TypeAlias = npt.NDArray[np.float64]
RankingMetric: TypeAlias = Callable[[Hits, Counts, int], Values]


def recall(hits: Hits, relevant: Counts, k: int) -> Values:
    """Share of the relevant items found in the first k: ``hits / relevant``.

    >>> recall(np.array([[True, False, True]]), np.array([4]), 3)
    array([0.5])
    """
    top = _cut(hits, relevant, k)
    return _per_query(top.sum(axis=1) / np.maximum(relevant, 1), relevant)


def capped_recall(hits: Hits, relevant: Counts, k: int) -> Values:
    """Hits over the most that k ranks can hold, ``hits / min(k, relevant)``: recall of strong generalisation.

    Its largest value is 1 whatever the cut (Liang et al., 2018).

    >>> capped_recall(np.array([[True, False]]), np.array([4]), 2)
    array([0.5])
    """
    top = _cut(hits, relevant, k)
    return _per_query(top.sum(axis=1) / np.clip(relevant, 1, k), relevant)


def precision(hits: Hits, relevant: Counts, k: int) -> Values:
    """Share of the first k ranks that are relevant: ``hits / k``, also for lists shorter than k.

    >>> precision(np.array([[True, False]]), np.array([4]), 4)
    array([0.25])
    """
    return _per_query(_cut(hits, relevant, k).sum(axis=1) / k, relevant)


def r_precision(hits: Hits, relevant: Counts, k: int) -> Values:
    """Share of the first ``min(k, relevant)`` ranks that are relevant.

    >>> r_precision(np.array([[True, False, True]]), np.array([2]), 3)
    array([0.5])
    """
    top = _cut(hits, relevant, k)
    ideal = np.clip(relevant, 1, k)
    inside = np.arange(top.shape[1]) < ideal[:, None]
    return _per_query((top & inside).sum(axis=1) / ideal, relevant)


def ndcg(hits: Hits, relevant: Counts, k: int) -> Values:
    """Normalised discounted cumulative gain: gain 1 a hit, discount ``1 / log2(rank + 1)``.

    The ideal list holds ``min(k, relevant)`` hits at its head (Järvelin and Kekäläinen, 2002).

    >>> ndcg(np.array([[False, True]]), np.array([1]), 2).round(4)     # 1 / log2(3)
    array([0.6309])
    """
    top = _cut(hits, relevant, k)
    discount = 1 / np.log2(np.arange(2, max(k, top.shape[1]) + 2))
    ideal = np.cumsum(discount)[np.clip(relevant, 1, k) - 1]
    gain: Values = top @ discount[: top.shape[1]]
    return _per_query(gain / ideal, relevant)


def mrr(hits: Hits, relevant: Counts, k: int) -> Values:
    """Reciprocal rank of the first relevant item in the first k, 0 where there is none.

    >>> mrr(np.array([[False, True], [False, False]]), np.array([1, 1]), 2)
    array([0.5, 0. ])
    """
    top = _cut(hits, relevant, k)
    first: Values = (top / np.arange(1, top.shape[1] + 1)).max(axis=1, initial=0.0)
    return _per_query(first, relevant)


def average_precision(hits: Hits, relevant: Counts, k: int) -> Values:
    """Precision at the rank of each hit, summed and divided by ``min(k, relevant)``; its mean is MAP.

    >>> average_precision(np.array([[True, False, True]]), np.array([2]), 3).round(4)     # (1/1 + 2/3) / 2
    array([0.8333])
    """
    top = _cut(hits, relevant, k)
    at_rank = np.cumsum(top, axis=1) / np.arange(1, top.shape[1] + 1)
    return _per_query((at_rank * top).sum(axis=1) / np.clip(relevant, 1, k), relevant)


def hit_rate(hits: Hits, relevant: Counts, k: int) -> Values:
    """1 where at least one of the first k is relevant, else 0.

    >>> hit_rate(np.array([[False, True], [False, False]]), np.array([1, 0]), 2)
    array([ 1., nan])
    """
    found: Hits = np.any(_cut(hits, relevant, k), axis=1)
    return _per_query(found, relevant)


_METRICS: dict[str, RankingMetric] = {
    "recall": recall,
    "capped_recall": capped_recall,
    "precision": precision,
    "r_precision": r_precision,
    "ndcg": ndcg,
    "mrr": mrr,
    "map": average_precision,
    "hit_rate": hit_rate,
}


def parse(name: str) -> tuple[RankingMetric, int]:
    """Read a metric's name, ``"ndcg@10"``, as its function and its cut k.

    Known: recall, capped_recall, precision, r_precision, ndcg, mrr, map (`average_precision`), hit_rate.

    Raises:
        ArgumentError: the metric is unknown (the near names are given) or k is not an integer >= 1.

    >>> metric, k = parse("ndcg@10")
    >>> metric.__name__, k
    ('ndcg', 10)
    """
    metric, _, cut = name.partition("@")
    if metric not in _METRICS:
        raise ArgumentError(
            "metrics.parse", received=name, expected="a metric like 'ndcg@10'", remedy=near(metric, _METRICS)
        )
    if not (cut.isascii() and cut.isdigit() and int(cut) >= 1):
        raise ArgumentError(
            "metrics.parse", received=name, expected="a cut k >= 1 after '@'", remedy=f"write '{metric}@10'"
        )
    return _METRICS[metric], int(cut)


def _cut(hits: Hits, relevant: Counts, k: int) -> Hits:
    if k < 1:
        raise ArgumentError("metrics", received=k, expected="a cut k >= 1", remedy="pass k=10")
    if hits.ndim != 2 or relevant.shape != hits.shape[:1]:
        raise ArgumentError(
            "metrics",
            received=f"hits of shape {hits.shape}, relevant of shape {relevant.shape}",
            expected="hits [Q, K] and relevant [Q]",
        )
    return hits[:, :k]


def _per_query(values: npt.NDArray[Any], relevant: Counts) -> Values:
    return np.where(relevant > 0, values, np.nan)
