"""The user's own items first: the baseline of every domain where people buy again."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical._interactions import Events, checked_histories, checked_matrix, part
from shortlist.models.classical._protocols import Arrays, Needs, Scores, Users

__all__ = ["OwnItems", "Repeats"]


@dataclass(frozen=True, eq=False)
class OwnItems:
    """A fitted `Repeats`.

    Attributes:
        popularity: summed weight of each item, float64 [items].
        last: CSR [users, items], how long after the first event of all (plus 1) the user's last event on the
            item was; empty where times are unknown.
    """

    popularity: npt.NDArray[np.float64]
    last: csr_array

    def scores(self, rows: csr_array, users: Users = None) -> Scores:
        """Score own items 2, 3, .. in rising order and the others below 1; see `Model.scores`.

        Args:
            rows: histories [Q, items]; the weight of an item is its count.
            users: [Q] rows of the users in the events fitted on, -1 for a new user; None knows no times.

        Raises:
            ArgumentError: a user or the number of items is not that of the fit.
        """
        histories = checked_histories("Repeats.scores", rows, len(self.popularity))
        below = self.popularity / (self.popularity.max(initial=0) + 1)
        scores = np.tile(below.astype(np.float32), (histories.shape[0], 1))
        row, column = np.repeat(np.arange(histories.shape[0]), np.diff(histories.indptr)), histories.indices
        keys = histories.data, self._recency(histories, users), self.popularity[column]
        scores[row, column] = 1 + _dense_ranks(row, *keys)
        return scores

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """``popularity`` and the CSR parts ``last_data``, ``last_indices``, ``last_indptr``."""
        last = self.last
        parts = {"last_data": last.data, "last_indices": last.indices, "last_indptr": last.indptr}
        return {"popularity": self.popularity, **parts}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Inverse of `arrays`."""
        where = "Repeats.from_arrays"
        popularity = part(where, arrays, "popularity")
        data, indices, indptr = (
            part(where, arrays, f"last_{name}") for name in ("data", "indices", "indptr")
        )
        return cls(popularity, csr_array((data, indices, indptr), shape=(len(indptr) - 1, len(popularity))))

    def _recency(self, histories: csr_array, users: Users) -> npt.NDArray[np.float64]:
        """How late each entry of the histories was last taken; the same for all where it is unknown."""
        recency = np.zeros(histories.nnz)
        if users is None:
            return recency
        if users.shape != histories.shape[:1] or users.max(initial=-1) >= self.last.shape[0]:
            raise ArgumentError(
                "Repeats.scores",
                received=f"users of shape {users.shape}, up to {users.max(initial=-1)}",
                expected=f"{histories.shape[0]} users in 0 .. {self.last.shape[0] - 1}, -1 for a new one",
            )
        known = users >= 0
        own = histories[known]
        own.data[:] = 1
        # The sum has exactly the entries of the histories, so that none is lost where no time is known.
        timed = own + own.multiply(self.last[users[known]])
        recency[np.repeat(known, np.diff(histories.indptr))] = timed.data
        return recency


@dataclass(frozen=True)
class Repeats:
    """Rank the user's own items by count, then by their last time, then by popularity; the others below.

    With `fit` alone times are unknown and own items of equal count stand by popularity.

    >>> events = Events(np.zeros(2, int), np.array([0, 2]), np.array([1, 5]), np.ones(2), shape=(1, 3))
    >>> history = csr_array(np.array([[1, 0, 1]]))
    >>> Repeats().fit_events(events).scores(history, np.array([0]))     # item 2 was bought later
    array([[2., 0., 3.]], dtype=float32)
    """

    needs: ClassVar[Needs] = "events"

    def fit(self, X: csr_array) -> OwnItems:
        """Sum the columns of ``X`` [users, items]; no times."""
        matrix = checked_matrix("Repeats.fit", X)
        return OwnItems(matrix.sum(axis=0), csr_array(matrix.shape, dtype=np.float64))

    def fit_events(self, events: Events) -> OwnItems:
        """Sum the weights by item and keep each pair's last time."""
        order = np.lexsort((events.times, events.items, events.users))
        users, items, times = events.users[order], events.items[order], events.times[order].astype(np.float64)
        final = np.append((np.diff(users) != 0) | (np.diff(items) != 0), True)[: len(users)]
        since = times - times.min(initial=np.inf) + 1
        last = csr_array((since[final], (users[final], items[final])), shape=events.shape)
        return OwnItems(events.matrix().sum(axis=0), last)


def _dense_ranks(row: npt.NDArray[Any], *keys: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Rank, from 1, of each entry in its row by the keys, first key first; equal entries share a rank."""
    order = np.lexsort((*reversed(keys), row))
    same = np.ones(len(order), dtype=bool)
    for key in keys:
        same[1:] &= np.diff(key[order]) == 0
    starts = np.append(True, np.diff(row[order]) != 0)[: len(order)]
    steps = np.cumsum(starts | ~same)
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = 1 + steps - np.maximum.accumulate(np.where(starts, steps, 0))
    return ranks
