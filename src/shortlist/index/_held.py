"""An index in memory that is edited while it is searched."""

from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Keys
from shortlist.index._checks import refuse_other_model
from shortlist.index._facts import Facts
from shortlist.index._search import VectorIndex

__all__ = ["HeldIndex"]

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@final
class HeldIndex:
    """An index whose items come and go in memory alone: whoever edits it keeps them elsewhere.

    A search takes whatever is current when it begins; an edit replaces it in one step. `LiveIndex` is its
    sibling on disk.

    Args:
        index: where it begins.

    >>> from shortlist.index import build
    >>> held = HeldIndex(build(np.eye(2, dtype=np.float32), ["a", "b"]))
    >>> held.upsert(["c"], np.ones((1, 2), dtype=np.float32))
    >>> len(held), held.keys.values.tolist(), held.first.keys.values.tolist()
    (3, ['a', 'b', 'c'], ['a', 'b'])
    """

    def __init__(self, index: VectorIndex) -> None:
        self.first = index
        self._current = index
        self._lock = Lock()

    @property
    def current(self) -> VectorIndex:
        """The index as it is now; it stays as it is."""
        return self._current

    @property
    def keys(self) -> Keys:
        """Raw ids of the current index, in the order of its rows."""
        return self._current.keys

    @property
    def facts(self) -> Facts:
        """What is known about the current index."""
        return self._current.facts

    @property
    def dim(self) -> int:
        """Width D of the vectors."""
        return self._current.dim

    def __len__(self) -> int:
        """Number of vectors N of the current index."""
        return len(self._current)

    def search(self, queries: Vectors, k: int, *, allowed: Mask | None = None) -> tuple[Rows, Vectors]:
        """Search the current index, see `VectorIndex.search`."""
        return self._current.search(queries, k, allowed=allowed)

    def vectors(self, rows: Rows) -> Vectors:
        """Vectors of the current index, see `VectorIndex.vectors`."""
        return self._current.vectors(rows)

    def save(self, folder: str | Path) -> None:
        """Write the current index, see `VectorIndex.save`."""
        self._current.save(folder)

    def upsert(
        self, ids: Iterable[Any] | Array | Keys, vectors: Vectors, *, fingerprint: str | None = None
    ) -> None:
        """Add items, or replace their vectors, but for those that are the same already.

        See `VectorIndex.with_items` for arguments and errors.
        """
        keys = ids if isinstance(ids, Keys) else Keys(ids if isinstance(ids, np.ndarray) else list(ids))
        fresh = np.ascontiguousarray(vectors, dtype=np.float32)
        with self._lock:
            index = self._current
            refuse_other_model("HeldIndex.upsert", index.facts.model, fingerprint)
            rows = index.keys.positions(keys.values)
            if fresh.shape == (len(keys), index.dim):
                other = (rows < 0) | (index.vectors(rows) != fresh).any(axis=1)
                keys, fresh = Keys(keys.values[other]), fresh[other]
            if len(keys) > 0 or len(fresh) > 0:
                self._current = index.with_items(keys, fresh)

    def replace(self, index: VectorIndex) -> None:
        """Make another index the current one."""
        with self._lock:
            self._current = index

    def delete(self, ids: Iterable[Any] | Array | Keys) -> None:
        """Remove items; unknown ids are passed over."""
        with self._lock:
            self._current = self._current.without(ids)
