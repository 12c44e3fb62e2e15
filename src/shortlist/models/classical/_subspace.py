"""Normal equations block by block of dimensions, each block solved exactly."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError
from shortlist.models.classical._compiled import compiled
from shortlist.models.classical._normal_equations import Padded, System, padded
from shortlist.models.classical._threads import spread

__all__ = ["by_subspace"]

Floats = npt.NDArray[np.float32]
Wide = npt.NDArray[np.float64]


def by_subspace(one: System, out: Floats, size: int, threads: int | None) -> None:
    """Solve for ``size`` dimensions after the others, given all the rest: one sweep of every row.

    A block as wide as the factors gives the exact solution, wherever it starts.

    Args:
        one: the systems.
        out: [R, D], where to start; changed in place. An empty row becomes 0.
        size: dimensions of a block.
        threads: None does without machine code.

    Raises:
        ArgumentError: a system is singular.
    """
    lengths = np.diff(one.indptr)
    if threads is None:
        out[lengths == 0] = 0
        for batch in padded(one):
            out[batch.rows] = _batch_sweep(one, batch, out[batch.rows], size)
        return
    kernel = _kernel()

    def sweep(first: int, last: int) -> None:
        scores = np.empty(lengths[first:last].max(initial=0), dtype=np.float64)
        if not kernel(one, out, first, last, size, scores):
            raise _singular()

    spread(sweep, lengths, threads)


@cache
def _kernel() -> Callable[..., bool]:
    """The compiled loop over rows."""
    shift, gradient, curvature, solve = (compiled(part) for part in (_shift, _gradient, _curvature, _solve))

    def row_sweeps(  # noqa: PLR0917 - compiled
        one: System, out: Floats, first: int, last: int, size: int, scores: Wide
    ) -> bool:
        """Sweep rows first .. last - 1; False when a system is singular."""
        dim = out.shape[1]
        matrix, step = np.empty((size, size), np.float64), np.empty(size, np.float64)
        for row in range(first, last):
            w = out[row]
            if one.indptr[row] == one.indptr[row + 1]:
                w[:] = 0
                continue
            scores[:] = 0
            shift(one, row, w, 0, scores)
            for low in range(0, dim, size):
                wide = min(size, dim - low)
                gradient(one, row, w, scores, low, step[:wide])
                curvature(one, row, low, matrix[:wide, :wide])
                if not solve(matrix[:wide, :wide], step[:wide]):
                    return False
                for d in range(wide):
                    step[d] = -step[d]
                    w[low + d] += step[d]
                if low + wide < dim:
                    shift(one, row, step[:wide], low, scores)
        return True

    done: Callable[..., bool] = compiled(row_sweeps)
    return done


def _shift(one: System, row: int, step: Any, low: int, scores: Wide) -> None:
    """Add to the scores of the row's entries what a step along some dimensions adds."""
    begin = one.indptr[row]
    for entry in range(begin, one.indptr[row + 1]):
        column = one.indices[entry]
        total = np.float64(0)
        for d in range(len(step)):
            total += one.factors[column, low + d] * step[d]
        scores[entry - begin] += total


def _gradient(  # noqa: PLR0917 - compiled
    one: System, row: int, w: Floats, scores: Wide, low: int, out: Wide
) -> None:
    """Half the slope of the objective along each dimension of a block."""
    for d in range(len(out)):
        total = np.float64(one.ridge[row] * w[low + d])
        for k in range(len(w)):
            total += one.shared[low + d, k] * w[k]
        out[d] = total
    begin = one.indptr[row]
    for entry in range(begin, one.indptr[row + 1]):
        pull = one.inside[entry] * scores[entry - begin] - one.target[entry]
        for d in range(len(out)):
            out[d] += pull * one.factors[one.indices[entry], low + d]


def _curvature(one: System, row: int, low: int, out: Wide) -> None:
    """Half the second derivatives within a block, below and on the diagonal."""
    wide = len(out)
    for a in range(wide):
        for d in range(a + 1):
            out[a, d] = one.shared[low + a, low + d]
        out[a, a] += one.ridge[row]
    for entry in range(one.indptr[row], one.indptr[row + 1]):
        column = one.indices[entry]
        for a in range(wide):
            share = np.float64(one.inside[entry] * one.factors[column, low + a])
            for d in range(a + 1):
                out[a, d] += share * one.factors[column, low + d]


def _solve(matrix: Wide, target: Wide) -> bool:
    """Solve in place by Cholesky, from the lower triangle; False when it is not positive definite."""
    wide = len(target)
    for a in range(wide):
        for d in range(a + 1):
            total = matrix[a, d]
            for k in range(d):
                total -= matrix[a, k] * matrix[d, k]
            if a != d:
                matrix[a, d] = total / matrix[d, d]
            elif total > 0:
                matrix[a, a] = np.sqrt(total)
            else:
                return False
    for a in range(wide):
        for k in range(a):
            target[a] -= matrix[a, k] * target[k]
        target[a] /= matrix[a, a]
    for a in range(wide - 1, -1, -1):
        target[a] /= matrix[a, a]
        for k in range(a):
            target[k] -= matrix[a, k] * target[a]
    return True


def _batch_sweep(one: System, batch: Padded, start: Floats, size: int) -> Wide:
    """The same for the rows of a batch at once: [b, D]."""
    w = start.astype(np.float64)
    scores = np.einsum("bld,bd->bl", batch.vectors, w)
    ridge = one.ridge[batch.rows]
    for low in range(0, w.shape[1], size):
        block = slice(low, low + size)
        part = batch.vectors[:, :, block]
        slope = np.einsum("bl,bld->bd", batch.inside * scores - batch.target, part)
        slope += w @ one.shared[:, block] + ridge[:, None] * w[:, block]
        curve = (part * batch.inside[:, :, None]).transpose(0, 2, 1) @ part + one.shared[block, block]
        curve += ridge[:, None, None] * np.eye(part.shape[2])
        try:
            step = np.linalg.solve(curve, slope[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError as error:
            raise _singular() from error
        w[:, block] -= step
        scores -= np.einsum("bld,bd->bl", part, step)
    return w


def _singular() -> ArgumentError:
    return ArgumentError(
        "IALS", received="a singular system", expected="l2 large enough to solve it", remedy="raise l2"
    )
