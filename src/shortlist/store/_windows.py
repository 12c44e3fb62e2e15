"""Popularity of time windows, each counted once."""

from collections import OrderedDict
from threading import Lock
from typing import final

import numpy as np
import numpy.typing as npt

from shortlist.store._layered_log import LayeredLog

__all__ = ["Windows"]

Counts = npt.NDArray[np.float64]


@final
class Windows:
    """Counts of the last ``size`` windows asked for.

    A window that overlaps a remembered, earlier one is counted by the difference: the events that entered are
    added and those that left are taken away, so requests in the order of time cost what happened between
    them.

    Args:
        log: where the events are.
        size: windows to remember, each 8 bytes an item.
    """

    def __init__(self, log: LayeredLog, size: int = 8) -> None:
        self._log = log
        self._size = size
        self._known: OrderedDict[tuple[int, int], Counts] = OrderedDict()
        self._lock = Lock()

    def counts(self, since: int, before: int, items: int) -> Counts:
        """Float64 [items], read-only: weighted events of each of the first items in [since, before)."""
        before = max(since, before)
        with self._lock:
            found = self._known.get((since, before))
            if found is None or len(found) < items:
                found = _grown(self._count(since, before) if found is None else found, items)
                found.flags.writeable = False
                self._known[since, before] = found
            self._known.move_to_end((since, before))
            if len(self._known) > self._size:
                self._known.popitem(last=False)
            return found if len(found) == items else found[:items]

    def forget_from(self, time: int) -> None:
        """Forget the windows that see events at or after a time: an event was added there."""
        with self._lock:
            for window in [window for window in self._known if window[1] > time]:
                del self._known[window]

    def _count(self, since: int, before: int) -> Counts:
        near = [window for window in self._known if window[0] <= since <= window[1] <= before]
        if not near:
            return self._log.popularity(since, before)
        start, stop = min(near, key=lambda window: (before - window[1]) + (since - window[0]))
        entered = self._log.popularity(stop, before) if stop < before else np.zeros(0)
        left = self._log.popularity(start, since) if start < since else np.zeros(0)
        known = self._known[start, stop]
        size = max(len(known), len(entered), len(left))
        return _grown(known, size) + _grown(entered, size) - _grown(left, size)


def _grown(counts: Counts, items: int) -> Counts:
    """The counts of at least so many items; what a window did not know of has none."""
    if len(counts) >= items:
        return counts
    return np.concatenate([counts, np.zeros(items - len(counts))])
