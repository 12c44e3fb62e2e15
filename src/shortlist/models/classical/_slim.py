"""SLIM: sparse item-item weights by elastic-net regression."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical._coordinate_descent import Bounds, Net, descend
from shortlist.models.classical._protocols import Needs
from shortlist.models.classical._threads import cores
from shortlist.scorers import ItemNeighbours, checked_matrix

__all__ = ["SLIM"]

# Rows of one block of the item-item matrix while it is built.
_ROWS = 128


@dataclass(frozen=True)
class SLIM:
    """Learn sparse weights W that rebuild every history, an item never explaining itself.

    Minimises ``|X - X W|^2 / 2 + l2 |W|^2 / 2 + l1 |W|_1`` with a zero diagonal, one item after the other, by
    coordinate descent; score ``X W`` (Ning and Karypis, "SLIM: sparse linear methods for top-N recommender
    systems", 2011). The elastic net of other libraries with ``alpha`` and ``l1_ratio`` is
    ``l1 = users alpha l1_ratio`` and ``l2 = users alpha (1 - l1_ratio)``.

    Attributes:
        l1: >= 0, in units of summed squared weight; larger leaves fewer weights.
        l2: > 0, in the same units; larger spreads the weights over items that are alike.
        non_negative: whether weights below 0 are ruled out; the fit is faster and scores can be explained.
        neighbours: None, or >= 1: only that many items, those most alike by cosine, may explain an item.
        tolerance: > 0; an item is done when a sweep changes no weight by as much.
        sweeps: >= 1, the most of an item.
        max_items: largest catalogue accepted; a fit takes 4 bytes for every pair of items.

    Raises:
        ArgumentError: an option out of range.

    >>> X = csr_array(np.array([[1, 1], [1, 0]]))
    >>> SLIM(l1=0.5, l2=1.0).fit(X).similarity.toarray().round(4)   # (1 - 1/2) / (2 + 1), (1 - 1/2) / (1 + 1)
    array([[0.    , 0.1667],
           [0.25  , 0.    ]], dtype=float32)
    """

    l1: float = 5.0
    l2: float = 50.0
    non_negative: bool = True
    neighbours: int | None = None
    tolerance: float = 1e-4
    sweeps: int = 100
    max_items: int = 20_000
    needs: ClassVar[Needs] = "matrix"

    def __post_init__(self) -> None:
        if not (self.l1 >= 0 and self.l2 > 0 and self.tolerance > 0):
            received = f"l1={self.l1}, l2={self.l2}, tolerance={self.tolerance}"
            raise ArgumentError("SLIM", received=received, expected="l1 >= 0, l2 > 0, tolerance > 0")
        if self.sweeps < 1 or (self.neighbours is not None and self.neighbours < 1):
            received = f"sweeps={self.sweeps}, neighbours={self.neighbours}"
            raise ArgumentError("SLIM", received=received, expected="sweeps >= 1, neighbours None or >= 1")

    def fit(self, X: csr_array, *, threads: int | None = None) -> ItemNeighbours:
        """Solve for the weights of ``X`` [users, items].

        Args:
            X: weights >= 0.
            threads: that work at a time, None for all cores; they change no result.

        Raises:
            ArgumentError: the catalogue is larger than ``max_items``, or ``X`` has a weight below 0.
        """
        workers = cores("SLIM.fit", threads)
        matrix = checked_matrix("SLIM.fit", X)
        if matrix.shape[1] > self.max_items:
            raise ArgumentError(
                "SLIM.fit",
                received=f"{matrix.shape[1]} items, {4 * matrix.shape[1] ** 2 / 1e9:.1f} GB",
                expected=f"at most {self.max_items} items",
                remedy="use ItemKNN or IALS, or raise max_items where the memory is there",
            )
        net = Net(self.l1, self.l2, self.non_negative)
        bounds = Bounds(self.tolerance, self.sweeps, self.neighbours)
        return ItemNeighbours(descend(_gram(matrix), net, bounds, workers).T.tocsr())


def _gram(matrix: csr_array) -> npt.NDArray[np.float32]:
    """X'X."""
    items = matrix.T.tocsr()
    gram = np.empty((items.shape[0], items.shape[0]), dtype=np.float32)
    for start in range(0, len(gram), _ROWS):
        gram[start : start + _ROWS] = (items[start : start + _ROWS] @ matrix).toarray()
    return gram
