"""Normal equations by a few steps of conjugate gradient."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.models.classical._compiled import compiled
from shortlist.models.classical._normal_equations import Padded, System, padded
from shortlist.models.classical._threads import spread

__all__ = ["by_conjugate_gradient"]

Floats = npt.NDArray[np.float32]


def by_conjugate_gradient(one: System, out: Floats, steps: int, threads: int | None) -> None:
    """Draw the rows of ``out`` [R, D], which hold where to start, closer to the solutions.

    Args:
        one: the systems.
        out: changed in place; an empty row becomes 0.
        steps: of each row.
        threads: None does without machine code.
    """
    if threads is None:
        out[np.diff(one.indptr) == 0] = 0
        for batch in padded(one):
            out[batch.rows] = _batch_steps(one, batch, out[batch.rows], steps)
        return
    kernel, product = compiled(_row_steps), compiled(_product)
    spread(lambda first, last: kernel(one, out, first, last, steps, product), np.diff(one.indptr), threads)


def _row_steps(  # noqa: PLR0917 - compiled
    one: System, out: Floats, first: int, last: int, steps: int, product: Callable[..., None]
) -> None:
    """Take the steps for rows first .. last - 1."""
    dim = out.shape[1]
    residual, direction, image = (
        np.empty(dim, np.float32),
        np.empty(dim, np.float32),
        np.empty(dim, np.float32),
    )
    for row in range(first, last):
        w = out[row]
        if one.indptr[row] == one.indptr[row + 1]:
            w[:] = 0
            continue
        product(one, row, w, residual, np.float32(1))
        size = np.float32(0)
        for d in range(dim):
            residual[d] = -residual[d]
            direction[d] = residual[d]
            size += residual[d] * residual[d]
        for _ in range(steps):
            if size < np.float32(1e-20):
                break
            product(one, row, direction, image, np.float32(0))
            curve = np.float32(0)
            for d in range(dim):
                curve += direction[d] * image[d]
            if curve <= 0:
                break
            length, before, size = size / curve, size, np.float32(0)
            for d in range(dim):
                w[d] += length * direction[d]
                residual[d] -= length * image[d]
                size += residual[d] * residual[d]
            for d in range(dim):
                direction[d] = residual[d] + (size / before) * direction[d]


def _product(one: System, row: int, vector: Floats, out: Floats, less: Any) -> None:
    """Set ``out`` to the matrix of the row times the vector, less so many times the right side."""
    dim = len(out)
    for d in range(dim):
        out[d] = one.ridge[row] * vector[d]
    for k in range(dim):
        share = vector[k]
        for d in range(dim):
            out[d] += share * one.shared[k, d]
    for entry in range(one.indptr[row], one.indptr[row + 1]):
        column = one.indices[entry]
        score = np.float32(0)
        for d in range(dim):
            score += one.factors[column, d] * vector[d]
        pull = one.inside[entry] * score - less * one.target[entry]
        for d in range(dim):
            out[d] += pull * one.factors[column, d]


def _batch_steps(one: System, batch: Padded, start: Floats, steps: int) -> npt.NDArray[np.float64]:
    """The same for the rows of a batch at once: [b, D]."""
    ridge = one.ridge[batch.rows][:, None]

    def product(vectors: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        scores = np.einsum("bld,bd->bl", batch.vectors, vectors)
        pulled: npt.NDArray[np.float64] = np.einsum("bl,bld->bd", batch.inside * scores, batch.vectors)
        pulled += vectors @ one.shared + ridge * vectors
        return pulled

    w = start.astype(np.float64)
    residual = np.einsum("bl,bld->bd", batch.target, batch.vectors) - product(w)
    direction, size = residual, (residual**2).sum(axis=1, keepdims=True)
    for _ in range(steps):
        image = product(direction)
        curve = (direction * image).sum(axis=1, keepdims=True)
        going = (size >= 1e-20) & (curve > 0)
        length = np.divide(size, curve, where=going, out=np.zeros_like(size))
        w = w + length * direction
        residual = residual - length * image
        before, size = size, (residual**2).sum(axis=1, keepdims=True)
        direction = residual + np.divide(size, before, where=going, out=np.zeros_like(size)) * direction
    return w
