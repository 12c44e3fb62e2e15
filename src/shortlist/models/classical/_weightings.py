"""What an interaction is worth as evidence that two items are alike."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError

__all__ = ["BM25", "TFIDF", "Weighting"]


@dataclass(frozen=True)
class TFIDF:
    """``sqrt(x) log(items / (1 + n_u))``: users who took much say less; n_u is how many items u took.

    >>> X = csr_array(np.array([[1.0, 0.0, 0.0, 0.0]]))
    >>> TFIDF().weigh(X).toarray().round(3)    # log(4 / 2)
    array([[0.693, 0.   , 0.   , 0.   ]])
    """

    normalized = True

    def weigh(self, matrix: csr_array) -> csr_array:
        """The weights of a canonical matrix [users, items]; entries keep their place."""
        return _replaced(matrix, np.sqrt(matrix.data) * _rarity(matrix))


@dataclass(frozen=True)
class BM25:
    """``x (k1 + 1) / (x + k1 (1 - b + b n_i / mean n)) log(items / (1 + n_u))``, n_i the weight of item i.

    The similarity is the inner product of these weights, since ``b`` already sets popular items back.

    Attributes:
        k1: >= 0, how much more several interactions of a pair count than one; 0 counts all alike.
        b: 0 .. 1, how strongly an item's popularity is held against it.

    Raises:
        ArgumentError: an option out of range.

    >>> X = csr_array(np.array([[1.0, 0.0, 0.0, 0.0]]))
    >>> BM25(k1=1.0, b=0.0).weigh(X).toarray().round(3)    # 1 * 2 / (1 + 1) * log(4 / 2)
    array([[0.693, 0.   , 0.   , 0.   ]])
    """

    k1: float = 1.2
    b: float = 0.75
    normalized = False

    def __post_init__(self) -> None:
        if not (self.k1 >= 0 and 0 <= self.b <= 1):
            raise ArgumentError("BM25", received=f"k1={self.k1}, b={self.b}", expected="k1 >= 0, b in 0 .. 1")

    def weigh(self, matrix: csr_array) -> csr_array:
        """The weights of a canonical matrix [users, items]; entries keep their place."""
        sizes = matrix.sum(axis=0)
        length = 1 - self.b + self.b * sizes / max(float(sizes.mean()) if len(sizes) else 0.0, 1e-300)
        x = matrix.data
        saturated = x * (self.k1 + 1) / (x + self.k1 * length[matrix.indices])
        return _replaced(matrix, saturated * _rarity(matrix))


Weighting: TypeAlias = TFIDF | BM25


def _rarity(matrix: csr_array) -> npt.NDArray[np.float64]:
    """``log(items / (1 + n_u))`` of each entry's user, at least 0."""
    taken = np.diff(matrix.indptr)
    rarity = np.log(np.maximum(matrix.shape[1] / (1.0 + taken), 1.0))
    return np.repeat(rarity, taken)


def _replaced(matrix: csr_array, data: npt.NDArray[np.float64]) -> csr_array:
    return csr_array((data, matrix.indices, matrix.indptr), matrix.shape)
