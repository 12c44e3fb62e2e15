"""Implicit alternating least squares."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical._interactions import checked_histories, checked_matrix, part
from shortlist.models.classical._least_squares import Penalty, half_step
from shortlist.models.classical._protocols import Arrays, Needs, Scores, Users

__all__ = ["IALS", "ItemFactors"]


@dataclass(frozen=True, eq=False)
class ItemFactors:
    """A fitted `IALS`: the users' factors are not kept, a history is folded in when it is scored.

    Attributes:
        item_factors: H, float32 [items, D].
        gram: H'H, float64 [D, D].
        penalty: as in the fit.
    """

    item_factors: npt.NDArray[np.float32]
    gram: npt.NDArray[np.float64]
    penalty: Penalty

    def factors(self, rows: csr_array) -> npt.NDArray[np.float32]:
        """Fold histories [Q, items] in, as one half-step of the training does: float32 [Q, D]."""
        histories = checked_histories("IALS.factors", rows, len(self.item_factors))
        return half_step(histories, self.item_factors, self.gram, self.penalty).astype(np.float32)

    def scores(self, rows: csr_array, users: Users = None) -> Scores:  # noqa: ARG002
        """Score the histories as their factors times H'; see `Model.scores`."""
        return self.factors(rows) @ self.item_factors.T

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """``item_factors``, ``gram`` and ``penalty``, the last being alpha0, l2 and nu."""
        penalty = np.array([self.penalty.alpha0, self.penalty.l2, self.penalty.nu])
        return {"item_factors": self.item_factors, "gram": self.gram, "penalty": penalty}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Inverse of `arrays`."""
        factors, gram, penalty = (
            part("IALS.from_arrays", arrays, name) for name in ("item_factors", "gram", "penalty")
        )
        return cls(factors, gram, Penalty(*penalty.tolist()))


@dataclass(frozen=True)
class IALS:
    """Factorise the matrix so that seen pairs score 1 and all pairs are drawn to 0.

    Minimises ``sum_seen x (w.h - 1)^2 + alpha0 sum_all (w.h)^2
    + l2 (sum_u (n_u + alpha0 items)^nu |w_u|^2 + sum_i (n_i + alpha0 users)^nu |h_i|^2)``, n the summed
    weights of a row or column, by solving for users and items in turn (Hu, Koren and Volinsky, 2008, in the
    form of Rendle et al., "Revisiting the performance of iALS on item recommendation benchmarks", 2022).

    Attributes:
        dim: width D of the factors, >= 1; time grows with its square, and with its cube for short histories.
        alpha0: weight of the unseen, see `Penalty`; tune it first, in 0.01 .. 1.
        l2: see `Penalty`; 0.001 .. 0.1.
        nu: see `Penalty`.
        epochs: >= 1, user and item half-steps each.
        init_std: > 0, standard deviation of the first item factors times the square root of dim.
        seed: of the first item factors.

    Raises:
        ArgumentError: an option out of range.

    >>> X = csr_array(np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]]))
    >>> scores = IALS(dim=2).fit(X).scores(csr_array(np.array([[1, 0, 0, 0]])))
    >>> np.argsort(-scores[0]).tolist()[:2]
    [0, 1]
    """

    dim: int = 32
    alpha0: float = 0.3
    l2: float = 0.01
    nu: float = 1.0
    epochs: int = 16
    init_std: float = 0.1
    seed: int = 0
    needs: ClassVar[Needs] = "matrix"

    def __post_init__(self) -> None:
        for name in ("dim", "epochs"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"IALS.{name}", received=getattr(self, name), expected="an integer >= 1")
        if not self.init_std > 0:
            raise ArgumentError("IALS.init_std", received=self.init_std, expected="a number > 0")
        Penalty(self.alpha0, self.l2, self.nu)

    def fit(self, X: csr_array) -> ItemFactors:
        """Alternate user and item half-steps over ``X`` [users, items]."""
        users = checked_matrix("IALS.fit", X)
        items = users.T.tocsr()
        penalty = Penalty(self.alpha0, self.l2, self.nu)
        rng = np.random.default_rng(self.seed)
        item_factors = rng.normal(0, self.init_std / np.sqrt(self.dim), (users.shape[1], self.dim))
        for _ in range(self.epochs):
            user_factors = half_step(users, item_factors, item_factors.T @ item_factors, penalty)
            item_factors = half_step(items, user_factors, user_factors.T @ user_factors, penalty)
        kept = item_factors.astype(np.float32)
        wide = kept.astype(np.float64)
        return ItemFactors(kept, wide.T @ wide, penalty)
