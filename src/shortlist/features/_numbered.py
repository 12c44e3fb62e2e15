"""Distinct values of long columns: their numbers, and an index that finds them again. Compiled loops."""

from dataclasses import dataclass
from types import ModuleType
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

__all__ = [
    "Integers",
    "LongIndex",
    "Numbered",
    "Numbering",
    "Numbers",
    "Texts",
    "arrow_words",
    "can_number",
    "frozen",
    "missing",
    "numbered",
    "numbering",
    "plain_integers",
]

Numbers = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]
T = TypeVar("T", bound=np.generic)

_NONE = np.zeros(0, np.bool_)
_NONE.flags.writeable = False
# A table is made for no fewer values, a heap for no fewer bytes and (but for a longer string) for no more.
_LEAST_KEYS, _LEAST_BYTES, _MOST_BYTES = 1 << 11, 1 << 16, 1 << 28
# The fixed part of a block that `number_texts` needs room for.
_BLOCK = 1 << 10


class Numbering(Protocol):
    """Numbers of distinct values, which grow with every column: from 1 in the order of their first rows.

    Attributes:
        count: how many values there are.
    """

    count: int

    def number(self, values: pl.Series) -> Numbers:
        """The number of each value, int32 [N]: a new one for a new value; 0 for null."""

    def find(self, values: pl.Series) -> npt.NDArray[np.int64]:
        """The number of each value less one, int64 [N]: -1 for one without, -2 for null."""

    def keys(self) -> pl.Series:
        """The values by number, null first: [count + 1]."""

    @property
    def bytes(self) -> int:
        """What it takes in memory, without what it keeps free."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A column by the numbers of its distinct values.

    Attributes:
        numbers: int32 [N]: from 1 in the order of the values' first rows; 0 for null.
        keys: [D + 1]: the distinct values by number, null first.
    """

    numbers: Numbers
    keys: pl.Series


def can_number(dtype: pl.DataType) -> bool:
    """Whether columns of a type can be numbered: integers and strings."""
    return dtype.is_integer() or dtype == pl.String


def numbering(kernels: ModuleType, dtype: pl.DataType, expected: int = 0) -> Numbering:
    """Numbers for values of a type.

    Args:
        kernels: the compiled loops.
        dtype: integers or strings.
        expected: how many distinct values there will be, roughly; a better guess saves work.
    """
    return (Texts if dtype == pl.String else Integers)(kernels, dtype, expected)


def numbered(kernels: ModuleType, values: pl.Series) -> Numbered:
    """Number the distinct values of a column of integers or strings."""
    found = numbering(kernels, values.dtype, len(values) // 16)
    numbers = found.number(values)
    return Numbered(numbers, found.keys().alias(values.name))


class Integers:
    """Numbers of integers; arguments as for `numbering`."""

    def __init__(self, kernels: ModuleType, dtype: pl.DataType, expected: int = 0) -> None:
        self.count = 0
        self._kernels, self._dtype = kernels, dtype
        room = _room(expected)
        self._keys, self._slots = np.zeros(room + 1, np.int64), np.zeros(2 * room, np.int32)

    def number(self, values: pl.Series) -> Numbers:
        """See `Numbering`."""
        given, null, out, row = plain_integers(values), missing(values), np.empty(len(values), np.int32), 0
        while True:
            row, self.count = self._kernels.number_integers(
                given, null, self._keys, self._slots, self.count, out, row
            )
            if row == len(out):
                return out
            self._keys = _grown(self._keys, self.count)
            self._slots = np.zeros(2 * len(self._slots), np.int32)
            self._kernels.place_integers(self._keys, self.count, self._slots)

    def find(self, values: pl.Series) -> npt.NDArray[np.int64]:
        """See `Numbering`."""
        return self.find_plain(plain_integers(values), missing(values))

    def find_plain(self, values: npt.NDArray[np.int64], null: Flags) -> npt.NDArray[np.int64]:
        """The same for what `plain_integers` and `missing` give."""
        found: npt.NDArray[np.int64] = self._kernels.find_integers(
            values, null, frozen(self._keys), frozen(self._slots)
        )
        return found

    def keys(self) -> pl.Series:
        """See `Numbering`."""
        keys = pl.Series(self._keys[1 : self.count + 1])
        known = keys.reinterpret(signed=False) if self._dtype == pl.UInt64 else keys.cast(self._dtype)
        return pl.concat([pl.Series([None], dtype=self._dtype), known])

    @property
    def bytes(self) -> int:
        """See `Numbering`."""
        return 8 * self.count + self._slots.nbytes


class Texts:
    """Numbers of strings, which keeps copies of the long ones; arguments as for `numbering`."""

    def __init__(self, kernels: ModuleType, dtype: pl.DataType, expected: int = 0) -> None:  # noqa: ARG002
        self.count = 0
        self._kernels = kernels
        room = _room(expected)
        self._keys, self._slots = np.zeros((room + 1, 2), np.uint64), np.zeros(2 * room, np.int32)
        self._heaps, self._used = [np.zeros(0, np.uint8)], 0

    def number(self, values: pl.Series) -> Numbers:
        """See `Numbering`."""
        views, buffers, _held = _words(values)
        column = views, buffers, missing(values)
        out, row = np.empty(len(values), np.int32), 0
        while True:
            table = self._keys, _addresses(self._heaps), self._slots, self._heaps[-1]
            row, self.count, self._used = self._kernels.number_texts(
                column, table, self.count, self._used, out, row
            )
            if row == len(out):
                return out
            if self.count + min(_BLOCK, len(out) - row) > len(self._keys) - 1:
                self._keys = _grown(self._keys, self.count)
                self._slots = np.zeros(2 * len(self._slots), np.int32)
                self._kernels.place_texts(self._keys, self.count, _addresses(self._heaps), self._slots)
            else:
                self._open_heap(views[row : row + _BLOCK, 0])

    def find(self, values: pl.Series) -> npt.NDArray[np.int64]:
        """See `Numbering`."""
        views, buffers, _held = _words(values)
        return self.find_words(views, buffers, missing(values))

    def find_words(self, views: Words, buffers: Words, null: Flags) -> npt.NDArray[np.int64]:
        """The same for what `arrow_words` and `missing` give."""
        found: npt.NDArray[np.int64] = self._kernels.find_texts(
            views, buffers, null, frozen(self._keys), _addresses(self._heaps), frozen(self._slots)
        )
        return found

    def keys(self) -> pl.Series:
        """See `Numbering`."""
        parts = [pa.py_buffer(self._keys[1 : self.count + 1]), *map(pa.py_buffer, self._heaps)]
        known = pl.Series(pa.Array.from_buffers(pa.string_view(), self.count, [None, *parts]))
        return pl.concat([pl.Series([None], dtype=pl.String), known])

    @property
    def bytes(self) -> int:
        """See `Numbering`."""
        return 16 * self.count + self._slots.nbytes + sum(map(len, self._heaps))

    def _open_heap(self, words: Words) -> None:
        """One more heap, which has room for these strings."""
        lengths = (words & np.uint64(0xFFFFFFFF)).astype(np.int64)
        needed = int(lengths.sum())
        usual = min(max(2 * len(self._heaps[-1]), _LEAST_BYTES), _MOST_BYTES)
        self._heaps.append(np.empty(max(needed, usual), np.uint8))
        self._used = 0


class LongIndex:
    """Positions of V distinct integers or strings, for millions of values at a time.

    Args:
        kernels: the compiled loops.
        keys: the values, without nulls.
    """

    def __init__(self, kernels: ModuleType, keys: pl.Series) -> None:
        self._numbers = numbering(kernels, keys.dtype, len(keys))
        self._numbers.number(keys)

    def places(self, values: pl.Series) -> npt.NDArray[np.int64]:
        """int64 [N]: the position of each value, -1 unknown, -2 null."""
        return self._numbers.find(values)


def frozen(array: npt.NDArray[T]) -> npt.NDArray[T]:
    """The array as one that is only read: loops are compiled once for these, and again for others."""
    view = array.view()
    view.flags.writeable = False
    return view


def missing(values: pl.Series) -> Flags:
    """Where a column is null; bool [N], empty where it is so nowhere."""
    if not values.null_count():
        return _NONE
    flags = values.is_null().to_arrow()
    bits, end = np.frombuffer(flags.buffers()[1], np.uint8), flags.offset + len(flags)
    return frozen(np.unpackbits(bits, count=end, bitorder="little")[flags.offset :].view(np.bool_))


def _room(expected: int) -> int:
    """For how many values a table is made: a power of two, with a block to spare."""
    return 1 << max((expected + _BLOCK).bit_length(), _LEAST_KEYS.bit_length() - 1)


def _grown(keys: npt.NDArray[T], count: int) -> npt.NDArray[T]:
    """The keys with twice the room; pages that nothing was written to take no memory."""
    grown = np.zeros((2 * (len(keys) - 1) + 1, *keys.shape[1:]), keys.dtype)
    grown[: count + 1] = keys[: count + 1]
    return grown


def plain_integers(values: pl.Series) -> npt.NDArray[np.int64]:
    """A column as int64 [N] that is only read: UInt64 by its bits, anything for null: see `missing`."""
    plain = values if values.dtype == pl.UInt64 else values.cast(pl.Int64)
    arrow = plain.rechunk().to_arrow()
    if not len(arrow):
        return frozen(np.zeros(0, np.int64))
    return frozen(np.frombuffer(arrow.buffers()[1], np.int64)[arrow.offset : arrow.offset + len(arrow)])


def _words(values: pl.Series) -> tuple[Words, Words, object]:
    """The views of strings, the addresses of the buffers they refer to, and what keeps these alive."""
    arrow = values.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    return *arrow_words(arrow), arrow


def arrow_words(arrow: pa.Array) -> tuple[Words, Words]:
    """The views of Arrow's strings, and the addresses of their buffers, which the caller keeps alive."""
    _, views, *data = arrow.buffers()
    words = np.frombuffer(views, np.uint64).reshape(-1, 2)[arrow.offset : arrow.offset + len(arrow)]
    addresses = np.array([buffer.address for buffer in data] or [0], np.uint64)
    return frozen(words), frozen(addresses)


def _addresses(heaps: list[npt.NDArray[np.uint8]]) -> Words:
    return frozen(np.array([heap.ctypes.data for heap in heaps], np.uint64))
