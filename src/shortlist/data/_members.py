"""Which integers are among others, and where."""

import numpy as np
import numpy.typing as npt

__all__ = ["Members"]

Integers = npt.NDArray[np.int64]

_ODD = np.uint64(0x9E3779B97F4A7C15)
_LARGEST = np.iinfo(np.int64).max


class Members:
    """Places of integers in a sorted array, when most of those asked about are not in it.

    A table of truth values by hash turns most of them away; the others are found by binary search. Memory: 8
    bytes a value, and 8 to 16 for the table.

    Args:
        values: int64 [V], rising, below the largest int64.

    >>> Members(np.array([3, 70])).places(np.array([70, 5, 3, -1])).tolist()
    [1, -1, 0, -1]
    """

    def __init__(self, values: Integers) -> None:
        self._values = np.append(values, _LARGEST)  # what is larger than all values finds this
        bits = (8 * len(values)).bit_length() + 1
        self._shift = np.uint64(64 - bits)
        self._table = np.zeros(1 << bits, dtype=np.bool_)
        self._table[self._slots(values)] = True

    def places(self, wanted: Integers) -> Integers:
        """int64 [N]: the place of each integer, -1 for those that are not there."""
        places = np.full(len(wanted), -1, dtype=np.int64)
        rows = np.flatnonzero(self._table[self._slots(wanted)])
        asked = wanted[rows]
        found = self._values.searchsorted(asked)
        there = self._values[found] == asked
        places[rows[there]] = found[there]
        return places

    def _slots(self, values: Integers) -> Integers:
        slots: Integers = ((values.view(np.uint64) * _ODD) >> self._shift).view(np.int64)
        return slots
