"""Where an integer stands among others: built once, asked for millions of values at a time."""

import numpy as np
import numpy.typing as npt

from shortlist.features._hash import hash_integers

__all__ = ["IntegerIndex"]

Integers = npt.NDArray[np.int64]


class IntegerIndex:
    """Positions of V distinct integers.

    Integers that lie close together are found in a table by value. Others are found in a hash table with
    open addressing and linear steps, at most half full; all values still unplaced take one step at a time.
    Memory: 4 bytes for each of the 2 to 4 V slots, or for each integer of the range.

    >>> IntegerIndex(np.array([70, 10**15, -3])).positions(np.array([-3, 70, 71])).tolist()
    [2, 0, -1]
    """

    def __init__(self, keys: Integers) -> None:
        # One entry more, for the position -1 of an empty slot to point at.
        self._keys = np.append(keys, 0)
        low, high = (int(keys.min()), int(keys.max())) if len(keys) else (0, 0)
        self._low, self._dense = low, high - low < max(4 * len(keys), 1024)
        self._slots = np.full(high - low + 1, -1, np.int32) if self._dense else _hash_table(keys)
        if self._dense:
            self._slots[keys - low] = np.arange(len(keys), dtype=np.int32)

    def positions(self, wanted: Integers) -> npt.NDArray[np.int32]:
        """int32 [N]: the position of each integer, -1 where it is not among the keys."""
        if self._dense:
            place = wanted - self._low
            inside = (wanted >= self._low) & (place >= 0) & (place < len(self._slots))
            return np.where(inside, self._slots[np.where(inside, place, 0)], np.int32(-1))
        slot = _first_slot(wanted, len(self._slots))
        found = self._slots[slot]
        rows = np.flatnonzero((self._keys[found] != wanted) & (found >= 0))
        while len(rows):
            slot[rows] = (slot[rows] + 1) & (len(self._slots) - 1)
            owner = self._slots[slot[rows]]
            found[rows] = owner
            rows = rows[(self._keys[owner] != wanted[rows]) & (owner >= 0)]
        return found


def _hash_table(keys: Integers) -> npt.NDArray[np.int32]:
    slots = np.full(1 << (2 * len(keys)).bit_length(), -1, dtype=np.int32)
    waiting = np.arange(len(keys), dtype=np.int32)
    slot = _first_slot(keys, len(slots))
    while len(waiting):
        free = slots[slot] < 0
        # Several keys may claim one slot: the last one written holds it, the others go on.
        slots[slot[free]] = waiting[free]
        left = slots[slot] != waiting
        waiting, slot = waiting[left], (slot[left] + 1) & (len(slots) - 1)
    return slots


def _first_slot(values: Integers, size: int) -> Integers:
    return (hash_integers(values) & np.uint64(size - 1)).astype(np.int64)
