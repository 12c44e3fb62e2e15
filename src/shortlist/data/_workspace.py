"""Where large arrays are made: in memory, or in files that are mapped into it."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import final

import numpy as np
import numpy.typing as npt

from shortlist.data._ragged import Array

__all__ = ["LARGEST", "FileArray", "Workspace", "as_file", "places_in"]

Integers = npt.NDArray[np.int64]

LARGEST = int(np.iinfo(np.int64).max)

_SAMPLES = 64
_MUCH = 1 << 14


@final
class Workspace:
    """Makes arrays part by part, and sorts them, with memory for one part at a time.

    In a folder the arrays are files mapped into memory: the operating system keeps of them what there is room
    for. Without a folder there is one part, the whole, and everything is an ordinary array.

    Args:
        folder: an existing folder for the files; None for memory. Who made it removes it.
        rows: rows of a part.

    >>> order, ranked = Workspace().sorted(np.array([30, 10, 20]))
    >>> order.tolist(), ranked.tolist()
    ([1, 2, 0], [10, 20, 30])
    """

    def __init__(self, folder: Path | None = None, rows: int = 1 << 20) -> None:
        self.folder = folder
        self.rows = rows

    def parts(self, size: int) -> Iterator[slice]:
        """Stretches that make up so many rows; one, maybe empty, in memory."""
        step = max(size, 1) if self.folder is None else self.rows
        return (slice(low, min(low + step, size)) for low in range(0, max(size, 1), step))

    def filled(self, size: int, make: Callable[[slice], Array], dtype: npt.DTypeLike) -> Array:
        """An array of so many rows, each part of it made by itself."""
        if self.folder is None:
            return np.asarray(make(slice(0, size)), dtype)
        return self.joined((make(part) for part in self.parts(size)), dtype)

    def joined(self, arrays: Iterable[Array], dtype: npt.DTypeLike) -> Array:
        """Arrays one after the other."""
        if self.folder is None:
            return np.concatenate([np.zeros(0, dtype), *arrays]).astype(dtype, copy=False)
        handle, path = mkstemp(suffix=".bin", dir=self.folder)
        with os.fdopen(handle, "wb") as file:
            for array in arrays:
                np.ascontiguousarray(array, dtype).tofile(file)
        if Path(path).stat().st_size == 0:
            return np.zeros(0, dtype)
        return np.asarray(np.memmap(path, dtype, mode="r"))

    def sorted(self, keys: Integers) -> tuple[Integers, Integers]:
        """Places of the keys in rising order, ties in the order given, and the keys in that order."""
        rising = all(bool((keys[part][1:] >= keys[part][:-1]).all()) for part in self.parts(len(keys)))
        starts = [part.start for part in self.parts(len(keys)) if part.start > 0]
        if rising and all(keys[start] >= keys[start - 1] for start in starts):
            return self.filled(len(keys), lambda part: np.arange(part.start, part.stop), np.int64), keys
        if self.folder is None or len(keys) <= self.rows:
            order = np.argsort(keys, kind="stable")
            return order, keys[order]
        return self._sorted_by_buckets(keys, keep_order=True)

    def ranked(self, keys: Integers) -> Integers:
        """The keys in rising order."""
        if self.folder is None or len(keys) <= self.rows:
            return np.sort(keys)
        return self._sorted_by_buckets(keys, keep_order=False)[1]

    def distinct(self, keys: Integers) -> Integers:
        """The distinct keys, rising."""
        ranked = self.ranked(keys)

        def first_ones(part: slice) -> Integers:
            chunk = ranked[part]
            new = np.ones(len(chunk), np.bool_)
            new[1:] = chunk[1:] != chunk[:-1]
            new[:1] = part.start == 0 or ranked[part.start] != ranked[part.start - 1]
            return chunk[new]

        return self.filled(len(ranked), first_ones, np.int64)

    def _sorted_by_buckets(self, keys: Integers, *, keep_order: bool) -> tuple[Integers, Integers]:
        """Rows spread over ranges of keys, then each range sorted; their places where they are wanted."""
        bounds = _bounds(keys, self.rows)
        sizes = np.zeros(len(bounds) + 1, np.int64)
        for part in self.parts(len(keys)):
            sizes += np.bincount(bounds.searchsorted(keys[part], "right"), minlength=len(sizes))
        stops = np.cumsum(sizes)
        order, ranked = self._empty(len(keys) if keep_order else 0), self._empty(len(keys))
        place = stops - sizes
        for part in self.parts(len(keys)):
            chunk = keys[part]
            bucket = bounds.searchsorted(chunk, "right")
            by = np.argsort(bucket, kind="stable")
            counts = np.bincount(bucket, minlength=len(sizes))
            at = np.arange(len(chunk)) + np.repeat(place - (np.cumsum(counts) - counts), counts)
            ranked[at] = chunk[by]
            if keep_order:
                order[at] = by + part.start
            place += counts
        mixed = np.concatenate([[True], bounds[1:] - 1 != bounds[:-1], [bounds[-1] != LARGEST]])
        for start, stop in zip((stops - sizes)[mixed], stops[mixed], strict=True):
            if keep_order:
                by = np.argsort(ranked[start:stop], kind="stable")
                order[start:stop] = order[start:stop][by]
            ranked[start:stop] = np.sort(ranked[start:stop])
        return order, ranked

    def _empty(self, size: int) -> Integers:
        if size == 0:
            return np.zeros(0, np.int64)
        handle, path = mkstemp(suffix=".bin", dir=self.folder)
        os.ftruncate(handle, 8 * size)
        os.close(handle)
        return np.asarray(np.memmap(path, np.int64, mode="r+", shape=(size,)))


@dataclass(frozen=True, slots=True)
class FileArray:
    """An array by its place in a file: what travels to another process in place of the array."""

    file: str
    dtype: str
    offset: int
    size: int

    def open(self) -> Array:
        """Map it into memory."""
        return np.asarray(np.memmap(self.file, self.dtype, "r", self.offset, (self.size,)))


def as_file(array: Array) -> FileArray | Array:
    """An array of one axis by its place, if it is mapped from a file as a whole; else the array itself."""
    owner = array.base
    if not isinstance(owner, np.memmap) or owner.filename is None or owner.shape != array.shape:
        return array
    return FileArray(str(owner.filename), array.dtype.str, owner.offset, len(array))


def places_in(ranked: Integers, wanted: Integers) -> Integers:
    """How many of the rising numbers are below each of those wanted.

    Much is asked in rising order, so that memory (or a file) is read from one end to the other.
    """
    if len(wanted) < _MUCH or len(ranked) < _MUCH:
        return ranked.searchsorted(wanted)
    order = np.argsort(wanted)
    found = np.empty(len(wanted), np.int64)
    found[order] = ranked.searchsorted(wanted[order])
    return found


def _bounds(keys: Integers, rows: int) -> Integers:
    """Keys that cut a sample into stretches of at most half a part; a frequent key has one of its own."""
    buckets = 2 * (len(keys) // rows + 1)
    sample = np.sort(keys[:: max(len(keys) // (_SAMPLES * buckets), 1)])
    cuts = sample[:: max(len(sample) // buckets, 1)]
    frequent = cuts[1:][cuts[1:] == cuts[:-1]]
    return np.unique(np.concatenate([cuts, frequent[frequent < LARGEST] + 1]))
