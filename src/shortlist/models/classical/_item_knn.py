"""Item-based nearest neighbours."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical._interactions import checked_histories, checked_matrix, part
from shortlist.models.classical._protocols import Arrays, Needs, Scores, Users

__all__ = ["ItemKNN", "ItemNeighbours"]

# Cells of one block of similarities: bounds the memory of a fit to some hundred MB.
_CELLS = 1 << 23


@dataclass(frozen=True, eq=False)
class ItemNeighbours:
    """A fitted `ItemKNN`.

    Attributes:
        similarity: CSR float32 [items, items]; column j holds the kept neighbours of item j.
    """

    similarity: csr_array

    def scores(self, rows: csr_array, users: Users = None) -> Scores:  # noqa: ARG002
        """Score item j as the sum over the history of weight times similarity to j; see `Model.scores`."""
        histories = checked_histories("ItemKNN.scores", rows, self.similarity.shape[0])
        scores: Scores = (histories.astype(np.float32) @ self.similarity).toarray()
        return scores

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Give the CSR parts ``data``, ``indices`` and ``indptr``."""
        return {name: getattr(self.similarity, name) for name in ("data", "indices", "indptr")}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Inverse of `arrays`."""
        data, indices, indptr = (
            part("ItemKNN.from_arrays", arrays, name) for name in ("data", "indices", "indptr")
        )
        return cls(csr_array((data, indices, indptr), shape=(len(indptr) - 1, len(indptr) - 1)))


@dataclass(frozen=True)
class ItemKNN:
    """Score an item by its cosine similarity to the items of the history.

    ``s_ij = x_i . x_j / (|x_i| |x_j| + shrink)``; each item keeps its k most similar others, ties to the
    lower position (Sarwar et al., "Item-based collaborative filtering", 2001).

    Attributes:
        k: neighbours kept for each item, >= 1; more reaches further and costs memory, 12 bytes each.
        shrink: >= 0, in units of co-occurrences; draws similarities that rest on few users towards zero.

    Raises:
        ArgumentError: an option out of range.

    >>> X = csr_array(np.array([[1, 1, 0], [1, 1, 1]]))
    >>> ItemKNN(k=1).fit(X).similarity.toarray().round(3)
    array([[0.   , 1.   , 0.707],
           [1.   , 0.   , 0.   ],
           [0.   , 0.   , 0.   ]], dtype=float32)
    """

    k: int = 200
    shrink: float = 0.0
    needs: ClassVar[Needs] = "matrix"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ArgumentError("ItemKNN.k", received=self.k, expected="k >= 1", remedy="pass k=200")
        if not self.shrink >= 0:
            raise ArgumentError("ItemKNN.shrink", received=self.shrink, expected="a number >= 0")

    def fit(self, X: csr_array) -> ItemNeighbours:
        """Find the neighbours of every item of ``X`` [users, items], block by block."""
        matrix = checked_matrix("ItemKNN.fit", X)
        items, n_items = matrix.T.tocsr(), matrix.shape[1]
        norms = np.sqrt(items.multiply(items).sum(axis=1))
        step = max(1, _CELLS // max(n_items, 1))
        kept: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = []
        for start in range(0, n_items, step):
            product = (items[start : start + step] @ matrix).tocsr()
            product.sort_indices()
            kept += [self._nearest(product, row, start, norms) for row in range(product.shape[0])]
        indptr = np.cumsum([0, *(len(columns) for columns, _ in kept)])
        indices = np.concatenate([columns for columns, _ in kept] or [np.empty(0, dtype=np.int32)])
        data = np.concatenate([values for _, values in kept] or [np.empty(0)]).astype(np.float32)
        return ItemNeighbours(csc_array((data, indices, indptr), shape=(n_items, n_items)).tocsr())

    def _nearest(
        self, product: csr_array, row: int, start: int, norms: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Columns, ascending, and similarities of one item's neighbours."""
        item, span = start + row, slice(product.indptr[row], product.indptr[row + 1])
        columns = product.indices[span]
        similarity = product.data[span] / (norms[item] * norms[columns] + self.shrink)
        similarity[columns == item] = 0
        best = np.argsort(-similarity, kind="stable")[: self.k]
        best = np.sort(best[similarity[best] > 0])
        return columns[best], similarity[best]
