"""Ranks that never favour the model: every tie is decided against it."""

from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError
from shortlist.metrics._hits import check_truth, row_blocks
from shortlist.metrics._top_k import candidate_scores

__all__ = ["hits_at", "rank_pessimistic"]

_NEVER = np.iinfo(np.int64).max


def rank_pessimistic(
    scores: npt.NDArray[np.floating[Any]],
    offsets: npt.NDArray[np.int64],
    items: npt.NDArray[np.int64],
    *,
    seen: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.int64]:
    """Rank of each relevant item when every irrelevant item of equal score stands above it.

    Rule: ``1 + irrelevant items scored at least as high + relevant items before it``, where relevant items of
    one query stand by score, then by position. Scores are compared as float32.

    Args:
        scores: [Q, N], one column per item.
        offsets: [Q + 1] rows of ``items``.
        items: relevant item positions in 0 .. N - 1, strictly ascending within each query.
        seen: [Q, N]; True excludes the item for that query.

    Returns:
        Ranks from 1, int64, one for each of ``items``. An item that is no candidate (NaN, minus infinity or
        seen) gets the largest int64: no cut reaches it.

    Raises:
        ArgumentError: the shapes disagree, or an item is outside 0 .. N - 1.

    >>> scores = np.array([[0.5, 0.5, 0.5, 0.9]])
    >>> rank_pessimistic(scores, np.array([0, 2]), np.array([1, 3]))
    array([4, 1])
    """
    where = "metrics.rank_pessimistic"
    candidates = candidate_scores(where, scores, seen)
    check_truth(where, len(scores), offsets, items)
    if len(items) and not 0 <= items.min() <= items.max() < scores.shape[1]:
        raise ArgumentError(
            where,
            received=f"items from {items.min()} to {items.max()}",
            expected=f"positions in 0 .. {scores.shape[1] - 1}",
        )
    rows = np.repeat(np.arange(len(scores)), np.diff(offsets))
    own = candidates[rows, items]
    candidates[rows, items] = -np.inf
    ranks = 1 + _places(rows, offsets, own)
    for block in row_blocks(len(items), scores.shape[1]):
        ranks[block] += np.count_nonzero(candidates[rows[block]] >= own[block, None], axis=1)
    ranks[np.isneginf(own)] = _NEVER
    return ranks


def hits_at(ranks: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.bool_]:
    """Turn the ranks of the relevant items into the table of hits [Q, k] that the metrics read.

    >>> hits_at(np.array([4, 1]), np.array([0, 2]), 3)
    array([[ True, False, False]])
    """
    if k < 1:
        raise ArgumentError("metrics.hits_at", received=k, expected="k >= 1", remedy="pass k=10")
    found = np.zeros((len(offsets) - 1, k), dtype=bool)
    inside = ranks <= k
    rows = np.repeat(np.arange(len(found)), np.diff(offsets))
    found[rows[inside], ranks[inside] - 1] = True
    return found


def _places(
    rows: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64], own: npt.NDArray[np.float32]
) -> npt.NDArray[np.int64]:
    """Place, from 0, of each relevant item among the relevant items of its query."""
    order = np.lexsort((-own, rows))
    places = np.empty(len(rows), dtype=np.int64)
    places[order] = np.arange(len(rows)) - offsets[rows]
    return places
