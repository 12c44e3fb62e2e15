"""EASE: a linear autoencoder in closed form."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical._protocols import Needs
from shortlist.scorers import ItemWeights, checked_matrix

__all__ = ["EASE"]

# Rows of one block of the item-item matrix while it is built and divided.
_ROWS = 128


@dataclass(frozen=True)
class EASE:
    """Learn the item-item weights B that rebuild every history best without an item explaining itself.

    ``G = X'X + l2 I``, ``P = G^-1`` in float64, ``B_ij = -P_ij / P_jj`` off the diagonal, 0 on it; score
    ``X B`` (Steck, "Embarrassingly shallow autoencoders for sparse data", 2019). Time grows with the cube of
    the catalogue, memory with its square.

    Attributes:
        l2: > 0, in units of squared weight; larger draws B towards zero and favours popular items.
        max_items: largest catalogue accepted; see `memory_bytes` before raising it.

    Raises:
        ArgumentError: ``l2`` is not above 0.

    >>> X = csr_array(np.array([[1, 1], [1, 0]]))
    >>> EASE(l2=1.0).fit(X).weights     # G = [[3, 1], [1, 2]], P = [[2, -1], [-1, 3]] / 5
    array([[0.        , 0.33333334],
           [0.5       , 0.        ]], dtype=float32)
    """

    l2: float = 300.0
    max_items: int = 20_000
    needs: ClassVar[Needs] = "matrix"

    def __post_init__(self) -> None:
        if not self.l2 > 0:
            raise ArgumentError("EASE.l2", received=self.l2, expected="a number > 0", remedy="pass l2=300")

    @staticmethod
    def memory_bytes(n_items: int) -> int:
        """Bytes a fit needs at its peak: 12 for every pair of items; the fitted model keeps 4.

        >>> EASE.memory_bytes(20_000) / 1e9
        4.8
        """
        return 12 * n_items * n_items

    def fit(self, X: csr_array) -> ItemWeights:
        """Solve for the weights of ``X`` [users, items].

        Raises:
            ArgumentError: the catalogue is larger than ``max_items``, or ``X`` has a weight below 0.
        """
        matrix = checked_matrix("EASE.fit", X)
        n_items = matrix.shape[1]
        if n_items > self.max_items:
            raise ArgumentError(
                "EASE.fit",
                received=f"{n_items} items, a fit of {self.memory_bytes(n_items) / 1e9:.1f} GB",
                expected=f"at most {self.max_items} items ({self.memory_bytes(self.max_items) / 1e9:.1f} GB)",
                remedy="use ItemKNN or IALS, or raise max_items where the memory is there",
            )
        return ItemWeights(_weights(_inverse(_gram(matrix, self.l2))))


def _gram(matrix: csr_array, l2: float) -> npt.NDArray[np.float64]:
    items = matrix.T.tocsr()
    gram = np.empty((items.shape[0], items.shape[0]))
    for start in range(0, len(gram), _ROWS):
        gram[start : start + _ROWS] = (items[start : start + _ROWS] @ matrix).toarray()
    gram[np.diag_indices_from(gram)] += l2
    return gram


def _inverse(gram: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Invert a positive definite matrix in its own memory; only the upper triangle is valid."""
    if len(gram) == 0:
        return gram
    # The transpose is the same matrix in the memory order LAPACK overwrites.
    factor, failed = lapack.dpotrf(gram.T, lower=True, overwrite_a=True)
    inverse, singular = lapack.dpotri(factor, lower=True, overwrite_c=True)
    if failed or singular:
        raise ArgumentError(
            "EASE.fit",
            received="a singular matrix",
            expected="l2 large enough to invert it",
            remedy="raise l2",
        )
    return inverse.T  # type: ignore[no-any-return]


def _weights(inverse: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Divide the upper triangle of P, and its mirror image, by the diagonal."""
    diagonal = inverse.diagonal().copy()
    weights = np.empty(inverse.shape, dtype=np.float32)
    for start in range(0, len(weights), _ROWS):
        block, below = slice(start, start + _ROWS), slice(start + _ROWS, None)
        upper = 0 - np.triu(inverse[block, start:], 1)
        mirror = (upper / diagonal[block, None]).T
        weights[block, start:] = upper / diagonal[start:]
        weights[block, block] += mirror[:_ROWS]
        weights[below, block] = mirror[_ROWS:]
    return weights
