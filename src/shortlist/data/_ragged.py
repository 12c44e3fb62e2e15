"""Lists of unequal length as two arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError

__all__ = ["Array", "Ragged"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows of values: row ``i`` is ``values[offsets[i]:offsets[i + 1]]``.

    Attributes:
        values: [T] the rows one after the other.
        offsets: int64 [B + 1], from 0 to T, never falling.

    >>> rows = Ragged.of([[1, 2], [], [3]])
    >>> len(rows), rows.lengths.tolist(), rows.padded().tolist()
    (3, [2, 0, 1], [[1, 2], [0, 0], [3, 0]])
    """

    values: Array
    offsets: npt.NDArray[np.int64]

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any] | Array], dtype: npt.DTypeLike | None = None) -> "Ragged":
        """Build from Python lists or arrays; with no value at all the type is ``dtype`` or int64."""
        parts = [np.asarray(row, dtype=dtype) for row in rows]
        filled = [part for part in parts if len(part) > 0]
        values = np.concatenate(filled) if filled else np.zeros(0, dtype=dtype or np.int64)
        return cls(values, _offsets(np.fromiter(map(len, parts), np.int64, len(parts))))

    @classmethod
    def empty(cls, rows: int, dtype: npt.DTypeLike = np.int64) -> "Ragged":
        """So many empty lists."""
        return cls(np.zeros(0, dtype=dtype), np.zeros(rows + 1, dtype=np.int64))

    @classmethod
    def trusted(cls, values: Array, offsets: npt.NDArray[np.int64]) -> "Ragged":
        """Rows whose offsets are known to be right: nothing is looked at, which an accelerator waits for."""
        made = object.__new__(cls)
        object.__setattr__(made, "values", values)
        object.__setattr__(made, "offsets", offsets)
        return made

    def __post_init__(self) -> None:
        bounds = self.offsets
        if len(bounds) < 1 or bounds[0] != 0 or bounds[-1] != len(self.values):
            raise ArgumentError(
                "Ragged.offsets",
                received=f"offsets of length {len(bounds)} for {len(self.values)} values",
                expected="offsets that start at 0 and end at the number of values",
                remedy="build it with Ragged.of",
            )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64 [B]: how long each row is."""
        return self.offsets[1:] - self.offsets[:-1]

    @property
    def row_of(self) -> npt.NDArray[np.int64]:
        """int64 [T]: the row that each value belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def row(self, index: int) -> Array:
        """The values of one row."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> "Ragged":
        """Rows by number, in the order asked for, repeats allowed."""
        lengths = self.lengths[rows]
        offsets = _offsets(lengths)
        starts = np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths)
        return Ragged(self.values[starts + np.arange(offsets[-1])], offsets)

    def last(self, limit: int) -> "Ragged":
        """At most the last ``limit`` values of each row."""
        lengths = np.minimum(self.lengths, limit)
        offsets = _offsets(lengths)
        starts = np.repeat(self.offsets[1:] - lengths - offsets[:-1], lengths)
        return Ragged(self.values[starts + np.arange(offsets[-1])], offsets)

    def keep(self, mask: npt.NDArray[np.bool_]) -> "Ragged":
        """The values where the mask [T] is true."""
        kept = np.concatenate([np.zeros(1, np.int64), np.cumsum(mask, dtype=np.int64)])
        return Ragged(self.values[mask], kept[self.offsets])

    def with_values(self, values: Array) -> "Ragged":
        """The same rows with other values [T]."""
        return Ragged(values, self.offsets)

    def padded(self, length: int | None = None, fill: Any = 0) -> Array:
        """[B, L]: rows filled up on the right; longer rows keep their last ``length`` values."""
        width = int(self.lengths.max(initial=0)) if length is None else length
        rows = self if length is None else self.last(width)
        out = np.full((len(rows), width), fill, dtype=rows.values.dtype)
        out[np.arange(width) < rows.lengths[:, None]] = rows.values
        return out

    def first_padded(self, length: int, fill: Any = 0) -> Array:
        """[B, length]: the first ``length`` values of each row, filled up on the right."""
        lengths = np.minimum(self.lengths, length)
        out = np.full((len(self), length), fill, dtype=self.values.dtype)
        place = np.arange(len(self.values)) - np.repeat(self.offsets[:-1], self.lengths)
        out[np.arange(length) < lengths[:, None]] = self.values[place < length]
        return out

    def to_lists(self) -> list[list[Any]]:
        """Python lists."""
        return [part.tolist() for part in np.split(self.values, self.offsets[1:-1])] if len(self) else []


def _offsets(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
