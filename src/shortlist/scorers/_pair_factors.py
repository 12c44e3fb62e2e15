"""Factors of users and items that order pairs of items."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from shortlist.scorers._matrices import checked_histories, checked_users
from shortlist.scorers._protocols import Arrays, Scores, Users, part
from shortlist.scorers._sparse import SparseRows

__all__ = ["PairFactors"]

# Share of the features' own spread that is added to it before it is inverted.
_RIDGE = 1e-3


@dataclass(frozen=True, eq=False)
class PairFactors:
    """A fitted `shortlist.models.classical.BPRMF`.

    Attributes:
        user_factors: W, float32 [users, D].
        item_factors: H, float32 [items, D].
        bias: b, float32 [items].
        fold: A, float32 [D + 1, D], from what a history holds to the factor of its user.
    """

    user_factors: npt.NDArray[np.float32]
    item_factors: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    fold: npt.NDArray[np.float32]

    @classmethod
    def of(
        cls,
        user_factors: npt.NDArray[np.float32],
        item_factors: npt.NDArray[np.float32],
        bias: npt.NDArray[np.float32],
        rows: SparseRows,
    ) -> Self:
        """The model of trained factors, whose ``fold`` is learned from the users' own histories.

        A minimises ``sum_u |w_u - f_u A|^2`` with a little ridge; f_u are the features that `factors` names.

        Args:
            user_factors: W, float32 [users, D].
            item_factors: H, float32 [items, D].
            bias: b, float32 [items].
            rows: the matrix fitted on, canonical [users, items].
        """
        features = _features(rows, item_factors)
        gram = features.T @ features
        gram[np.diag_indices_from(gram)] += _RIDGE * gram.diagonal().mean() + 1e-12
        fold = np.linalg.solve(gram, features.T @ user_factors)
        return cls(user_factors, item_factors, bias, fold.astype(np.float32))

    def factors(self, rows: SparseRows) -> npt.NDArray[np.float32]:
        """Factors float32 [Q, D] of new users, from their histories [Q, items] alone.

        ``w = f A`` with the features ``f = (sum_i x_i (h_i - mean h) / sqrt(sum_i x_i), 1)``.
        """
        histories = checked_histories("PairFactors.factors", rows, len(self.item_factors))
        return _features(histories, self.item_factors).astype(np.float32) @ self.fold

    def scores(self, rows: SparseRows, users: Users = None) -> Scores:
        """Score as ``w . h + b``, w the user's trained factor or, for a new user, what the history gives."""
        histories = checked_histories("PairFactors.scores", rows, len(self.item_factors))
        known = checked_users("PairFactors.scores", users, histories.shape[0], len(self.user_factors))
        new = np.flatnonzero(known < 0)
        factors = np.zeros((len(known), self.item_factors.shape[1]), dtype=np.float32)
        factors[known >= 0] = self.user_factors[known[known >= 0]]
        factors[new] = self.factors(histories[new])
        return factors @ self.item_factors.T + self.bias

    @property
    def n_items(self) -> int:
        """Number of items it was fitted on."""
        return len(self.item_factors)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """``user_factors``, ``item_factors``, ``bias`` and ``fold``."""
        return {name: getattr(self, name) for name in ("user_factors", "item_factors", "bias", "fold")}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Inverse of `arrays`."""
        names = ("user_factors", "item_factors", "bias", "fold")
        users, items, bias, fold = (part("PairFactors.from_arrays", arrays, name) for name in names)
        return cls(users, items, bias, fold)


def _features(rows: SparseRows, item_factors: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """What a history holds: float64 [Q, D + 1]."""
    mean = item_factors.mean(axis=0) if len(item_factors) else 0
    sums = rows @ (item_factors - mean).astype(np.float64)
    sizes = np.sqrt(np.maximum(rows.sum(axis=1), 1e-300))
    return np.concatenate([sums / sizes[:, None], np.ones((rows.shape[0], 1))], axis=1)
