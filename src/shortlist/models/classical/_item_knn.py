"""Item-based nearest neighbours."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical._protocols import Needs
from shortlist.models.classical._threads import cores
from shortlist.models.classical._top_products import product, top_products
from shortlist.models.classical._weightings import Weighting
from shortlist.scorers import ItemNeighbours, checked_matrix

__all__ = ["ItemKNN"]


@dataclass(frozen=True)
class ItemKNN:
    """Score an item by its similarity to the items of the history.

    ``s_ij = z_i . z_j / (|z_i| |z_j| + shrink)``, z the columns of the weighted matrix; each item keeps its k
    most similar others, ties to the lower position (Sarwar et al., "Item-based collaborative filtering
    recommendation algorithms", 2001). With `BM25` the similarity is ``z_i . z_j``.

    Attributes:
        k: neighbours kept for each item, >= 1; more reaches further and costs memory, 8 bytes each.
        shrink: >= 0, in units of co-occurrences; draws similarities that rest on few users towards zero.
            None but 0 with `BM25`.
        weighting: None takes the matrix as it is; `TFIDF` and `BM25` make users who took much say less.
            Histories are never weighted.

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
    weighting: Weighting | None = None
    needs: ClassVar[Needs] = "matrix"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ArgumentError("ItemKNN.k", received=self.k, expected="k >= 1", remedy="pass k=200")
        if not self.shrink >= 0:
            raise ArgumentError("ItemKNN.shrink", received=self.shrink, expected="a number >= 0")
        if self.shrink and not self._normalized:
            raise ArgumentError(
                "ItemKNN.shrink", received=f"{self.shrink} with {self.weighting}", expected="0 with BM25"
            )

    @property
    def _normalized(self) -> bool:
        return self.weighting is None or self.weighting.normalized

    def fit(self, X: csr_array, *, threads: int | None = None) -> ItemNeighbours:
        """Find the neighbours of every item of ``X`` [users, items].

        Args:
            X: weights >= 0.
            threads: that work at a time, None for all cores; they change no result.
        """
        workers = cores("ItemKNN.fit", threads)
        matrix = checked_matrix("ItemKNN.fit", X)
        if self.weighting is not None:
            matrix = self.weighting.weigh(matrix)
        squares = np.bincount(matrix.indices, matrix.data**2, minlength=matrix.shape[1])
        norms = np.sqrt(squares) if self._normalized else np.ones(matrix.shape[1])
        alike = top_products(product(matrix.T.tocsr(), matrix, norms, norms, self.shrink), self.k, workers)
        return ItemNeighbours(alike.T.tocsr())
