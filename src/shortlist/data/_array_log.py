"""Events in sorted arrays: histories and as-of counts at any time."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from shortlist.data._ragged import Ragged

__all__ = ["ArrayLog"]

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ArrayLog:
    """An `EventLog` over arrays of E events in any order; ties in time keep the order given.

    Every question has a user, an item or a pair, and a time; only events strictly before that time are seen.
    Unknown users and items (-1) have no events. Sorted copies are made when first needed.

    Attributes:
        users: int64 [E], positions of users; events with -1 are kept for item statistics only.
        items: int64 [E], positions of items; events with -1 are not part of histories.
        times: int64 [E], microseconds since 1970 UTC.
        weights: float32 [E], how strong each event is; ones by default.
        n_items: number of items in the catalogue.

    >>> log = ArrayLog(np.array([0, 0, 1]), np.array([5, 6, 5]), np.array([10, 20, 30]), n_items=7)
    >>> log.history(np.array([0, 0]), np.array([20, 21]), limit=10)[0].to_lists()
    [[5], [5, 6]]
    >>> log.item_counts(np.array([5]), np.array([0]), np.array([31])).tolist()
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
        order, keys, times = self._by_user
        start, stop = _span(keys, times, users, None, before)
        start = np.maximum(start, stop - limit)
        lengths = stop - start
        offsets = np.zeros(len(users) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        rows = np.repeat(start - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Ragged(self.items[order[rows]], offsets), Ragged(times[rows], offsets)

    def user_counts(self, users: Positions, since: Positions, before: Positions) -> Positions:
        """How many events each user had in [since, before)."""
        _, keys, times = self._by_user
        return _count(*_span(keys, times, users, since, before))

    def item_counts(self, items: Positions, since: Positions, before: Positions) -> Positions:
        """How many events each item had in [since, before)."""
        _, keys, times = self._by_item
        return _count(*_span(keys, times, items, since, before))

    def pair_counts(
        self, users: Positions, items: Positions, since: Positions, before: Positions
    ) -> Positions:
        """How many events each user-item pair had in [since, before)."""
        _, keys, times = self._by_pair
        return _count(*_span(keys, times, self._pairs(users, items), since, before))

    def user_last(self, users: Positions, before: Positions) -> Positions:
        """Time of each user's last event before a time, -1 for none."""
        _, keys, times = self._by_user
        return _last(times, *_span(keys, times, users, None, before))

    def item_last(self, items: Positions, before: Positions) -> Positions:
        """Time of each item's last event before a time, -1 for none."""
        _, keys, times = self._by_item
        return _last(times, *_span(keys, times, items, None, before))

    def pair_last(self, users: Positions, items: Positions, before: Positions) -> Positions:
        """Time of each pair's last event before a time, -1 for none."""
        _, keys, times = self._by_pair
        return _last(times, *_span(keys, times, self._pairs(users, items), None, before))

    def popularity(self, since: int, before: int) -> npt.NDArray[np.float64]:
        """Float64 [n_items]: weighted number of events of every item in [since, before)."""
        order, times = self._by_time
        low, high = np.searchsorted(times, [since, before])
        rows = order[low:high]
        rows = rows[self.items[rows] >= 0]
        weights = self.weights[rows] if len(self.weights) else None
        return np.bincount(self.items[rows], weights, minlength=self.n_items).astype(np.float64)

    @cached_property
    def _by_time(self) -> tuple[Positions, Positions]:
        order = np.argsort(self.times, kind="stable")
        return order, self.times[order]

    @cached_property
    def _by_user(self) -> tuple[Positions, Positions, Positions]:
        return self._sorted(self.users)

    @cached_property
    def _by_item(self) -> tuple[Positions, Positions, Positions]:
        return self._sorted(self.items)

    @cached_property
    def _by_pair(self) -> tuple[Positions, Positions, Positions]:
        return self._sorted(self._pairs(self.users, self.items))

    def _pairs(self, users: Positions, items: Positions) -> Positions:
        return np.where((users < 0) | (items < 0), -1, users * max(self.n_items, 1) + items)

    def _sorted(self, keys: Positions) -> tuple[Positions, Positions, Positions]:
        known = np.flatnonzero((keys >= 0) & (self.items >= 0))
        order = known[np.lexsort((self.times[known], keys[known]))]
        return order, keys[order], self.times[order]


def _span(
    keys: Positions, times: Positions, wanted: Positions, since: Positions | None, before: Positions
) -> tuple[Positions, Positions]:
    """First and one-past-last row of each key within a time span; rows are sorted by key, then time."""
    start = np.searchsorted(keys, wanted, side="left")
    stop = np.searchsorted(keys, wanted, side="right")
    first = start if since is None else _bisect(times, start, stop, since)
    return first, np.maximum(first, _bisect(times, start, stop, before))


def _bisect(times: Positions, low: Positions, high: Positions, value: Positions) -> Positions:
    """Per row, the first place in ``times[low:high]`` that is not below the value."""
    low, high = low.copy(), high.copy()
    for _ in range(int((high - low).max(initial=0)).bit_length()):
        middle = (low + high) // 2
        below = (low < high) & (times[np.minimum(middle, len(times) - 1)] < value)
        low = np.where(below, middle + 1, low)
        high = np.where(below, high, middle)
    return low


def _count(start: Positions, stop: Positions) -> Positions:
    return stop - start


def _last(times: Positions, start: Positions, stop: Positions) -> Positions:
    if len(times) == 0:
        return np.full(len(start), -1, dtype=np.int64)
    return np.where(stop > start, times[np.maximum(stop - 1, 0)], -1)
