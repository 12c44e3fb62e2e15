"""Events in sorted arrays: histories and as-of questions at any time."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from shortlist.data._marks import Marks
from shortlist.data._members import Members
from shortlist.data._ragged import Ragged

__all__ = ["ArrayLog", "Entity"]

Entity = Literal["user", "item", "pair"]
Positions = npt.NDArray[np.int64]

_EVER = np.zeros(1, dtype=np.int64)


@dataclass(frozen=True)
class ArrayLog:
    """An `EventLog` over arrays of E events in any order; ties in time keep the order given.

    Every question is about a user, an item or a pair of both, and a stretch of time [since, before). Unknown
    users and items (-1) have no events. Sorted copies are made when first needed: 16 bytes an event for each
    of the orders by time, by user, by item and by pair, and up to 24 a pair.

    Attributes:
        users: int64 [E], positions of users; events with -1 are kept for item statistics only.
        items: int64 [E], positions of items; events with -1 are not part of histories.
        times: int64 [E], microseconds since 1970 UTC.
        weights: float32 [E], how strong each event is; ones by default.
        n_items: number of items in the catalogue.

    >>> log = ArrayLog(np.array([0, 0, 1]), np.array([5, 6, 5]), np.array([10, 20, 30]), n_items=7)
    >>> log.history(np.array([0, 0]), np.array([20, 21]), limit=10)[0].to_lists()
    [[5], [5, 6]]
    >>> nobody, since, before = np.array([-1]), np.array([0]), np.array([31])
    >>> log.counts("item", nobody, np.array([5]), since, before).tolist()
    [2]
    """

    users: Positions
    items: Positions
    times: Positions
    weights: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    n_items: int = 0

    def __len__(self) -> int:
        return len(self.times)

    def history(self, users: Positions, before: Positions, limit: int) -> tuple[Ragged, Ragged]:
        """The last ``limit`` items of each user before a time, oldest first, and their times."""
        marks = self._by_user
        stop = marks.before(users, self._rank(before))
        start = np.maximum(marks.before(users, _EVER), stop - limit)
        offsets = np.zeros(len(users) + 1, dtype=np.int64)
        np.cumsum(stop - start, out=offsets[1:])
        rows = np.repeat(start - offsets[:-1], stop - start) + np.arange(offsets[-1])
        events = marks.events[rows]
        return Ragged(self.items[events], offsets), Ragged(self.times[events], offsets)

    def counts(
        self, of: Entity, users: Positions, items: Positions, since: Positions, before: Positions
    ) -> Positions:
        """How many events each entity had in [since, before)."""
        start, stop, _ = self._span(of, users, items, since, before)
        return stop - start

    def first(
        self, of: Entity, users: Positions, items: Positions, since: Positions, before: Positions
    ) -> Positions:
        """Time of each entity's first event in [since, before), -1 for none."""
        start, stop, events = self._span(of, users, items, since, before)
        return self._times_at(events, start, stop > start)

    def last(
        self, of: Entity, users: Positions, items: Positions, since: Positions, before: Positions
    ) -> Positions:
        """Time of each entity's last event in [since, before), -1 for none."""
        start, stop, events = self._span(of, users, items, since, before)
        return self._times_at(events, stop - 1, stop > start)

    def popularity(self, since: int, before: int) -> npt.NDArray[np.float64]:
        """Float64 [n_items]: weighted number of events of every item in [since, before)."""
        order, times = self._by_time
        low, high = np.searchsorted(times, [since, before])
        rows = order[low:high]
        rows = rows[self.items[rows] >= 0]
        weights = self.weights[rows] if len(self.weights) else None
        return np.bincount(self.items[rows], weights, minlength=self.n_items).astype(np.float64)

    def _span(
        self, of: Entity, users: Positions, items: Positions, since: Positions, before: Positions
    ) -> tuple[Positions, Positions, Positions]:
        """First and one-past-last place of each entity in [since, before), and the event of each place."""
        if of == "pair":
            numbers, marks = self._known_pairs.places(self._pairs(users, items)), self._by_pair
        else:
            numbers, marks = (users, self._by_user) if of == "user" else (items, self._by_item)
        start = marks.before(numbers, self._rank(since))
        return start, np.maximum(start, marks.before(numbers, self._rank(before))), marks.events

    def _times_at(self, events: Positions, place: Positions, found: npt.NDArray[np.bool_]) -> Positions:
        times = np.full(len(place), -1, dtype=np.int64)
        times[found] = self.times[events[place[found]]]
        return times

    def _rank(self, times: Positions) -> Positions:
        """How many events come before each time."""
        return self._by_time[1].searchsorted(times)

    def _pairs(self, users: Positions, items: Positions) -> Positions:
        return np.where((users < 0) | (items < 0), -1, users * max(self.n_items, 1) + items)

    @cached_property
    def _by_time(self) -> tuple[Positions, Positions]:
        order = np.argsort(self.times, kind="stable")
        return order, self.times[order]

    @cached_property
    def _by_user(self) -> Marks:
        return self._marked(self.users)

    @cached_property
    def _by_item(self) -> Marks:
        return self._marked(self.items)

    @cached_property
    def _by_pair(self) -> Marks:
        return self._marked(self._known_pairs.places(self._pairs(self.users, self.items)))

    @cached_property
    def _known_pairs(self) -> Members:
        pairs = np.unique(self._pairs(self.users, self.items))
        return Members(pairs[pairs >= 0])

    def _marked(self, numbers: Positions) -> Marks:
        """The events of known entities and items."""
        events = np.flatnonzero((numbers >= 0) & (self.items >= 0))
        return Marks(events, numbers[events], self._rank(self.times[events]), len(self) + 1)
