"""The best items of histories, never all scores at once."""

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError
from shortlist.scorers._matrices import checked_matrix
from shortlist.scorers._protocols import Model, Scores, Users
from shortlist.scorers._sparse import SparseRows

__all__ = ["recommend"]

# Scores of one block of histories: 64 MB of them, and as much again while the best are found.
_CELLS = 1 << 24


def recommend(
    model: Model, rows: SparseRows, k: int = 10, *, users: Users = None, drop_seen: bool = True
) -> tuple[npt.NDArray[np.int64], Scores]:
    """Find the k best items of every history, block by block.

    The lists of many histories are the lists of each alone. Equal scores stand by position.

    Args:
        model: a fitted model.
        rows: histories [Q, items].
        k: length of the lists, >= 1.
        users: [Q], see `Model.scores`.
        drop_seen: whether the items of a history are left out of its list.

    Returns:
        Item positions int64 [Q, k] and their scores float32 [Q, k], best first; -1 and -inf where there are
        no more items.

    Raises:
        ArgumentError: k is below 1.

    >>> from shortlist.scorers import ItemPopularity
    >>> model = ItemPopularity(np.array([1.0, 3.0, 2.0]))
    >>> from scipy.sparse import csr_array
    >>> items, scores = recommend(model, csr_array(np.array([[0, 1, 0]])), 3)
    >>> items.tolist(), scores.tolist()
    ([[2, 0, -1]], [[2.0, 1.0, -inf]])
    """
    if k < 1:
        raise ArgumentError("recommend.k", received=k, expected="k >= 1", remedy="pass k=10")
    histories = checked_matrix("recommend", rows)
    queries, n_items = histories.shape
    items = np.full((queries, k), -1, dtype=np.int64)
    best = np.full((queries, k), -np.inf, dtype=np.float32)
    step = max(1, _CELLS // max(n_items, 1))
    for start in range(0, queries, step):
        block = slice(start, start + step)
        own = histories[block]
        scores = model.scores(own, None if users is None else users[block])
        if drop_seen:
            scores[np.repeat(np.arange(len(scores)), np.diff(own.indptr)), own.indices] = -np.inf
        found, values = _best(scores, min(k, n_items))
        items[block, : found.shape[1]] = np.where(np.isneginf(values), -1, found)
        best[block, : found.shape[1]] = values
    return items, best


def _best(scores: Scores, k: int) -> tuple[npt.NDArray[np.int64], Scores]:
    """Positions [Q, k] and values, by value descending and position ascending."""
    queries, n_items = scores.shape
    if k == 0:
        return np.empty((queries, 0), dtype=np.int64), scores[:, :0]
    least = np.partition(scores, n_items - k, axis=1)[:, n_items - k, None]
    above = scores > least
    # Of those that equal the least, as many as are left, the first ones.
    equal = scores == least
    room = k - above.sum(axis=1, keepdims=True)
    chosen = above | (equal & (np.cumsum(equal, axis=1) <= room))
    found = np.nonzero(chosen)[1].reshape(queries, k)
    values = np.take_along_axis(scores, found, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(values, order, axis=1)
