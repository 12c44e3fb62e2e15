"""The index: raw ids, vectors and their search."""

from math import ceil, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Keys
from shortlist.errors import ArgumentError
from shortlist.index._facts import Facts
from shortlist.index._faiss import nearest, nearest_exact, using_threads, vectors_of
from shortlist.index._files import write_index

__all__ = ["VectorIndex"]

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class VectorIndex:
    """Vectors of items, searched by inner product; made by `build` or `load`.

    Args:
        structure: the FAISS index.
        keys: raw item ids, in the order of the rows.
        facts: what is known about it.
        threads: number of threads of one search.
    """

    def __init__(self, structure: Any, keys: Keys, facts: Facts, *, threads: int = 1) -> None:
        self.keys = keys
        self.facts = facts
        self.threads = threads
        self._structure = structure

    @property
    def dim(self) -> int:
        """Width D of the vectors."""
        return self.facts.dim

    @property
    def kind(self) -> str:
        """exact, ivf or hnsw."""
        return self.facts.kind

    @property
    def recall(self) -> float:
        """Share of the ``facts.recall_at`` best items that a search finds, as measured at the build."""
        return self.facts.recall

    def __len__(self) -> int:
        """Number of vectors N."""
        return self.facts.count

    def __repr__(self) -> str:
        facts = self.facts
        effort = {"exact": "", "ivf": f", {facts.effort} of {facts.lists} lists"}.get(
            facts.kind, f", effort {facts.effort}"
        )
        return (
            f"VectorIndex({facts.kind}, {facts.count} x {facts.dim}, "
            f"recall@{facts.recall_at} {facts.recall:.3f}{effort})"
        )

    def search(self, queries: Vectors, k: int, *, allowed: Mask | None = None) -> tuple[Rows, Vectors]:
        """The k items of largest inner product, smaller rows first among equal scores.

        With ``allowed`` the search is exact, whatever the kind: an approximate one would lose the allowed
        items that lie off its way. A search for more than ``facts.recall_at`` items works harder, and one
        that meets fewer than k items is done again exactly. A query with a NaN or an
        infinity is answered empty, so that it does not fail the queries beside it.

        Args:
            queries: float32 [Q, D].
            k: length of the lists; it may exceed N.
            allowed: bool [N], the rows that may be found; all by default.

        Returns:
            Rows int64 [Q, k] and scores float32 [Q, k], best first; -1 and -inf where there are fewer.

        Raises:
            ArgumentError: a wrong shape or type, or k below 1.
        """
        queries = self._checked(queries, k, allowed)
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
        """Float32 [N, D]: the vectors of rows by number; zeros for -1."""
        found = np.zeros((len(rows), self.dim), dtype=np.float32)
        known = rows >= 0
        if known.any():
            found[known] = vectors_of(self._structure, np.ascontiguousarray(rows[known], dtype=np.int64))
        return found

    def save(self, folder: str | Path) -> None:
        """Write the index as a folder; `load` reads it.

        The folder holds ``index.faiss``, ``ids.arrow`` and ``index.json`` (facts and checksums). It appears
        whole or not at all, and replaces an older one.
        """
        write_index(Path(folder), self._structure, self.keys, self.facts)

    def _nearest(self, queries: Vectors, k: int, allowed: Mask | None) -> tuple[Rows, Vectors]:
        if allowed is not None or self.facts.kind == "exact":
            return nearest_exact(self._structure, queries, k, allowed)
        effort = ceil(self.facts.effort * sqrt(max(1.0, k / self.facts.recall_at)))
        rows, scores = nearest(self._structure, queries, k, effort)
        short = np.flatnonzero(rows[:, -1] < 0)
        if len(short) > 0:
            rows[short], scores[short] = nearest_exact(self._structure, queries[short], k, None)
        return rows, scores

    def _checked(self, queries: Vectors, k: int, allowed: Mask | None) -> Vectors:
        if not isinstance(k, int | np.integer) or k < 1:
            raise ArgumentError("search.k", received=k, expected="an integer >= 1", remedy="pass k=10")
        array = np.ascontiguousarray(queries, dtype=np.float32)
        if array.ndim != 2 or array.shape[1] != self.dim:
            raise ArgumentError(
                "search.queries",
                received=f"shape {array.shape}",
                expected=f"[Q, {self.dim}]",
                remedy="encode the queries with the model that made the vectors; one query is [1, D]",
            )
        if allowed is not None and (allowed.shape != (len(self),) or allowed.dtype != np.bool_):
            raise ArgumentError(
                "search.allowed",
                received=f"{allowed.dtype} of shape {allowed.shape}",
                expected=f"bool of shape ({len(self)},)",
                remedy="give one truth value for each row of the index",
            )
        return array
