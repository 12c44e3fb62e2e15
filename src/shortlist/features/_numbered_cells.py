"""Cells of a long frame: its rows by the number of their key, or of their key and a part of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.features._compiled import kernels
from shortlist.features._numbered import Numbered, can_number, frozen, numbered

__all__ = ["NumberedCells", "merged_by_number"]

Parts = npt.NDArray[np.uint16]
_WHOLE = frozen(np.zeros(0, np.uint16))


@dataclass(frozen=True, slots=True)
class NumberedCells:
    """Keys, or keys and parts of them, by number.

    Attributes:
        parts: uint16 [N]: the part of each row, empty where there are none.
        width: how many parts a key has at most.
        rows: int64 [keys * width]: rows of each cell.
        filled: int64: the cells that have any.
    """

    parts: Parts
    width: int
    rows: npt.NDArray[np.int64]
    filled: npt.NDArray[np.int64]

    @classmethod
    def of(cls, loops: ModuleType, keys: Numbered, parts: pl.Series | None) -> "NumberedCells":
        plain = _WHOLE if parts is None else frozen(parts.rechunk().to_numpy())
        width = int(plain.max(initial=0)) + 1
        rows = loops.count_by_cell(frozen(keys.numbers), plain, width, len(keys.keys) * width)
        return cls(plain, width, rows, np.flatnonzero(rows))

    @property
    def size(self) -> int:
        return len(self.rows)

    def frame(self, keys: Numbered, key: str, part: str | None, columns: Sequence[pl.Series]) -> pl.DataFrame:
        """The filled cells."""
        number = self.filled // self.width
        named = [keys.keys.gather(number).alias(key)]
        if part is not None:
            named.append(pl.Series(part, (self.filled % self.width).astype(np.uint16)))
        return pl.DataFrame([*named, *columns])


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
    cells = NumberedCells.of(loops, keys, None if part is None else rows[part])
    columns = []
    for name in sums:
        values = frozen(rows[name].rechunk().to_numpy())
        total = np.zeros(cells.size, values.dtype)
        loops.sum_by_cell(frozen(keys.numbers), cells.parts, cells.width, values, total)
        columns.append(pl.Series(name, total[cells.filled]))
    return cells.frame(keys, key, part, columns)
