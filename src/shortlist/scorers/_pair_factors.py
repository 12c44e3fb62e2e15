"""Factors of users and items that order pairs of items."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from shortlist.scorers._least_squares import solve_rows
from shortlist.scorers._matrices import checked_histories, checked_users
from shortlist.scorers._protocols import Arrays, Scores, Users, part

__all__ = ["PairFactors"]


@dataclass(frozen=True, eq=False)
class PairFactors:
    """A fitted `shortlist.models.classical.BPRMF`.

    Attributes:
        user_factors: W, float32 [users, D].
        item_factors: H, float32 [items, D].
        bias: b, float32 [items].
        l2: > 0, keeps the factors of new users small.
    """

    user_factors: npt.NDArray[np.float32]
    item_factors: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    l2: float

    def factors(self, rows: csr_array) -> npt.NDArray[np.float32]:
        """Factors float32 [Q, D] of new users, from their histories [Q, items] alone.

        One Newton step from 0 on ``sum_i x_i / n  E_j[-log sigmoid(s_i - s_j)] + l2 / 2 |w|^2``, i over the
        history and j over all items: with ``z_i = h_i - mean h``, ``c_i = b_i - mean b`` and the covariances
        C of h and c of h with b,
        ``w = (C / 4 + sum_i x_i z_i z_i' / 4n + l2 I)^-1 (sum_i x_i (2 - c_i) z_i / 4n - c / 4)``.
        An empty history has the zero factor.
        """
        histories = checked_histories("PairFactors.factors", rows, len(self.item_factors))
        if len(self.item_factors) == 0:
            return np.zeros((histories.shape[0], self.item_factors.shape[1]), dtype=np.float32)
        centred = (self.item_factors - self.item_factors.mean(axis=0)).astype(np.float64)
        bias = (self.bias - self.bias.mean()).astype(np.float64)
        quarters = csr_array(histories / (4 * np.maximum(histories.sum(axis=1), 1e-300))[:, None])
        shared = centred.T @ centred / (4 * len(centred))
        targets = quarters @ ((2 - bias)[:, None] * centred) - centred.T @ bias / (4 * len(centred))
        ridge = np.full(histories.shape[0], self.l2)
        return solve_rows(quarters, centred, shared, ridge, targets).astype(np.float32)

    def scores(self, rows: csr_array, users: Users = None) -> Scores:
        """Score as ``w . h + b``, w the user's trained factor or, for a new user, what the history gives."""
        known = checked_users("PairFactors.scores", users, rows.shape[0], len(self.user_factors))
        new = np.flatnonzero(known < 0)
        histories = checked_histories("PairFactors.scores", rows, len(self.item_factors))
        factors = np.zeros((len(known), self.item_factors.shape[1]), dtype=np.float32)
        factors[known >= 0] = self.user_factors[known[known >= 0]]
        factors[new] = self.factors(histories[new])
        return factors @ self.item_factors.T + self.bias

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """``user_factors``, ``item_factors``, ``bias`` and ``l2``."""
        factors = {"user_factors": self.user_factors, "item_factors": self.item_factors}
        return {**factors, "bias": self.bias, "l2": np.array(self.l2)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Inverse of `arrays`."""
        names = ("user_factors", "item_factors", "bias", "l2")
        users, items, bias, l2 = (part("PairFactors.from_arrays", arrays, name) for name in names)
        return cls(users, items, bias, float(l2))
