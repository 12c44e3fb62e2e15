"""Implicit alternating least squares."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical._protocols import Needs
from shortlist.models.classical._solvers import Cholesky, Solver, renew
from shortlist.models.classical._threads import cores
from shortlist.scorers import ItemFactors, Penalty, checked_matrix

__all__ = ["IALS"]


@dataclass(frozen=True)
class IALS:
    """Factorise the matrix so that seen pairs score 1 and all pairs are drawn to 0.

    Minimises ``sum_seen x (w.h - 1)^2 + alpha0 sum_all (w.h)^2
    + l2 (sum_u (n_u + alpha0 items)^nu |w_u|^2 + sum_i (n_i + alpha0 users)^nu |h_i|^2)``, n the summed
    weights of a row or column, by solving for items and users in turn (Rendle et al., "Revisiting the
    performance of iALS on item recommendation benchmarks", 2022).

    With ``alpha`` the sums over pairs are ``sum_all c (w.h - p)^2``, p = 1 and c = alpha0 + alpha x for seen
    pairs, p = 0 and c = alpha0 for the others: with ``alpha0=1, nu=0`` the form of Hu, Koren and Volinsky,
    "Collaborative filtering for implicit feedback datasets", 2008.

    Attributes:
        dim: width D of the factors, >= 1.
        alpha0: weight of the unseen, see `Penalty`; tune it first, in 0.01 .. 1.
        l2: see `Penalty`; 0.001 .. 0.1.
        nu: see `Penalty`.
        alpha: see `Penalty`; None, or 1 .. 100.
        epochs: >= 1, item and user half-steps each.
        init_std: > 0, standard deviation of the first user factors times the square root of dim.
        seed: of the first user factors.
        solver: of the half-steps: `Cholesky`, `ConjugateGradient` for millions of rows, `Subspace` for wide
            factors.

    Raises:
        ArgumentError: an option out of range.

    >>> X = csr_array(np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]]))
    >>> scores = IALS(dim=2).fit(X).scores(csr_array(np.array([[1, 0, 0, 0]])))
    >>> sorted(np.argsort(-scores[0]).tolist()[:2])
    [0, 1]
    """

    dim: int = 32
    alpha0: float = 0.3
    l2: float = 0.01
    nu: float = 1.0
    alpha: float | None = None
    epochs: int = 16
    init_std: float = 0.1
    seed: int = 0
    solver: Solver = field(default_factory=Cholesky)
    needs: ClassVar[Needs] = "matrix"

    def __post_init__(self) -> None:
        for name in ("dim", "epochs"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"IALS.{name}", received=getattr(self, name), expected="an integer >= 1")
        if not self.init_std > 0:
            raise ArgumentError("IALS.init_std", received=self.init_std, expected="a number > 0")
        _ = self.penalty

    @property
    def penalty(self) -> Penalty:
        """What is asked of the factors."""
        return Penalty(self.alpha0, self.l2, self.nu, self.alpha)

    def fit(self, X: csr_array, *, threads: int | None = None) -> ItemFactors:
        """Alternate item and user half-steps over ``X`` [users, items].

        Args:
            X: weights >= 0.
            threads: of the half-steps, None for all cores; they change no result.
        """
        workers = cores("IALS.fit", threads)
        users = checked_matrix("IALS.fit", X).astype(np.float32)
        items, penalty = users.T.tocsr(), self.penalty
        rng = np.random.default_rng(self.seed)
        start = rng.normal(0, self.init_std / np.sqrt(self.dim), (users.shape[0], self.dim))
        user_factors = start.astype(np.float32)
        item_factors = np.zeros((users.shape[1], self.dim), dtype=np.float32)
        for _ in range(self.epochs):
            renew(item_factors, items, user_factors, penalty, self.solver, workers)
            renew(user_factors, users, item_factors, penalty, self.solver, workers)
        grams = _gram(item_factors), _gram(user_factors)
        return ItemFactors(item_factors, *grams, users.shape[0], penalty)


def _gram(factors: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    wide = factors.astype(np.float64)
    gram: npt.NDArray[np.float64] = wide.T @ wide
    return gram
