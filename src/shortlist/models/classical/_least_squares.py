"""One half of alternating least squares: all rows solved exactly against fixed factors of the columns."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError

__all__ = ["Penalty", "half_step"]

# Floats of one batch of gathered factors and of normal matrices: half a megabyte each stays in the cache.
_FLOATS = 1 << 16


@dataclass(frozen=True)
class Penalty:
    """What keeps the factors small.

    Attributes:
        alpha0: weight of every pair of user and item, seen or not, drawing its score to 0; >= 0, relative to
            the weight of a seen pair.
        l2: weight of the squared length of a factor; > 0.
        nu: exponent of the row's size in ``l2 (n + alpha0 columns)^nu``; 0 treats all rows alike, 1 treats
            busy rows as strictly as they are busy.

    Raises:
        ArgumentError: an option out of range.
    """

    alpha0: float
    l2: float
    nu: float

    def __post_init__(self) -> None:
        if not (self.alpha0 >= 0 and self.l2 > 0 and np.isfinite(self.nu)):
            raise ArgumentError(
                "Penalty",
                received=f"alpha0={self.alpha0}, l2={self.l2}, nu={self.nu}",
                expected="alpha0 >= 0, l2 > 0 and a finite nu",
            )


def half_step(
    rows: csr_array, factors: npt.NDArray[Any], gram: npt.NDArray[np.float64], penalty: Penalty
) -> npt.NDArray[np.float64]:
    """Solve for the factor of every row, the factors of the columns being fixed.

    ``w = (alpha0 H'H + sum_i x_i h_i h_i' + l2 (n + alpha0 N)^nu I)^-1 sum_i x_i h_i`` with x the weights of
    the row, n their sum, and N columns; by Cholesky, in batches of rows of like length.

    Args:
        rows: canonical CSR [R, N], weights >= 0.
        factors: H [N, D].
        gram: H'H [D, D].
        penalty: the weights alpha0, l2 and nu.

    Returns:
        Factors float64 [R, D]; an empty row has the zero factor.

    Raises:
        ArgumentError: a normal matrix is singular.

    >>> rows = csr_array(np.array([[1.0, 0.0]]))
    >>> H = np.array([[1.0], [2.0]])
    >>> half_step(rows, H, H.T @ H, Penalty(alpha0=1.0, l2=1.0, nu=1.0))     # 1 / (1 * 5 + 1 + (1 + 2))
    array([[0.11111111]])
    """
    solution = np.zeros((rows.shape[0], factors.shape[1]))
    shrinkage = penalty.l2 * (rows.sum(axis=1) + penalty.alpha0 * rows.shape[1]) ** penalty.nu
    for batch in _batches(np.diff(rows.indptr), factors.shape[1]):
        vectors, weights = _gathered(rows, batch, factors)
        weighted = vectors * weights[:, :, None]
        normal = weighted.transpose(0, 2, 1) @ vectors + penalty.alpha0 * gram
        normal += shrinkage[batch, None, None] * np.eye(factors.shape[1])
        solution[batch] = [_solved(*pair) for pair in zip(normal, weighted.sum(axis=1), strict=True)]
    return solution


def _batches(lengths: npt.NDArray[Any], dim: int) -> Iterator[npt.NDArray[np.int64]]:
    """Row numbers, longest rows first, cut so that no batch gathers more than the bound."""
    order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
    start = 0
    while start < len(order):
        size = max(1, _FLOATS // (dim * max(int(lengths[order[start]]), dim)))
        yield order[start : start + size]
        start += size


def _gathered(
    rows: csr_array, batch: npt.NDArray[np.int64], factors: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Factors [b, L, D] of each row's columns, padded to the longest row; weights [b, L], 0 in padding."""
    lengths = np.diff(rows.indptr)[batch]
    step = np.arange(lengths.max())
    inside = step < lengths[:, None]
    place = np.where(inside, rows.indptr[batch][:, None] + step, 0)
    return factors[rows.indices[place]].astype(np.float64), np.where(inside, rows.data[place], 0)


def _solved(normal: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    _, solution, failed = lapack.dposv(normal, target, lower=True)
    if failed:
        raise ArgumentError(
            "IALS", received="a singular system", expected="l2 large enough to solve it", remedy="raise l2"
        )
    return solution  # type: ignore[no-any-return]
