"""Partitions of encoded rows on disk, to be read again each epoch without being made again."""

from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from weakref import finalize

import numpy as np

from shortlist.data import Array, Ragged
from shortlist.errors import ArgumentError
from shortlist.loader._table import Table

__all__ = ["Loading", "Scratch"]


@dataclass(frozen=True, slots=True)
class Loading:
    """How rows are kept between epochs.

    >>> Loading(memory_bytes=2**30).scratch is None
    True

    Raises:
        ArgumentError: ``memory_bytes`` is below 1.
    """

    memory_bytes: int = 4 * 2**30
    """Encoded rows up to this size stay in memory and are permuted as a whole."""
    scratch: str | Path | None = None
    """Folder where larger data is kept encoded, in a folder of its own that is removed with the loader: an
    epoch then reads files. None keeps nothing: what the data set does to its files (a workflow's transform,
    filters) is done again each epoch."""

    def __post_init__(self) -> None:
        if self.memory_bytes < 1:
            raise ArgumentError(
                "Loading.memory_bytes", received=self.memory_bytes, expected="an integer >= 1"
            )


class Scratch:
    """Tables in files, mapped into memory when they are read; the files go when this does.

    Args:
        place: a folder for them is made in this one, which is made if it is missing.
    """

    def __init__(self, place: str | Path) -> None:
        Path(place).mkdir(parents=True, exist_ok=True)
        self._folder = Path(mkdtemp(prefix="loader-", dir=place))
        self._tables: dict[int, Table] = {}
        finalize(self, rmtree, self._folder, ignore_errors=True)

    def keep(self, number: int, table: Table) -> None:
        """Write a table."""
        blocks = {kind: self._kept(f"{number}-block-{kind}", block) for kind, block in table.blocks.items()}
        lists = {
            name: Ragged.trusted(
                self._kept(f"{number}-values-{place}", column.values),
                self._kept(f"{number}-offsets-{place}", column.offsets),
            )
            for place, (name, column) in enumerate(table.lists.items())
        }
        vectors = {
            name: self._kept(f"{number}-vectors-{place}", values)
            for place, (name, values) in enumerate(table.vectors.items())
        }
        self._tables[number] = Table(table.names, blocks, lists, vectors, table.rows)

    def __contains__(self, number: object) -> bool:
        return number in self._tables

    def __getitem__(self, number: int) -> Table:
        """A table that was kept; its values are read when they are used."""
        return self._tables[number]

    def _kept(self, name: str, values: Array) -> Array:
        path = self._folder / f"{name}.npy"
        np.save(path, values)
        if values.size == 0:  # an empty file cannot be mapped
            return values
        mapped: Array = np.load(path, mmap_mode="r")
        return mapped
