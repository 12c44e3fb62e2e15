"""RP3beta: a random walk of three steps from item to item."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical._protocols import Needs
from shortlist.models.classical._threads import cores
from shortlist.models.classical._top_products import product, top_products
from shortlist.scorers import ItemNeighbours, checked_matrix

__all__ = ["RP3beta"]


@dataclass(frozen=True)
class RP3beta:
    """Walk from an item to one of its users and on to one of the user's items; set popular ends back.

    ``w_ij = sum_u (x_ui / n_i)^alpha (x_uj / n_u)^alpha / n_j^beta``, n summed weights of an item or user;
    each item keeps its k best ends, ties to the lower position (Paudel et al., "Updatable, accurate, diverse,
    and scalable recommendations for interactive applications", 2017).

    Attributes:
        alpha: > 0, exponent of the steps; above 1 prefers the likely ones.
        beta: >= 0, how strongly popularity is held against an item.
        k: ends kept for each item, >= 1; 8 bytes each.

    Raises:
        ArgumentError: an option out of range.

    >>> X = csr_array(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]))
    >>> RP3beta(alpha=1.0, beta=1.0).fit(X).similarity.toarray()[0].round(4)  # to 1: (1/2 1/2 + 1/2 1/3) / 2
    array([0.    , 0.2083, 0.1667], dtype=float32)
    """

    alpha: float = 1.0
    beta: float = 0.6
    k: int = 200
    needs: ClassVar[Needs] = "matrix"

    def __post_init__(self) -> None:
        if not (self.alpha > 0 and self.beta >= 0 and self.k >= 1):
            raise ArgumentError(
                "RP3beta",
                received=f"alpha={self.alpha}, beta={self.beta}, k={self.k}",
                expected="alpha > 0, beta >= 0, k >= 1",
            )

    def fit(self, X: csr_array, *, threads: int | None = None) -> ItemNeighbours:
        """Find the ends of every item's walks over ``X`` [users, items].

        Args:
            X: weights >= 0.
            threads: that work at a time, None for all cores; they change no result.
        """
        workers = cores("RP3beta.fit", threads)
        matrix = checked_matrix("RP3beta.fit", X)
        popularity = matrix.sum(axis=0)
        there, back = self._steps(matrix.T.tocsr()), self._steps(matrix)
        ends = product(there, back, np.ones(len(popularity)), popularity**self.beta)
        return ItemNeighbours(top_products(ends, self.k, workers))

    def _steps(self, rows: csr_array) -> csr_array:
        """Chances of a step from each row to its columns, to the power alpha."""
        sizes: npt.NDArray[Any] = np.repeat(rows.sum(axis=1), np.diff(rows.indptr))
        return csr_array(((rows.data / sizes) ** self.alpha, rows.indices, rows.indptr), rows.shape)
