"""Factors of items, into which users and items that were not there are folded."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError
from shortlist.scorers._least_squares import Penalty, half_step
from shortlist.scorers._matrices import checked_histories, checked_matrix
from shortlist.scorers._protocols import Arrays, Scores, Users, part
from shortlist.scorers._sparse import SparseRows

__all__ = ["ItemFactors"]


@dataclass(frozen=True, eq=False)
class ItemFactors:
    """A fitted `shortlist.models.classical.IALS`.

    The users' factors are not kept: a history is folded in when it is scored.

    Attributes:
        item_factors: H, float32 [items, D].
        gram: H'H, float64 [D, D].
        user_gram: W'W of the users fitted on, float64 [D, D].
        users: how many these were.
        penalty: as in the fit.
    """

    item_factors: npt.NDArray[np.float32]
    gram: npt.NDArray[np.float64]
    user_gram: npt.NDArray[np.float64]
    users: int
    penalty: Penalty

    def factors(self, rows: SparseRows) -> npt.NDArray[np.float32]:
        """Fold histories [Q, items] in, as one half-step of the training does: float32 [Q, D]."""
        histories = checked_histories("ItemFactors.factors", rows, len(self.item_factors))
        return half_step(histories, self.item_factors, self.gram, self.penalty).astype(np.float32)

    def scores(self, rows: SparseRows, users: Users = None) -> Scores:  # noqa: ARG002
        """Score the histories as their factors times H'; see `Model.scores`."""
        return self.factors(rows) @ self.item_factors.T

    def with_items(self, rows: SparseRows, taken: SparseRows) -> Self:
        """Fold new items in, as one half-step of the training does.

        Args:
            rows: histories [U, items] of the users who took them, over the items known so far.
            taken: [U, new items], the weights with which these users took the new items.

        Returns:
            The model with the new items behind the others; the others stay as they are.

        Raises:
            ArgumentError: the two do not have a row for the same users.
        """
        new = checked_matrix("ItemFactors.with_items", taken)
        users = self.factors(rows)
        if new.shape[0] != len(users):
            raise ArgumentError(
                "ItemFactors.with_items",
                received=f"histories of {len(users)} users, new items of {new.shape[0]}",
                expected="one row a user in both",
            )
        solved = half_step(new.T.tocsr(), users, self.user_gram, self.penalty, columns=self.users)
        added = solved.astype(np.float32)
        wide = added.astype(np.float64)
        factors = np.concatenate([self.item_factors, added])
        return replace(self, item_factors=factors, gram=self.gram + wide.T @ wide)

    @property
    def n_items(self) -> int:
        """Number of items it was fitted on."""
        return len(self.item_factors)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """``item_factors``, ``gram``, ``user_gram``, ``users`` and ``penalty``.

        The last holds alpha0, l2, nu and alpha, NaN for none.
        """
        one = self.penalty
        penalty = np.array([one.alpha0, one.l2, one.nu, np.nan if one.alpha is None else one.alpha])
        grams = {"gram": self.gram, "user_gram": self.user_gram}
        return {"item_factors": self.item_factors, **grams, "users": np.array(self.users), "penalty": penalty}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Inverse of `arrays`."""
        names = ("item_factors", "gram", "user_gram", "users", "penalty")
        items, *grams, users, penalty = (part("ItemFactors.from_arrays", arrays, name) for name in names)
        alpha0, l2, nu, alpha = penalty.tolist()
        options = Penalty(alpha0, l2, nu, None if np.isnan(alpha) else alpha)
        return cls(items, grams[0], grams[1], int(users), options)
