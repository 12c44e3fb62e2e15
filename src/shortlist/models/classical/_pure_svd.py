"""PureSVD: the history projected on the strongest directions of the matrix."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds

from shortlist.errors import ArgumentError
from shortlist.models.classical._protocols import Needs
from shortlist.scorers import ItemProjection, checked_matrix

__all__ = ["PureSVD"]


@dataclass(frozen=True)
class PureSVD:
    """Score ``x V V'``, V the right singular vectors of the largest singular values.

    Cremonesi, Koren and Turrin, "Performance of recommender algorithms on top-N recommendation tasks", 2010.

    Attributes:
        dim: how many singular vectors, >= 1; a matrix of fewer users or items gives all it has.
        seed: of the vector that the iteration starts from.

    Raises:
        ArgumentError: ``dim`` is below 1.

    >>> X = csr_array(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    >>> PureSVD(dim=1).fit(X).scores(csr_array(np.array([[1.0, 0.0, 0.0]]))).round(3) + 0.0
    array([[0.5, 0.5, 0. ]], dtype=float32)
    """

    dim: int = 50
    seed: int = 0
    needs: ClassVar[Needs] = "matrix"

    def __post_init__(self) -> None:
        if self.dim < 1:
            raise ArgumentError("PureSVD.dim", received=self.dim, expected="an integer >= 1")

    def fit(self, X: csr_array) -> ItemProjection:
        """Find the singular vectors of ``X`` [users, items]."""
        matrix = checked_matrix("PureSVD.fit", X)
        smaller = min(matrix.shape)
        if self.dim < smaller:
            start = np.random.default_rng(self.seed).normal(size=smaller)
            vectors = svds(matrix, k=self.dim, v0=start, return_singular_vectors="vh")[2]
        else:
            vectors = np.linalg.svd(matrix.toarray(), full_matrices=False)[2]
        return ItemProjection(np.ascontiguousarray(vectors.T, dtype=np.float32))
