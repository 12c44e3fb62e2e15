"""Scores as the history projected on a few directions of taste."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from shortlist.scorers._matrices import checked_histories
from shortlist.scorers._protocols import Arrays, Scores, Users, part
from shortlist.scorers._sparse import SparseRows

__all__ = ["ItemProjection"]


@dataclass(frozen=True, eq=False)
class ItemProjection:
    """A fitted `shortlist.models.classical.PureSVD`.

    Attributes:
        basis: V, float32 [items, D] with orthonormal columns.
    """

    basis: npt.NDArray[np.float32]

    def scores(self, rows: SparseRows, users: Users = None) -> Scores:  # noqa: ARG002
        """Score the histories as ``(rows V) V'``; see `Model.scores`."""
        histories = checked_histories("ItemProjection.scores", rows, len(self.basis))
        scores: Scores = (histories.astype(np.float32) @ self.basis) @ self.basis.T
        return scores

    @property
    def n_items(self) -> int:
        """Number of items it was fitted on."""
        return len(self.basis)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """``basis``."""
        return {"basis": self.basis}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Inverse of `arrays`."""
        return cls(part("ItemProjection.from_arrays", arrays, "basis"))
