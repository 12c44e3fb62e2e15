"""Least squares row by row: the factors of rows that fit the fixed factors of the columns best."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError
from shortlist.scorers._sparse import SparseRows

__all__ = ["Penalty", "batches", "gathered", "half_step", "solve_rows"]

# Floats of one batch of gathered factors and of normal matrices: half a megabyte each stays in the cache.
_FLOATS = 1 << 16


@dataclass(frozen=True)
class Penalty:
    """What is asked of factors beside the seen pairs.

    Attributes:
        alpha0: weight of every pair of user and item, seen or not, drawing its score to 0; >= 0, relative to
            the weight of a seen pair.
        l2: weight of the squared length of a factor; > 0.
        nu: exponent of the row's size in ``l2 (n + alpha0 columns)^nu``; 0 treats all rows alike, 1 treats
            busy rows as strictly as they are busy.
        alpha: None lets a seen pair pull to 1 with its weight x, beside the pull to 0; a number > 0 gives it
            the confidence ``alpha0 + alpha x`` in 1 and no pull to 0. The form of Hu, Koren and Volinsky is
            ``alpha0=1, nu=0`` and their alpha.

    Raises:
        ArgumentError: an option out of range.
    """

    alpha0: float
    l2: float
    nu: float
    alpha: float | None = None

    def __post_init__(self) -> None:
        if not (self.alpha0 >= 0 and self.l2 > 0 and np.isfinite(self.nu)):
            raise ArgumentError(
                "Penalty",
                received=f"alpha0={self.alpha0}, l2={self.l2}, nu={self.nu}",
                expected="alpha0 >= 0, l2 > 0 and a finite nu",
            )
        if self.alpha is not None and not self.alpha > 0:
            raise ArgumentError("Penalty.alpha", received=self.alpha, expected="None or a number > 0")

    def ridge(self, rows: SparseRows, columns: int) -> npt.NDArray[np.float64]:
        """What the diagonal of each row's system gains: ``l2 (n + alpha0 columns)^nu``, n the row's sum."""
        sizes = rows.sum(axis=1) + self.alpha0 * columns
        powers: npt.NDArray[np.float64] = np.zeros(len(sizes))
        np.power(sizes, self.nu, where=sizes > 0, out=powers)
        return self.l2 * powers

    def weights(self, x: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Weights of seen pairs in the matrix of the normal equations and on their right side.

        >>> [part.tolist() for part in Penalty(0.5, 1.0, 1.0, alpha=3.0).weights(np.array([1.0, 2.0]))]
        [[3.0, 6.0], [3.5, 6.5]]
        """
        return (x, x) if self.alpha is None else (self.alpha * x, self.alpha0 + self.alpha * x)


def half_step(
    rows: SparseRows,
    factors: npt.NDArray[Any],
    gram: npt.NDArray[np.float64],
    penalty: Penalty,
    *,
    columns: int | None = None,
) -> npt.NDArray[np.float64]:
    """Solve for the factor of every row, the factors of the columns being fixed.

    ``w = (alpha0 H'H + sum_i x_i h_i h_i' + l2 (n + alpha0 N)^nu I)^-1 sum_i x_i h_i`` with x the weights of
    the row, n their sum, and N columns; with ``alpha`` the sums weigh ``alpha x`` and ``alpha0 + alpha x``.

    Args:
        rows: canonical CSR [R, N], weights >= 0.
        factors: H [N, D].
        gram: H'H [D, D].
        penalty: the weights alpha0, l2, nu and alpha.
        columns: how many there are in all, where ``rows`` has only those that some row needs.

    Returns:
        Factors float64 [R, D]; an empty row has the zero factor.

    Raises:
        ArgumentError: a normal matrix is singular.

    >>> from scipy.sparse import csr_array
    >>> rows = csr_array(np.array([[1.0, 0.0]]))
    >>> H = np.array([[1.0], [2.0]])
    >>> half_step(rows, H, H.T @ H, Penalty(alpha0=1.0, l2=1.0, nu=1.0))     # 1 / (1 * 5 + 1 + (1 + 2))
    array([[0.11111111]])
    """
    from scipy.sparse import csr_array

    inside, target = (
        csr_array((data, rows.indices, rows.indptr), rows.shape) for data in penalty.weights(rows.data)
    )
    ridge = penalty.ridge(rows, rows.shape[1] if columns is None else columns)
    return solve_rows(inside, factors, penalty.alpha0 * gram, ridge, target @ factors)


def solve_rows(
    rows: SparseRows,
    factors: npt.NDArray[Any],
    shared: npt.NDArray[np.float64],
    ridge: npt.NDArray[np.float64],
    targets: npt.NDArray[Any],
) -> npt.NDArray[np.float64]:
    """Solve ``(shared + sum_i x_i h_i h_i' + ridge I) w = target`` for every row, by Cholesky.

    Args:
        rows: canonical CSR [R, N], weights x >= 0.
        factors: H [N, D].
        shared: matrix that all rows have in common [D, D].
        ridge: [R].
        targets: [R, D].

    Returns:
        float64 [R, D]; zeros for an empty row.
    """
    solution = np.zeros(targets.shape)
    for batch in batches(np.diff(rows.indptr), factors.shape[1]):
        vectors, weights = gathered(rows, batch, factors)
        normal = (vectors * weights[:, :, None]).transpose(0, 2, 1) @ vectors + shared
        normal += ridge[batch, None, None] * np.eye(factors.shape[1])
        solution[batch] = [_solved(*pair) for pair in zip(normal, targets[batch], strict=True)]
    return solution


def batches(lengths: npt.NDArray[Any], dim: int) -> Iterator[npt.NDArray[np.int64]]:
    """Row numbers, longest rows first, cut so that no batch gathers more than the bound; no empty rows."""
    order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
    start = 0
    while start < len(order):
        size = max(1, _FLOATS // (dim * max(int(lengths[order[start]]), dim)))
        yield order[start : start + size]
        start += size


def gathered(
    rows: SparseRows, batch: npt.NDArray[np.int64], factors: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Factors [b, L, D] of each row's columns, padded to the longest row; weights [b, L], 0 in padding."""
    lengths = np.diff(rows.indptr)[batch]
    step = np.arange(lengths.max())
    inside = step < lengths[:, None]
    place = np.where(inside, rows.indptr[batch][:, None] + step, 0)
    return factors[rows.indices[place]].astype(np.float64), np.where(inside, rows.data[place], 0)


def _solved(normal: npt.NDArray[np.float64], target: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    from scipy.linalg import lapack

    _, solution, failed = lapack.dposv(normal, target, lower=True)
    if failed:
        raise ArgumentError(
            "IALS", received="a singular system", expected="l2 large enough to solve it", remedy="raise l2"
        )
    return solution  # type: ignore[no-any-return]
