"""Ranking metrics written out one query at a time, and what every ranking metric must satisfy.

The references read plain lists and follow the definitions word by word; they are slow and share no code with
`shortlist.metrics`.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from shortlist.metrics import RankingMetric, hits

__all__ = [
    "REFERENCES",
    "check_bounds",
    "check_equals_reference",
    "check_ignores_order_of_queries",
    "check_perfect",
    "metric_values",
]

Lists = Sequence[Sequence[int]]
Reference = Callable[[Sequence[int], set[int], int], float]


def _found(recommended: Sequence[int], relevant: set[int], k: int) -> list[bool]:
    first = [item >= 0 and item not in recommended[:place] for place, item in enumerate(recommended)]
    return [new and item in relevant for item, new in zip(recommended, first, strict=True)][:k]


def _recall(recommended: Sequence[int], relevant: set[int], k: int) -> float:
    return sum(_found(recommended, relevant, k)) / len(relevant)


def _capped_recall(recommended: Sequence[int], relevant: set[int], k: int) -> float:
    return sum(_found(recommended, relevant, k)) / min(k, len(relevant))


def _r_precision(recommended: Sequence[int], relevant: set[int], k: int) -> float:
    size = min(k, len(relevant))
    return sum(_found(recommended, relevant, size)) / size


def _precision(recommended: Sequence[int], relevant: set[int], k: int) -> float:
    return sum(_found(recommended, relevant, k)) / k


def _ndcg(recommended: Sequence[int], relevant: set[int], k: int) -> float:
    gain = sum(1 / math.log2(rank + 1) for rank, hit in enumerate(_found(recommended, relevant, k), 1) if hit)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))


def _mrr(recommended: Sequence[int], relevant: set[int], k: int) -> float:
    return max((1 / rank for rank, hit in enumerate(_found(recommended, relevant, k), 1) if hit), default=0.0)


def _average_precision(recommended: Sequence[int], relevant: set[int], k: int) -> float:
    found = _found(recommended, relevant, k)
    precisions = [sum(found[:rank]) / rank for rank, hit in enumerate(found, 1) if hit]
    return sum(precisions) / min(k, len(relevant))


def _hit_rate(recommended: Sequence[int], relevant: set[int], k: int) -> float:
    return float(any(_found(recommended, relevant, k)))


REFERENCES: dict[str, Reference] = {
    "recall": _recall,
    "capped_recall": _capped_recall,
    "precision": _precision,
    "r_precision": _r_precision,
    "ndcg": _ndcg,
    "mrr": _mrr,
    "map": _average_precision,
    "hit_rate": _hit_rate,
}


def metric_values(
    metric: RankingMetric, recommended: Lists, relevant: Lists, k: int
) -> npt.NDArray[np.float64]:
    """Measure plain lists: ``recommended`` of any length, ``relevant`` without duplicates."""
    offsets = np.cumsum([0, *map(len, relevant)])
    items = np.array([item for truth in relevant for item in sorted(truth)], dtype=np.int64)
    width = max(map(len, recommended), default=0)
    table = np.full((len(recommended), width), -1, dtype=np.int64)
    for query, row in enumerate(recommended):
        table[query, : len(row)] = row
    return metric(hits(table, offsets, items), np.diff(offsets), k)


def check_equals_reference(
    metric: RankingMetric, reference: Reference, recommended: Lists, relevant: Lists, k: int
) -> None:
    """The metric equals its reference on every query, and is NaN exactly where nothing is relevant."""
    expected = [
        reference(row, set(truth), k) if truth else math.nan
        for row, truth in zip(recommended, relevant, strict=True)
    ]
    np.testing.assert_allclose(metric_values(metric, recommended, relevant, k), expected, rtol=1e-12)


def check_bounds(metric: RankingMetric, recommended: Lists, relevant: Lists, k: int) -> None:
    """Every value lies within 0 and 1, whatever is recommended."""
    values = metric_values(metric, recommended, relevant, k)
    assert values.shape == (len(recommended),)
    assert ((values >= 0) & (values <= 1 + 1e-12) | np.isnan(values)).all(), values


def check_ignores_order_of_queries(
    metric: RankingMetric, recommended: Lists, relevant: Lists, k: int, order: Sequence[int]
) -> None:
    """A query's value does not depend on which queries are measured with it."""
    together = metric_values(metric, recommended, relevant, k)
    moved = metric_values(metric, [recommended[q] for q in order], [relevant[q] for q in order], k)
    np.testing.assert_array_equal(moved, together[list(order)])


def check_perfect(metric: RankingMetric, relevant: Lists, k: int) -> None:
    """The list of the relevant items has the largest value of all lists of k: 1, unless k limits it."""
    values = metric_values(
        metric, [list(truth)[:k] + [-1] * (k - len(truth)) for truth in relevant], relevant, k
    )
    largest = {
        "recall": [min(k, len(truth)) / len(truth) if truth else math.nan for truth in relevant],
        "precision": [min(k, len(truth)) / k if truth else math.nan for truth in relevant],
    }
    ones = [1.0 if truth else math.nan for truth in relevant]
    np.testing.assert_allclose(values, largest.get(metric.__name__, ones), rtol=1e-12)
