"""The user's own items first: the baseline of every domain where people buy again."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array

from shortlist.models.classical._interactions import Events
from shortlist.models.classical._protocols import Needs
from shortlist.scorers import OwnItems, checked_matrix

__all__ = ["Repeats"]


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
