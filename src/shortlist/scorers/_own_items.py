"""The user's own items first."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from shortlist.scorers._matrices import checked_histories, checked_users
from shortlist.scorers._protocols import Arrays, Scores, Users, part
from shortlist.scorers._sparse import SparseRows

__all__ = ["OwnItems"]


@dataclass(frozen=True, eq=False)
class OwnItems:
    """A fitted `shortlist.models.classical.Repeats`.

    Attributes:
        popularity: summed weight of each item, float64 [items].
        last: CSR [users, items], how long after the first event of all (plus 1) the user's last event on the
            item was; empty where times are unknown.
    """

    popularity: npt.NDArray[np.float64]
    last: SparseRows

    def scores(self, rows: SparseRows, users: Users = None) -> Scores:
        """Score own items 2, 3, .. in rising order and the others below 1; see `Model.scores`.

        Args:
            rows: histories [Q, items]; the weight of an item is its count.
            users: [Q] rows of the users in the events fitted on; a row that is not there is a new user, None
                makes all new.

        Raises:
            ArgumentError: the number of users or of items does not fit.
        """
        histories = checked_histories("OwnItems.scores", rows, len(self.popularity))
        below = self.popularity / (self.popularity.max(initial=0) + 1)
        scores = np.tile(below.astype(np.float32), (histories.shape[0], 1))
        row, column = np.repeat(np.arange(histories.shape[0]), np.diff(histories.indptr)), histories.indices
        keys = histories.data, self._recency(histories, users), self.popularity[column]
        scores[row, column] = 1 + _dense_ranks(row, *keys)
        return scores

    @property
    def n_items(self) -> int:
        """Number of items it was fitted on."""
        return len(self.popularity)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """``popularity`` and the CSR parts ``last_data``, ``last_indices``, ``last_indptr``."""
        last = self.last
        parts = {"last_data": last.data, "last_indices": last.indices, "last_indptr": last.indptr}
        return {"popularity": self.popularity, **parts}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Inverse of `arrays`."""
        where = "OwnItems.from_arrays"
        popularity = part(where, arrays, "popularity")
        data, indices, indptr = (
            part(where, arrays, f"last_{name}") for name in ("data", "indices", "indptr")
        )
        from scipy.sparse import csr_array

        return cls(popularity, csr_array((data, indices, indptr), shape=(len(indptr) - 1, len(popularity))))

    def _recency(self, histories: SparseRows, users: Users) -> npt.NDArray[np.float64]:
        """How late each entry of the histories was last taken; the same for all where it is unknown."""
        recency = np.zeros(histories.nnz)
        rows = checked_users("OwnItems.scores", users, histories.shape[0], self.last.shape[0])
        known = rows >= 0
        own = histories[known]
        own.data[:] = 1
        # The sum has exactly the entries of the histories, so that none is lost where no time is known.
        timed = own + own.multiply(self.last[rows[known]])
        recency[np.repeat(known, np.diff(histories.indptr))] = timed.data
        return recency


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
