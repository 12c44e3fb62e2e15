"""What is searched: codes, and beside them the vectors that found candidates are scored with again."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.index._faiss import bytes_of, in_order, nearest, nearest_exact, scores_of, vectors_of

__all__ = ["Structure"]

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """Vectors as FAISS holds them; never changed once made, so threads may search it at once.

    Attributes:
        codes: the FAISS structure that is searched.
        raw: a flat FAISS structure of the float32 vectors; None where ``codes`` is all there is.
        directions: float32 [reduced, D] that queries are projected on before ``codes`` is searched.
    """

    codes: Any
    raw: Any | None = None
    directions: Vectors | None = None

    @property
    def dim(self) -> int:
        """Width D of the vectors."""
        return int(self.codes.d if self.directions is None else self.directions.shape[1])

    @property
    def count(self) -> int:
        """Number of vectors N."""
        return int(self.codes.ntotal)

    def nearest(self, queries: Vectors, k: int, effort: int, again: int) -> tuple[Rows, Vectors]:
        """The k nearest that a search of so much effort meets; -1 and -inf where it met fewer.

        With float32 vectors beside the codes, ``again`` candidates, at least k, are found by the codes and
        put in order by the vectors.
        """
        if self.raw is None:
            return nearest(self.codes, queries, k, effort)
        wide = min(max(again, k), self.count)
        rows, _ = nearest(self.codes, self._projected(queries), wide, effort)
        scores = scores_of(self.raw, queries, rows)
        order = np.argsort(-scores, axis=1, kind="stable")
        rows, scores = in_order(np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1))
        return rows[:, :k], scores[:, :k]

    def nearest_exact(self, queries: Vectors, k: int, allowed: Mask | None) -> tuple[Rows, Vectors]:
        """The k nearest of all (allowed) vectors as they are held, smaller rows first among equals."""
        return nearest_exact(self.codes if self.raw is None else self.raw, queries, k, allowed)

    def vectors(self, rows: Rows) -> Vectors:
        """Float32 [N, D]: the vectors of these rows, as they are held."""
        return vectors_of(self.codes if self.raw is None else self.raw, rows)

    def sizes(self) -> tuple[int, int]:
        """Bytes of the codes, and of the float32 vectors beside them."""
        directions = 0 if self.directions is None else self.directions.nbytes
        return bytes_of(self.codes) + directions, 0 if self.raw is None else bytes_of(self.raw)

    def _projected(self, queries: Vectors) -> Vectors:
        if self.directions is None:
            return queries
        # Summed in one order, whatever stands beside a query: a product by BLAS rounds by the batch.
        return np.asarray(np.einsum("qd,rd->qr", queries, self.directions, optimize=False), dtype=np.float32)
