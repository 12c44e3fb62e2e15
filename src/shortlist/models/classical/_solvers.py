"""How the systems of alternating least squares are solved."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical._compiled import pays
from shortlist.models.classical._conjugate_gradient import by_conjugate_gradient
from shortlist.models.classical._normal_equations import system
from shortlist.models.classical._subspace import by_subspace
from shortlist.scorers import Penalty

__all__ = ["Cholesky", "ConjugateGradient", "Solver", "Subspace", "renew"]

# What an inner step of conjugate gradient takes NumPy, in steps of a compiled loop.
_SLOWER = 16


@dataclass(frozen=True)
class Cholesky:
    """Solve every row exactly: time grows with the length of the row times D^2, plus D^3."""


@dataclass(frozen=True)
class ConjugateGradient:
    """Take a few steps from the factors of the epoch before: time grows with the length of the row times D.

    Takács, Pilászy and Tikk, "Applications of the conjugate gradient method for implicit feedback
    collaborative filtering", 2011.

    Attributes:
        steps: >= 1 of each row in each half-step; 3 come close to exact factors after a few epochs.

    Raises:
        ArgumentError: ``steps`` is below 1.
    """

    steps: int = 3

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ArgumentError("ConjugateGradient.steps", received=self.steps, expected="an integer >= 1")


@dataclass(frozen=True)
class Subspace:
    """Solve for some dimensions at a time, exactly, given the others: for wide factors.

    Time grows with the length of the row times D times the size (iALS++: Rendle, Krichene, Zhang and Koren,
    "iALS++: speeding up matrix factorization with subspace optimization", 2021).

    Attributes:
        size: >= 1, dimensions of a block.

    Raises:
        ArgumentError: ``size`` is below 1.
    """

    size: int = 32

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ArgumentError("Subspace.size", received=self.size, expected="an integer >= 1")


Solver: TypeAlias = Cholesky | ConjugateGradient | Subspace


def renew(  # noqa: PLR0917 - what is changed, then what it is changed by
    out: npt.NDArray[np.float32],
    rows: csr_array,
    factors: npt.NDArray[np.float32],
    penalty: Penalty,
    solver: Solver,
    threads: int,
) -> None:
    """Half a step: new factors of the rows, those of the columns being fixed.

    Args:
        out: float32 [R, D], the rows' factors so far; changed in place.
        rows: canonical CSR [R, N].
        factors: float32 [N, D].
        penalty: the objective.
        solver: how it is solved.
        threads: that work at a time; they change no result.
    """
    dim = factors.shape[1]
    one = system(rows, factors, penalty)
    if isinstance(solver, ConjugateGradient):
        steps = (solver.steps + 1) * dim * (2 * rows.nnz + dim * rows.shape[0])
        by_conjugate_gradient(one, out, solver.steps, threads if pays(_SLOWER * steps) else None)
        return
    size = min(solver.size, dim) if isinstance(solver, Subspace) else dim
    steps = dim * size * (rows.nnz + size * rows.shape[0])
    by_subspace(one, out, size, threads if pays(steps) else None)
