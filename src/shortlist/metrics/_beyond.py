"""Beyond accuracy, list by list: novelty, diversity, serendipity, calibration."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.data import Ragged
from shortlist.errors import ArgumentError

__all__ = [
    "calibration",
    "category_diversity",
    "intra_list_diversity",
    "novelty",
    "percentiles",
    "serendipity",
]

Items: TypeAlias = npt.NDArray[np.int64]
Values: TypeAlias = npt.NDArray[np.float64]


def percentiles(popularity: npt.NDArray[Any]) -> Values:
    """Share of the catalogue that is less popular than each item, equal ones counted half; float64 [N].

    >>> percentiles(np.array([5, 0, 0, 9]))
    array([0.625, 0.25 , 0.25 , 0.875])
    """
    ordered = np.sort(popularity)
    below, up_to = (np.searchsorted(ordered, popularity, side=side) for side in ("left", "right"))
    shares: Values = (below + up_to) / (2 * max(len(popularity), 1))
    return shares


def novelty(recommended: Items, counts: npt.NDArray[Any], total: float) -> Values:
    """Mean self-information of the items of each list, in bits: ``-log2((count + 1) / (total + 1))``.

    Args:
        recommended: item positions [Q, K]; negative means "no item".
        counts: [N] how many users took each item.
        total: number of users.

    Returns:
        Float64 [Q]; NaN for an empty list.

    >>> novelty(np.array([[0, 1], [1, -1]]), np.array([3, 0]), 7)     # (1 + 3) / 2, 3
    array([2., 3.])
    """
    return _mean_of(recommended, -np.log2((np.asarray(counts, np.float64) + 1) / (total + 1)))


def category_diversity(recommended: Items, codes: npt.NDArray[Any]) -> Values:
    """Share of the pairs of each list whose items are of different categories; NaN below two items.

    Args:
        recommended: item positions [Q, K]; negative means "no item".
        codes: [N] category of each item.

    >>> category_diversity(np.array([[0, 1, 2]]), np.array([4, 4, 9])).round(4)     # 2 of 3 pairs
    array([0.6667])
    """
    shown = recommended >= 0
    _, codes = np.unique(codes, return_inverse=True)
    own = np.where(shown, codes[np.maximum(recommended, 0)] if len(codes) else 0, -1)
    ordered = np.sort(own, axis=1)
    row = np.broadcast_to(np.arange(len(own))[:, None], own.shape)[ordered >= 0]
    pairs, counts = np.unique(np.stack([row, ordered[ordered >= 0]], axis=1), axis=0, return_counts=True)
    same = np.bincount(pairs[:, 0], counts * (counts - 1.0), minlength=len(own))
    size = shown.sum(axis=1)
    return np.where(size > 1, 1 - same / np.maximum(size * (size - 1), 1), np.nan)


def intra_list_diversity(recommended: Items, vectors: npt.NDArray[np.floating[Any]]) -> Values:
    """Mean of ``1 - cosine`` over the pairs of each list; NaN below two items.

    Args:
        recommended: item positions [Q, K]; negative means "no item".
        vectors: [N, D]; a zero vector is unlike all others.

    >>> intra_list_diversity(np.array([[0, 1], [0, 2]]), np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]]))
    array([0., 1.])
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(norms > 0, norms, 1)
    size, summed, own = (recommended >= 0).sum(axis=1), np.zeros((len(recommended), unit.shape[1])), 0.0
    for column in recommended.T:
        part = np.where(column[:, None] >= 0, unit[np.maximum(column, 0)], 0.0)
        summed += part
        own = own + (part * part).sum(axis=1)
    pairs = np.maximum(size * (size - 1), 1)
    return np.where(size > 1, 1 - ((summed * summed).sum(axis=1) - own) / pairs, np.nan)


def serendipity(hits: npt.NDArray[np.bool_], recommended: Items, expected: Items) -> Values:
    """Share of the K ranks that hold a relevant item which a plain recommender would not have shown.

    Args:
        hits: [Q, K], of `shortlist.metrics.hits`.
        recommended: item positions [Q, K].
        expected: item positions [Q, E] of the plain recommender's lists, such as the popular items.

    >>> serendipity(np.array([[True, True]]), np.array([[3, 5]]), np.array([[5, 7]]))
    array([0.5])
    """
    if hits.shape != recommended.shape or len(expected) != len(hits):
        raise ArgumentError(
            "metrics.serendipity",
            received=f"hits {hits.shape}, recommended {recommended.shape}, expected {expected.shape}",
            expected="[Q, K], [Q, K] and [Q, E]",
        )
    unexpected = np.ones(hits.shape, dtype=np.bool_)
    for column in expected.T:
        unexpected &= recommended != column[:, None]
    shares: Values = (hits & unexpected).sum(axis=1) / max(hits.shape[1], 1)
    return shares


def calibration(
    recommended: Items, histories: Ragged, codes: npt.NDArray[Any], *, smoothing: float = 0.01
) -> Values:
    """How far the shares of categories in each list are from those in the user's history; 0 is the same.

    Kullback-Leibler divergence in nats ``sum_c p_c ln(p_c / q_c)``, p of the history, q of the list mixed
    with ``smoothing`` of p (Steck, "Calibrated recommendations", 2018).

    Args:
        recommended: item positions [Q, K]; negative means "no item".
        histories: Q lists of item positions.
        codes: [N] category of each item.
        smoothing: share of p in q, above 0 and below 1.

    Returns:
        Float64 [Q]; NaN where list or history is empty.

    Raises:
        ArgumentError: ``smoothing`` out of range.

    >>> codes = np.array([0, 0, 1])
    >>> calibration(np.array([[0, 2], [0, 1]]), Ragged.of([[1, 2], [0]]), codes)
    array([0., 0.])
    """
    if not 0 < smoothing < 1:
        raise ArgumentError("metrics.calibration", received=smoothing, expected="a share between 0 and 1")
    _, codes = np.unique(codes, return_inverse=True)
    width = int(codes.max(initial=0)) + 1
    shown = recommended >= 0
    row = np.broadcast_to(np.arange(len(recommended))[:, None], recommended.shape)[shown]
    listed = _shares(row, codes[recommended[shown]], len(recommended), width)
    known = _shares(histories.row_of, codes[histories.values], len(recommended), width)
    p, q = known, (1 - smoothing) * listed + smoothing * known
    with np.errstate(divide="ignore", invalid="ignore"):
        divergence = np.where(p > 0, p * np.log(p / q), 0.0).sum(axis=1)
    return np.where(shown.any(axis=1) & (histories.lengths > 0), divergence, np.nan)


def _shares(row: Items, codes: Items, rows: int, width: int) -> Values:
    counts = np.bincount(row * width + codes, minlength=rows * width).reshape(rows, width)
    shares: Values = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def _mean_of(recommended: Items, values: Values) -> Values:
    shown = recommended >= 0
    if recommended.max(initial=-1) >= len(values):
        raise ArgumentError(
            "metrics.novelty",
            received=f"item {recommended.max()}",
            expected=f"positions below the catalogue size {len(values)}",
        )
    total = np.append(values, 0.0)[np.maximum(recommended, -1)].sum(axis=1)
    size = shown.sum(axis=1)
    return np.where(size > 0, total / np.maximum(size, 1), np.nan)
