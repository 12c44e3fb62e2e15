"""What learners are fitted on: a checked sparse matrix, or events with their times."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, issparse

from shortlist.errors import ArgumentError, DataError, near
from shortlist.models.classical._protocols import Arrays

__all__ = ["Events", "checked_histories", "checked_matrix", "part"]


@dataclass(frozen=True, eq=False)
class Events:
    """Interactions one by one, in any order.

    Attributes:
        users: row of the user [E], 0 .. shape[0] - 1.
        items: column of the item [E], 0 .. shape[1] - 1.
        times: [E] numbers of one unit (seconds, days).
        weights: [E] non-negative weight of the event; several events on one pair add up.
        shape: users and items of the matrix.

    Raises:
        ArgumentError: the lengths differ, a code is out of range, a time or weight is not a usable number.

    >>> events = Events(np.array([0, 0]), np.array([1, 1]), np.array([10, 20]), np.ones(2), shape=(1, 2))
    >>> events.matrix().toarray()
    array([[0., 2.]])
    """

    users: npt.NDArray[np.int64]
    items: npt.NDArray[np.int64]
    times: npt.NDArray[Any]
    weights: npt.NDArray[Any]
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        lengths = [len(part) for part in (self.users, self.items, self.times, self.weights)]
        if len(set(lengths)) != 1:
            raise ArgumentError("Events", received=f"lengths {lengths}", expected="four arrays of one length")
        for name, codes, size in (("users", self.users, self.shape[0]), ("items", self.items, self.shape[1])):
            if len(codes) and not 0 <= codes.min() <= codes.max() < size:
                raise ArgumentError(
                    f"Events.{name}",
                    received=f"codes from {codes.min()} to {codes.max()}",
                    expected=f"codes in 0 .. {size - 1}",
                    remedy="pass the shape that the codes belong to",
                )
        if not (np.isfinite(self.times).all() and _usable(self.weights)):
            raise ArgumentError(
                "Events", received="NaN, infinite or negative numbers", expected="finite times, weights >= 0"
            )

    def matrix(self) -> csr_array:
        """Sum the weights of each user and item: CSR float64 [users, items]."""
        pairs = (self.weights.astype(np.float64), (self.users, self.items))
        return csr_array(pairs, shape=self.shape)


def checked_matrix(where: str, X: csr_array) -> csr_array:
    """Return ``X`` as canonical CSR float64 without stored zeros; the caller's matrix stays as it is.

    Raises:
        ArgumentError: not a sparse matrix, or a weight is negative, NaN or infinite.
    """
    if not issparse(X):
        raise ArgumentError(
            where,
            received=type(X).__name__,
            expected="a SciPy sparse matrix [users, items]",
            remedy="wrap it in scipy.sparse.csr_array",
        )
    matrix = csr_array(X, dtype=np.float64)
    if not matrix.has_canonical_format or not matrix.data.all():
        matrix = matrix.copy()
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
    if not _usable(matrix.data):
        raise ArgumentError(
            where, received="negative, NaN or infinite weights", expected="finite weights >= 0 in the matrix"
        )
    return matrix


def checked_histories(where: str, rows: csr_array, n_items: int) -> csr_array:
    """Return histories as `checked_matrix` does; they must have a column for every item of the model."""
    histories = checked_matrix(where, rows)
    if histories.shape[1] != n_items:
        raise ArgumentError(
            where,
            received=f"histories over {histories.shape[1]} items",
            expected=f"the {n_items} items the model was fitted on",
            remedy="code the histories with the vocabulary of the fit",
        )
    return histories


def part(where: str, arrays: Arrays, name: str) -> npt.NDArray[Any]:
    """Return one of the saved arrays, or say which are there.

    Raises:
        DataError: there is no array of that name.
    """
    if name not in arrays:
        raise DataError(
            where, received="other arrays", expected=f"an array {name!r}", remedy=near(name, arrays)
        )
    return arrays[name]


def _usable(weights: npt.NDArray[Any]) -> bool:
    return bool((np.isfinite(weights) & (weights >= 0)).all())
