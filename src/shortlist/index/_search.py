"""The index: raw ids, vectors and their search."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Keys
from shortlist.errors import ArgumentError
from shortlist.index._checks import matrix, refuse_other_model, search_input
from shortlist.index._comparisons import again_for, effort_for
from shortlist.index._facts import LISTED, Facts
from shortlist.index._faiss import using_threads
from shortlist.index._files import write_index
from shortlist.index._overlay import Overlay, ids_like, merged
from shortlist.index._planner import depth_for, first_allowed, scans, scans_all
from shortlist.index._structure import Structure

__all__ = ["VectorIndex"]

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class VectorIndex:
    """Vectors of items, searched by inner product; made by `build` or `load`.

    It is never changed: `with_items` and `without` give another one that shares its structure. So threads may
    search it while others are made of it.

    Args:
        structure: what is searched.
        keys: raw item ids, in the order of the rows.
        facts: what is known about it.
        threads: number of threads of one search.
        overlay: what was edited since the structure was built.
    """

    def __init__(
        self,
        structure: Structure,
        keys: Keys,
        facts: Facts,
        *,
        threads: int = 1,
        overlay: Overlay | None = None,
    ) -> None:
        self.keys = keys
        self.facts = facts
        self.threads = threads
        self._structure = structure
        self._overlay = overlay

    @property
    def dim(self) -> int:
        """Width D of the vectors."""
        return self.facts.dim

    @property
    def kind(self) -> str:
        """Kind of the structure, see `build`."""
        return self.facts.kind

    @property
    def recall(self) -> float:
        """Share of the ``facts.recall_at`` best items that a search finds, as measured at the build."""
        return self.facts.recall

    @property
    def edits(self) -> int:
        """Vectors scanned beside the structure, and vectors of the structure out of use.

        They make searches slower: `rebuild` an index once they are a tenth of it.
        """
        return 0 if self._overlay is None else self._overlay.edits

    def __len__(self) -> int:
        """Number of vectors N."""
        return self.facts.count

    def __repr__(self) -> str:
        facts = self.facts
        parts = [facts.kind, f"{facts.count} x {facts.dim}", f"recall@{facts.recall_at} {facts.recall:.3f}"]
        if facts.kind in LISTED:
            parts.append(f"{facts.effort} of {facts.lists} lists")
        elif facts.effort > 0:
            parts.append(f"effort {facts.effort}")
        parts += [f"width {facts.reduced}"] if facts.reduced else []
        parts += [f"refine {facts.refine}"] if facts.refine else []
        parts += [f"{self.edits} edits"] if self.edits else []
        return f"VectorIndex({', '.join(parts)})"

    def search(self, queries: Vectors, k: int, *, allowed: Mask | None = None) -> tuple[Rows, Vectors]:
        """The k items of largest inner product, smaller rows first among equal scores.

        With ``allowed``, no allowed item is lost that a search for as many of all items finds. Where fewer
        than a fifth of the rows are allowed, these are scanned. Elsewhere the index is asked for as many
        items as leave k allowed ones, and a query for which that does not suffice is answered by a scan; or
        the rows are scanned at once, where that takes fewer comparisons.

        A search for more than ``facts.recall_at`` items works harder, and one that meets fewer than k items
        is done again exactly. A query with a NaN or an infinity is answered empty, so that it does not fail
        the queries beside it.

        Args:
            queries: float32 [Q, D].
            k: length of the lists; it may exceed N.
            allowed: bool [N], the rows that may be found; all by default.

        Returns:
            Rows int64 [Q, k] and scores float32 [Q, k], best first; -1 and -inf where there are fewer.

        Raises:
            ArgumentError: a wrong shape or type, or k below 1.
        """
        queries = search_input(queries, k, allowed, dim=self.dim, count=len(self))
        rows = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        width = min(k, len(self) if allowed is None else int(np.count_nonzero(allowed)))
        finite = np.isfinite(queries).all(axis=1)
        if width == 0 or not finite.any():
            return rows, scores
        with using_threads(self.threads):
            if finite.all():
                rows[:, :width], scores[:, :width] = self._nearest(queries, width, allowed)
            else:
                rows[finite, :width], scores[finite, :width] = self._nearest(queries[finite], width, allowed)
        return rows, scores

    def vectors(self, rows: Rows) -> Vectors:
        """Float32 [N, D]: the vectors of rows by number, as the index holds them; zeros for -1."""
        found = np.zeros((len(rows), self.dim), dtype=np.float32)
        known = np.flatnonzero(rows >= 0)
        slots = rows[known].astype(np.int64) if self._overlay is None else self._overlay.slots[rows[known]]
        inside = slots < self._structure.count
        if inside.any():
            found[known[inside]] = self._structure.vectors(np.ascontiguousarray(slots[inside]))
        if not inside.all():
            assert self._overlay is not None
            found[known[~inside]] = self._overlay.added[slots[~inside] - self._overlay.base]
        return found

    def with_items(
        self, ids: Iterable[Any] | Array | Keys, vectors: Vectors, *, fingerprint: str | None = None
    ) -> "VectorIndex":
        """The same index with items added, and other vectors for those that it has.

        Added vectors are kept as float32 and scanned beside the structure.

        Args:
            ids: M distinct raw ids; unknown ones become rows at the end.
            vectors: float32 [M, D], finite.
            fingerprint: of the model that made the vectors; another one than the index's is refused.

        Raises:
            ArgumentError: shapes that disagree, a value that is not finite, or ids of another type.
            BundleError: the vectors are those of another model.
            DataError: an id twice.

        >>> from shortlist.index import build
        >>> index = build(np.eye(2, dtype=np.float32), ["a", "b"])
        >>> more = index.with_items(["c", "a"], np.array([[2, 2], [0, 3]], dtype=np.float32))
        >>> rows, scores = more.search(np.array([[0, 1]], dtype=np.float32), k=5)
        >>> more.keys.take(rows[0, :3]).tolist(), scores[0, :3].tolist(), len(index)
        (['a', 'c', 'b'], [3.0, 2.0, 1.0], 2)
        """
        refuse_other_model("with_items", self.facts.model, fingerprint)
        fresh = matrix(vectors, "with_items.vectors", self.dim)
        given = ids_like(self.keys, ids, "with_items.ids")
        if len(given) != len(fresh):
            raise ArgumentError(
                "with_items.ids",
                received=f"{len(given)} ids",
                expected=f"one for each of the {len(fresh)} vectors",
            )
        rows = self.keys.positions(given)
        new = rows < 0
        rows[new] = len(self) + np.arange(int(new.sum()))
        keys = self.keys.joined(given[new]) if new.any() else self.keys
        return self._with(self._edited.replaced(rows, fresh), keys)

    def without(self, ids: Iterable[Any] | Array | Keys) -> "VectorIndex":
        """The same index without these items; unknown ids are passed over, and later rows move up.

        >>> from shortlist.index import build
        >>> index = build(np.eye(2, dtype=np.float32), ["a", "b"]).without(["a", "x"])
        >>> index.keys.values.tolist(), index.search(np.ones((1, 2), dtype=np.float32), 2)[0].tolist()
        (['b'], [[0, -1]])
        """
        positions = self.keys.positions(ids.values if isinstance(ids, Keys) else ids)
        rows = np.unique(positions[positions >= 0])
        if len(rows) == 0:
            return self
        return self._with(self._edited.without(rows), self.keys.without(rows))

    def save(self, folder: str | Path) -> None:
        """Write the index as a folder; `load` reads it.

        The folder holds ``index.faiss``, ``ids.arrow`` and ``index.json`` (facts and checksums), and where
        there are such things ``vectors.faiss`` (the float32 vectors beside codes), ``directions.npy`` (of
        pca), ``added.npy`` and ``slots.npy`` (edits). It appears whole or not at all, and replaces an older
        one.
        """
        write_index(Path(folder), self._structure, self.keys, self.facts, self._overlay)

    def sizes(self) -> tuple[int, int]:
        """Bytes that a search reads of (codes, links, lists), and of float32 vectors kept beside them."""
        searched, kept = self._structure.sizes()
        return searched, kept + (0 if self._overlay is None else self._overlay.added.nbytes)

    @property
    def _edited(self) -> Overlay:
        return self._overlay or Overlay.none(len(self), self.dim)

    def _with(self, overlay: Overlay, keys: Keys) -> "VectorIndex":
        facts = replace(self.facts, count=len(keys))
        return VectorIndex(self._structure, keys, facts, threads=self.threads, overlay=overlay)

    def _nearest(self, queries: Vectors, k: int, allowed: Mask | None) -> tuple[Rows, Vectors]:
        if self._overlay is None:
            return self._in_structure(queries, k, allowed)
        slots, used = self._overlay.slots_in_use(allowed)
        count = min(k, used)
        found = np.zeros((len(queries), 0), np.int64), np.zeros((len(queries), 0), np.float32)
        if count > 0:
            places, scores = self._in_structure(queries, count, slots)
            found = self._overlay.rows[places], scores
        return merged(found, self._overlay.nearest_added(queries, k, allowed), k)

    def _in_structure(self, queries: Vectors, k: int, allowed: Mask | None) -> tuple[Rows, Vectors]:
        """Slots and scores of the k best allowed slots, of which there are k or more."""
        facts, structure = self.facts, self._structure
        if facts.count != structure.count:
            facts = replace(facts, count=structure.count)
        share = facts.count if allowed is None else int(np.count_nonzero(allowed))
        if scans_all(facts) or (allowed is not None and scans(facts, k, share)):
            return structure.nearest_exact(queries, k, allowed)
        depth = k if allowed is None else depth_for(k, share, facts.count)
        rows, scores = structure.nearest(queries, depth, effort_for(facts, depth), again_for(facts, depth))
        if allowed is not None:
            rows, scores = first_allowed(rows, scores, allowed, k)
        short = np.flatnonzero(rows[:, -1] < 0)
        if len(short) > 0:
            rows[short], scores[short] = structure.nearest_exact(queries[short], k, allowed)
        return rows, scores
