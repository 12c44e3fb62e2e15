"""Which integers are among others, and where."""

import numpy as np
import numpy.typing as npt

from shortlist.data._workspace import places_in

__all__ = ["Members"]

Integers = npt.NDArray[np.int64]

_ODD = np.uint64(0x9E3779B97F4A7C15)


class Members:
    """Places of integers in a sorted array, when most of those asked about are not in it.

    A table of truth values by hash turns most of them away; the others are found by binary search. Memory: 8
    bytes a value, and 8 to 16 for the table.

    Args:
        values: int64 [V], rising.
        slots: most entries of the table; with fewer than 8 a value it turns fewer away.

    >>> Members(np.array([3, 70])).places(np.array([70, 5, 3, -1])).tolist()
    [1, -1, 0, -1]
    """

    def __init__(self, values: Integers, slots: int = 2**40) -> None:
        self._values = values
        bits = min((8 * len(values)).bit_length() + 1, slots.bit_length() - 1)
        self._shift = np.uint64(64 - bits)
        self._table = np.zeros(1 << bits, dtype=np.bool_)
        step = len(self._table)
        for low in range(0, len(values), step):
            self._table[self._slots(values[low : low + step])] = True

    def __len__(self) -> int:
        return len(self._values)

    def places(self, wanted: Integers) -> Integers:
        """int64 [N]: the place of each integer, -1 for those that are not there."""
        places = np.full(len(wanted), -1, dtype=np.int64)
        rows = np.flatnonzero(self._table[self._slots(wanted)])
        if len(rows) == 0:
            return places
        asked = wanted[rows]
        found = np.minimum(places_in(self._values, asked), len(self._values) - 1)
        there = self._values[found] == asked
        places[rows[there]] = found[there]
        return places

    def _slots(self, values: Integers) -> Integers:
        slots: Integers = ((values.view(np.uint64) * _ODD) >> self._shift).view(np.int64)
        return slots
