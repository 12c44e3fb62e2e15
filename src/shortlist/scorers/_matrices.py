"""Checked sparse matrices."""

from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError
from shortlist.scorers._protocols import Users
from shortlist.scorers._sparse import SparseRows

__all__ = ["checked_histories", "checked_matrix", "checked_users", "usable"]


def checked_matrix(where: str, X: SparseRows) -> SparseRows:
    """Return ``X`` as canonical CSR float64 without stored zeros; the caller's matrix stays as it is.

    Raises:
        ArgumentError: not a sparse matrix, or a weight is negative, NaN or infinite.
    """
    from scipy.sparse import csr_array, issparse

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
    if not usable(matrix.data):
        raise ArgumentError(
            where, received="negative, NaN or infinite weights", expected="finite weights >= 0 in the matrix"
        )
    return matrix


def checked_histories(where: str, rows: SparseRows, n_items: int) -> SparseRows:
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


def checked_users(where: str, users: Users, queries: int, known: int) -> npt.NDArray[np.int64]:
    """Row of each query's user among those known to the model; -1 for new ones, who may have joined since.

    Raises:
        ArgumentError: there is not one user a query.
    """
    if users is None:
        return np.full(queries, -1, dtype=np.int64)
    if users.shape != (queries,):
        raise ArgumentError(
            where, received=f"users of shape {users.shape}", expected=f"{queries} users, -1 for a new one"
        )
    return np.where((users >= 0) & (users < known), users, -1)


def usable(weights: npt.NDArray[Any]) -> bool:
    """Whether all are finite and none is below 0."""
    return bool((np.isfinite(weights) & (weights >= 0)).all())
