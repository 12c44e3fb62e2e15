"""Greedy choices of lists that are good and varied."""

import numpy as np
import numpy.typing as npt

__all__ = ["determinantal", "marginal", "scaled"]

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

_LEAST = np.float32(1e-6)


def scaled(scores: Floats, real: npt.NDArray[np.bool_]) -> Floats:
    """Float32 [Q, P]: the scores of each row from 0 for its worst to 1 for its best; 0 where all are equal.

    >>> scaled(np.array([[4.0, 2.0, 3.0, 9.0]], np.float32), np.array([[True, True, True, False]])).tolist()
    [[1.0, 0.0, 0.5, 0.0]]
    """
    known = real & np.isfinite(scores)
    low = np.where(known, scores, np.inf).min(axis=1, keepdims=True)
    high = np.where(known, scores, -np.inf).max(axis=1, keepdims=True)
    span = np.where(high > low, high - low, 1)
    with np.errstate(invalid="ignore"):
        return np.where(known, (scores - low) / span, 0).astype(np.float32)


def marginal(relevance: Floats, similar: Floats, strength: float, places: int) -> Places:
    """Maximal marginal relevance (Carbonell and Goldstein, 1998).

    Each place goes to the candidate with the largest ``(1 - strength) relevance - strength s``, s its
    largest similarity to those chosen so far (0 for the first place); the earlier one among equals.

    Args:
        relevance: [Q, P] of each candidate; -inf for none.
        similar: [Q, P, P].
        strength: 0 for relevance alone, 1 for variety alone.
        places: to fill.

    Returns:
        int64 [Q, places]: the candidate at each place, -1 where there are no more.
    """
    rows = np.arange(len(relevance))
    value, penalty = _weighted(relevance, strength), np.float32(strength) * similar
    gain, nearest = value.copy(), np.full_like(value, -np.inf)
    chosen = np.empty((len(rows), places), dtype=np.int64)
    for place in range(places):
        best = gain.argmax(axis=1)
        chosen[:, place] = best
        value[rows, best] = -np.inf
        np.maximum(nearest, penalty[rows, best], out=nearest)
        np.subtract(value, nearest, out=gain)
    return _real(chosen, relevance)


def determinantal(relevance: Floats, similar: Floats, strength: float, places: int) -> Places:
    """Greedy maximum a posteriori of a determinantal point process (Chen, Zhang and Zhou, 2018).

    Maximises ``(1 - strength) sum(relevance) + strength log det(S)`` over the chosen, S their similarities,
    one candidate after the other, by updates of the Cholesky factor: O(places P) each. A candidate that the
    chosen ones span has a determinant of 1e-6 instead of 0, so relevance decides among such.

    Args:
        relevance: [Q, P] of each candidate; -inf for none.
        similar: [Q, P, P], positive semi-definite, 1 on the diagonal.
        strength: 0 for relevance alone, 1 for variety alone.
        places: to fill.

    Returns:
        int64 [Q, places]: the candidate at each place, -1 where there are no more.
    """
    rows = np.arange(len(relevance))
    value, left = _weighted(relevance, strength), np.ones_like(relevance)
    factor = np.zeros((places, *relevance.shape), dtype=np.float32)
    chosen = np.empty((len(rows), places), dtype=np.int64)
    for place in range(places):
        best = (value + np.float32(strength) * np.log(np.maximum(left, _LEAST))).argmax(axis=1)
        chosen[:, place] = best
        value[rows, best] = -np.inf
        own = factor[:place, rows, best]
        shared = (factor[:place] * own[:, :, None]).sum(axis=0)
        root = np.sqrt(np.maximum(left[rows, best], _LEAST))[:, None]
        factor[place] = (similar[rows, best] - shared) / root
        left -= factor[place] ** 2
    return _real(chosen, relevance)


def _real(chosen: Places, relevance: Floats) -> Places:
    """The choices, -1 from where a row had no candidate left."""
    counts = np.count_nonzero(relevance > -np.inf, axis=1)
    return np.where(np.arange(chosen.shape[1]) < counts[:, None], chosen, -1)


def _weighted(relevance: Floats, strength: float) -> Floats:
    none = np.isneginf(relevance)
    return np.where(none, relevance, np.float32(1 - strength) * np.where(none, 0, relevance))
