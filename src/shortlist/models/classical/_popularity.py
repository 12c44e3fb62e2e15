"""Popularity, all-time and recent: the same list for everybody."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical._interactions import Events
from shortlist.models.classical._protocols import Needs
from shortlist.scorers import ItemPopularity, checked_matrix

__all__ = ["Popularity", "RecentPopularity"]


@dataclass(frozen=True)
class Popularity:
    """Score an item by the sum of its weights over all users.

    >>> X = csr_array(np.array([[1, 0], [1, 1]]))
    >>> Popularity().fit(X).scores(csr_array((1, 2)))
    array([[2., 1.]], dtype=float32)
    """

    needs: ClassVar[Needs] = "matrix"

    def fit(self, X: csr_array) -> ItemPopularity:
        """Sum the columns of ``X`` [users, items]."""
        return ItemPopularity(checked_matrix("Popularity.fit", X).sum(axis=0))


@dataclass(frozen=True)
class RecentPopularity:
    """Score an item by the sum of its weights in the last ``window`` before the latest event.

    An event counts when ``time > latest - window``.

    Attributes:
        window: length of the window, > 0, in the unit of the events' times. Shorter follows fashion sooner
            and rests on fewer events.

    Raises:
        ArgumentError: ``window`` is not above 0.

    >>> events = Events(np.zeros(3, int), np.array([0, 0, 1]), np.array([1, 2, 9]), np.ones(3), shape=(1, 2))
    >>> RecentPopularity(window=5).fit_events(events).popularity
    array([0., 1.])
    """

    window: float
    needs: ClassVar[Needs] = "events"

    def __post_init__(self) -> None:
        if not self.window > 0:
            raise ArgumentError(
                "RecentPopularity.window",
                received=self.window,
                expected="a length > 0",
                remedy="give it in the unit of the events' times",
            )

    def fit_events(self, events: Events) -> ItemPopularity:
        """Sum the weights of the recent events by item."""
        latest = events.times.max() if len(events.times) else 0
        recent = events.times > latest - self.window
        sums = np.bincount(events.items[recent], weights=events.weights[recent], minlength=events.shape[1])
        return ItemPopularity(sums.astype(np.float64, copy=False))
