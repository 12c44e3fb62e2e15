"""The k best items of a score table, with ties broken at random by seed."""

from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError
from shortlist.metrics._hits import row_blocks

__all__ = ["candidate_scores", "top_k"]


def top_k(
    scores: npt.NDArray[np.floating[Any]],
    k: int,
    *,
    seen: npt.NDArray[np.bool_] | None = None,
    seed: int = 0,
    queries: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.int64]:
    """Rank the items of each query by score, best first.

    Equal scores (compared as float32) are ordered by a hash of seed, query and item: at random as far as the
    truth is concerned, so constant scores rank like a random list and never like the order of the catalogue,
    and the same in every run. NaN counts as minus infinity, and minus infinity means "not a candidate".

    Args:
        scores: [Q, N], one column per item.
        k: length of the lists; k may exceed N.
        seen: [Q, N]; True excludes the item for that query.
        seed: of the order of ties.
        queries: [Q] number of each query, 0 .. Q - 1 by default. Give it when a large evaluation is cut into
            parts and the lists shall not depend on how it was cut.

    Returns:
        Item positions, int64 [Q, k], -1 where a query has fewer than k candidates.

    Raises:
        ArgumentError: k < 1 or the shapes disagree.

    >>> top_k(np.array([[0.1, 0.9, np.nan, 0.5]]), 4)
    array([[ 1,  3,  0, -1]])
    """
    if k < 1:
        raise ArgumentError("metrics.top_k", received=k, expected="k >= 1", remedy="pass k=10")
    candidates = candidate_scores("metrics.top_k", scores, seen)
    numbers = np.arange(len(scores)) if queries is None else queries
    if numbers.shape != (len(scores),):
        raise ArgumentError(
            "metrics.top_k",
            received=f"queries of shape {numbers.shape}",
            expected=f"one number for each of the {len(scores)} queries",
        )
    best = np.full((len(scores), k), -1, dtype=np.int64)
    for block in row_blocks(*scores.shape):
        top = _best(candidates[block], min(k, scores.shape[1]), _noise(seed, numbers[block], scores.shape[1]))
        best[block, : top.shape[1]] = top
    return best


def candidate_scores(
    where: str, scores: npt.NDArray[np.floating[Any]], seen: npt.NDArray[np.bool_] | None
) -> npt.NDArray[np.float32]:
    """Copy scores to float32 with NaN and seen items at minus infinity and no negative zero."""
    if scores.ndim != 2 or (seen is not None and seen.shape != scores.shape):
        raise ArgumentError(
            where,
            received=f"scores of shape {scores.shape}, seen of shape {None if seen is None else seen.shape}",
            expected="scores [Q, N] and seen of the same shape",
        )
    with np.errstate(over="ignore"):
        # Adding zero turns -0.0 into 0.0: equal scores must have equal bits.
        candidates = scores.astype(np.float32) + np.float32(0)
    candidates[np.isnan(candidates)] = -np.inf
    if seen is not None:
        candidates[seen] = -np.inf
    return candidates


def _best(scores: npt.NDArray[np.float32], k: int, noise: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Order by one integer key per cell: the score's bits above, the noise below."""
    bits = scores.view(np.uint32)
    ordered = np.where(bits >> 31 == 1, ~bits, bits | np.uint32(1 << 31)).astype(np.uint64)
    # Inverted, so that the best come first.
    key = ~(ordered << np.uint64(32) | noise >> np.uint64(32))
    top = np.argpartition(key, k - 1, axis=1)[:, :k] if k else np.empty((len(key), 0), dtype=np.int64)
    order = np.argsort(np.take_along_axis(key, top, axis=1), axis=1)
    top = np.take_along_axis(top, order, axis=1)
    return np.where(np.isneginf(np.take_along_axis(scores, top, axis=1)), -1, top)


def _noise(seed: int, queries: npt.NDArray[np.int64], items: int) -> npt.NDArray[np.uint64]:
    row = _mix(queries.astype(np.uint64) + _mix(np.array([seed % (1 << 64)], dtype=np.uint64)))
    columns = np.arange(items).astype(np.uint64)
    return _mix(row[:, None] + columns)


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): every input bit reaches every output bit."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ values >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ values >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return values ^ values >> np.uint64(31)
