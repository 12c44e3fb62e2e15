"""Order within requests: scored candidates of labelled rows, request by request."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError

__all__ = ["ndcg_within"]

Array: TypeAlias = npt.NDArray[Any]


def ndcg_within(
    labels: Array, predicted: Array, groups: Array, k: int | None = 10
) -> npt.NDArray[np.float64]:
    """NDCG@k of each request's own candidates: gain ``2^label - 1``, discount ``1 / log2(rank + 1)``.

    The ideal is the best order of the same candidates, cut at ``k`` too. Among equal scores the lower label
    comes first, so that ties never favour the model. A request without a positive label has nothing to find:
    NaN.

    Args:
        labels: >= 0 [N]: 0 and 1, or grades.
        predicted: scores [N]; higher comes first.
        groups: [N] request of each row, in any order.
        k: the cut; None for no cut.

    Returns:
        Float64 [G], in the order of the sorted distinct requests.

    Raises:
        ArgumentError: the shapes differ, a label is below 0, a score is NaN, or ``k`` is below 1.

    >>> ndcg_within(np.array([0, 1, 1, 0]), np.array([0.9, 0.1, 0.7, 0.7]), np.array([1, 1, 2, 2]))
    array([0.63092975, 0.63092975])
    """
    grades, scores = np.asarray(labels, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    _check(grades, scores, np.asarray(groups), k)
    _, group = np.unique(groups, return_inverse=True)
    requests = int(group.max(initial=-1)) + 1
    order = np.lexsort((grades, -scores, group))
    ideal = np.lexsort((-grades, group))
    starts = np.searchsorted(group[order], np.arange(requests))
    rank = np.arange(len(group)) - starts[group[order]]
    weight = np.where(rank < (len(group) if k is None else k), 1 / np.log2(rank + 2), 0.0)
    gains = np.exp2(grades) - 1
    reached, best = (
        np.bincount(group[rows], weight * gains[rows], minlength=requests) for rows in (order, ideal)
    )
    found = np.full(requests, np.nan)
    np.divide(reached, best, out=found, where=best > 0)
    return found


def _check(labels: Array, predicted: Array, groups: Array, k: int | None) -> None:
    where = "metrics.ndcg_within"
    if labels.ndim != 1 or not labels.shape == predicted.shape == groups.shape:
        raise ArgumentError(
            where,
            received=f"shapes {labels.shape}, {predicted.shape}, {groups.shape}",
            expected="labels, scores and requests [N] of one length",
        )
    if not (labels >= 0).all() or np.isnan(predicted).any():
        raise ArgumentError(
            where, received="labels below 0, or NaN", expected="labels >= 0 and scores that are numbers"
        )
    if k is not None and k < 1:
        raise ArgumentError(where, received=f"k={k}", expected="an integer >= 1, or None")
