"""Edits of an index: vectors that were added beside its structure, and rows of it that are gone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Keys
from shortlist.errors import ArgumentError
from shortlist.index._codes import flat
from shortlist.index._faiss import in_order, nearest_exact

__all__ = ["Overlay", "ids_like", "merged"]

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@final
@dataclass(frozen=True, eq=False)
class Overlay:
    """Where the vector of each row is: a slot of the structure [0, S), or an added vector, S and above.

    Attributes:
        slots: int64 [N], slot of each row.
        added: float32 [A, D], in slots S ... S + A - 1; some may be out of use.
        base: number S of slots of the structure.
    """

    slots: Rows
    added: Vectors
    base: int
    _asked: list[tuple[Mask | None, Mask | None, int]] = field(default_factory=list, repr=False)

    @classmethod
    def none(cls, count: int, dim: int) -> "Overlay":
        """Nothing added, nothing gone."""
        return cls(np.arange(count), np.zeros((0, dim), dtype=np.float32), count)

    @cached_property
    def rows(self) -> Rows:
        """int64 [S + A]: row of each slot, -1 for those out of use."""
        rows = np.full(self.base + len(self.added), -1, dtype=np.int64)
        rows[self.slots] = np.arange(len(self.slots))
        return rows

    @cached_property
    def scanned(self) -> tuple[Any, Rows]:
        """The added vectors in use, as a structure to scan, and their rows, in order."""
        rows = self.rows[self.base :]
        order = np.argsort(rows, kind="stable")[int((rows < 0).sum()) :]
        return flat(self.added[order]), rows[order]

    @cached_property
    def edits(self) -> int:
        """Number of added vectors and of slots of the structure out of use."""
        return len(self.added) + int((self.rows[: self.base] < 0).sum())

    def slots_in_use(self, allowed: Mask | None) -> tuple[Mask | None, int]:
        """Bool [S]: slots of the structure whose row is there, and allowed; None for all of them. How many.

        The last answer is remembered, where the mask is one that cannot be written to.
        """
        for asked, found, count in self._asked:
            if asked is allowed:
                return found, count
        rows = self.rows[: self.base]
        slots = rows >= 0 if allowed is None or len(allowed) == 0 else (rows >= 0) & allowed[rows]
        count = int(np.count_nonzero(slots))
        answer = None if count == self.base else slots, count
        if allowed is None or not allowed.flags.writeable:
            self._asked[:] = [(allowed, *answer)]
        return answer

    def nearest_added(self, queries: Vectors, k: int, allowed: Mask | None) -> tuple[Rows, Vectors]:
        """Rows and scores of the k best added vectors, by a scan."""
        structure, rows = self.scanned
        used = None if allowed is None else allowed[rows]
        count = min(k, len(rows) if used is None else int(np.count_nonzero(used)))
        if count == 0:
            return np.zeros((len(queries), 0), np.int64), np.zeros((len(queries), 0), np.float32)
        places, scores = nearest_exact(structure, queries, count, used)
        return rows[places], scores

    def replaced(self, rows: Rows, vectors: Vectors) -> "Overlay":
        """Other vectors for these rows; a row as large as N or above is new."""
        fresh = self.base + len(self.added) + np.arange(len(vectors))
        slots = np.concatenate([self.slots, np.zeros(max(0, int((rows >= len(self.slots)).sum())), np.int64)])
        slots[rows] = fresh
        return Overlay(slots, np.concatenate([self.added, vectors]), self.base)._packed()

    def without(self, rows: Rows) -> "Overlay":
        """The same without these rows; those after them move up."""
        return Overlay(np.delete(self.slots, rows), self.added, self.base)._packed()

    def _packed(self) -> "Overlay":
        """The same without added vectors out of use, once they are more than those in use."""
        rows = np.flatnonzero(self.slots >= self.base)
        if len(self.added) <= 2 * len(rows):
            return self
        slots = self.slots.copy()
        slots[rows] = self.base + np.arange(len(rows))
        return Overlay(slots, self.added[self.slots[rows] - self.base], self.base)


def merged(one: tuple[Rows, Vectors], other: tuple[Rows, Vectors], k: int) -> tuple[Rows, Vectors]:
    """The k best of two lists a query, smaller rows first among equal scores."""
    rows, scores = np.concatenate([one[0], other[0]], axis=1), np.concatenate([one[1], other[1]], axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")
    rows, scores = in_order(np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1))
    return rows[:, :k], scores[:, :k]


def ids_like(keys: Keys, ids: Iterable[Any] | Array | Keys, where: str) -> Array:
    """Distinct ids in the notation of some keys.

    Raises:
        ArgumentError: they are text, and the keys are integers.
        DataError: an id twice.
    """
    given = ids if isinstance(ids, Keys) else Keys(ids if isinstance(ids, np.ndarray) else list(ids))
    if len(keys) == 0 or len(given) == 0 or given.values.dtype == keys.values.dtype:
        return given.values
    if keys.values.dtype == object:
        return np.array([str(value) for value in given.values.tolist()], dtype=object)
    try:
        return np.array([int(value) for value in given.values.tolist()], dtype=np.int64)
    except ValueError as error:
        raise ArgumentError(
            where,
            received=f"ids of text, such as {given.values[0]!r}",
            expected="integers, as the ids of the index are",
            remedy="build the index again with ids of text",
        ) from error
