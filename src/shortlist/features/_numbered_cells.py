"""KeyCells of a long frame: its rows by the number of their key, or of their key and a part of it."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.features._compiled import kernels
from shortlist.features._numbered import Numbers, can_number, frozen, numbered

__all__ = ["WHOLE", "KeyCells", "Parts", "merged_by_number", "plain_parts"]

Parts = npt.NDArray[np.uint16]
# The parts of keys that have none.
WHOLE = frozen(np.zeros(0, np.uint16))
# Number and sum; then what the sum has rounded off, where it may have.
_SUM, _EXACT = 3, 2


class KeyCells:
    """Rows and sums of keys, or of keys and parts of them, which grow with every column.

    Args:
        loops: the compiled loops.
        exact: of each column that is added up, whether its sums are exact in float64.
    """

    def __init__(self, loops: ModuleType, exact: Sequence[bool]) -> None:
        self._loops = loops
        self._keys, self._width, self._room = 1, 1, 1
        self._rows = np.zeros(1, np.int32)
        self._sums = [np.zeros((1, _EXACT if one else _SUM)) for one in exact]

    def add(
        self, keys: int, numbers: Numbers, parts: Parts, values: Sequence[npt.NDArray[np.float64]]
    ) -> None:
        """Add rows.

        Args:
            keys: how many numbers there are by now, that of null among them.
            numbers: int32 [N]: the number of each row's key.
            parts: uint16 [N]: the part of each row; empty where there are none.
            values: float64 [N] each: what is added up where it is finite.
        """
        self._reserve(keys, int(parts.max(initial=0)) + 1)
        known = frozen(numbers)
        self._loops.count_by_cell(known, parts, self._width, self._rows)
        for total, one in zip(self._sums, values, strict=True):
            self._loops.add_by_cell(known, parts, self._width, frozen(one), total)

    def filled(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Parts]:
        """The cells that have rows, and the number and the part of each."""
        cells = np.flatnonzero(self._rows[: self._keys * self._width])
        return cells, cells // self._width, (cells % self._width).astype(np.uint16)

    def rows(self, cells: npt.NDArray[np.int64]) -> pl.Series:
        """Int64: how many rows each has."""
        return pl.Series(self._rows[cells].astype(np.int64))

    def sums(self, place: int, cells: npt.NDArray[np.int64]) -> tuple[pl.Series, pl.Series]:
        """How many finite values of a column each has, and their sum."""
        found = self._sums[place]
        total = found[cells, 1] if found.shape[1] == _EXACT else found[cells, 1] + found[cells, 2]
        return pl.Series(found[cells, 0].astype(np.int64)), pl.Series(total)

    @property
    def bytes(self) -> int:
        """What it takes in memory, without what it keeps free."""
        return self._keys * self._width * (4 + 8 * sum(total.shape[1] for total in self._sums))

    def _reserve(self, keys: int, width: int) -> None:
        """Room for so many keys of so many parts; pages that nothing was written to take no memory."""
        if keys > self._room or width > self._width:
            room = max(2 * self._room, keys) if keys > self._room else self._room
            wide = max(width, self._width)
            shape = (room, wide), (self._keys, self._width)
            self._rows = _moved(self._rows, *shape)
            self._sums = [_moved(total, *shape) for total in self._sums]
            self._room, self._width = room, wide
        self._keys = keys


def _moved(cells: npt.NDArray[Any], shape: tuple[int, int], used: tuple[int, int]) -> npt.NDArray[Any]:
    """The same cells in a larger array, by number and part."""
    moved = np.zeros((*shape, *cells.shape[1:]), cells.dtype)
    keys, width = used
    moved[:keys, :width] = cells[: keys * width].reshape(keys, width, *cells.shape[1:])
    return moved.reshape(-1, *cells.shape[1:])


def plain_parts(parts: pl.Series) -> Parts:
    """Parts as an array that is only read."""
    return frozen(parts.rechunk().to_numpy())


def merged_by_number(
    frames: Sequence[pl.DataFrame], key: str, part: str | None, sums: Sequence[str]
) -> pl.DataFrame | None:
    """Long frames with the rows of equal keys added up, the first key's first; None for another way.

    Args:
        frames: key, perhaps a part of it (UInt16, few), and columns to add up.
        key: name of the column of keys.
        part: name of the column of parts.
        sums: names of the columns of Int64 or Float64, added in the order of the rows.
    """
    loops = kernels(sum(map(len, frames)))
    if loops is None or not can_number(frames[0].schema[key]):
        return None
    rows = pl.concat(frames)
    keys = numbered(loops, rows[key])
    parts = WHOLE if part is None else plain_parts(rows[part])
    width = int(parts.max(initial=0)) + 1
    numbers = frozen(keys.numbers)
    cells = np.zeros(len(keys.keys) * width, np.int32)
    loops.count_by_cell(numbers, parts, width, cells)
    filled = np.flatnonzero(cells)
    named = [keys.keys.gather(filled // width).alias(key)]
    if part is not None:
        named.append(pl.Series(part, (filled % width).astype(np.uint16)))
    for name in sums:
        values = frozen(rows[name].rechunk().to_numpy())
        total = np.zeros(len(cells), values.dtype)
        loops.sum_by_cell(numbers, parts, width, values, total)
        named.append(pl.Series(name, total[filled]))
    return pl.DataFrame(named)
