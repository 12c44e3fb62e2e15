"""Scores as the history times a dense item-item matrix."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from shortlist.scorers._matrices import checked_histories
from shortlist.scorers._protocols import Arrays, Scores, Users, part
from shortlist.scorers._sparse import SparseRows

__all__ = ["ItemWeights"]


@dataclass(frozen=True, eq=False)
class ItemWeights:
    """A fitted `shortlist.models.classical.EASE`.

    Attributes:
        weights: float32 [items, items], B with a zero diagonal.
    """

    weights: npt.NDArray[np.float32]

    def scores(self, rows: SparseRows, users: Users = None) -> Scores:  # noqa: ARG002
        """Score the histories as ``rows B``; see `Model.scores`."""
        histories = checked_histories("ItemWeights.scores", rows, len(self.weights))
        scores: Scores = histories.astype(np.float32) @ self.weights
        return scores

    @property
    def n_items(self) -> int:
        """Number of items it was fitted on."""
        return len(self.weights)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """``weights``."""
        return {"weights": self.weights}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Inverse of `arrays`."""
        return cls(part("ItemWeights.from_arrays", arrays, "weights"))
