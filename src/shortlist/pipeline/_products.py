"""Exact retrieval for many users at the price of a matrix product."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shortlist.data import Keys
from shortlist.index import VectorIndex
from shortlist.metrics import top_products
from shortlist.pipeline._pipeline import Pipeline
from shortlist.pipeline._retrieve import Retrieve
from shortlist.pipeline._stage import Stage, changed

__all__ = ["with_products"]

Rows = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]


def with_products(pipe: Pipeline, *, every: bool = False) -> Pipeline:
    """The same pipeline, its exact indexes searched by `shortlist.metrics.top_products`.

    What an exact index finds is defined by the vectors alone: the items are the same, but for scores that
    differ by the rounding of float32. An index that approximates is searched as it is, unless ``every`` index
    is to be searched so: then more of the right items are found.
    """

    def quick(stage: Stage) -> Stage:
        if not isinstance(stage, Retrieve) or not isinstance(stage.index, VectorIndex):
            return stage
        if stage.index.kind != "exact" and not every:
            return stage
        return replace(stage, index=_Products(stage.index))

    return replace(pipe, stages=tuple(changed(stage, quick) for stage in pipe.stages))


class _Products:
    """The vectors of an index, searched by products."""

    def __init__(self, index: VectorIndex) -> None:
        self.keys: Keys = index.keys
        self.dim = index.dim
        self._vectors = index.vectors(np.arange(len(index)))

    def vectors(self, rows: Rows) -> Vectors:
        """See `VectorIndex.vectors`."""
        found = np.zeros((len(rows), self.dim), dtype=np.float32)
        found[rows >= 0] = self._vectors[rows[rows >= 0]]
        return found

    def search(
        self, queries: Vectors, k: int, *, allowed: npt.NDArray[np.bool_] | None = None
    ) -> tuple[Rows, Vectors]:
        """See `VectorIndex.search`."""
        vectors = self._vectors if allowed is None else self._vectors[allowed]
        finite = np.isfinite(queries).all(axis=1, keepdims=True)
        asked = np.where(finite, queries, np.float32(np.nan))
        rows, scores = top_products(asked, vectors, k)
        if allowed is not None and len(vectors) > 0:
            rows = np.where(rows >= 0, np.flatnonzero(allowed)[rows], -1)
        return rows, scores
