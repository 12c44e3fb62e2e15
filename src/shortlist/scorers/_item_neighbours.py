"""Scores as the history times a sparse item-item matrix."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from shortlist.scorers._matrices import checked_histories
from shortlist.scorers._protocols import Arrays, Scores, Users, part
from shortlist.scorers._sparse import SparseRows

__all__ = ["ItemNeighbours"]


@dataclass(frozen=True, eq=False)
class ItemNeighbours:
    """A fitted `ItemKNN`, `RP3beta` or `SLIM` of `shortlist.models.classical`.

    Attributes:
        similarity: CSR float32 [items, items]; column j holds what the items of a history give item j.
    """

    similarity: SparseRows

    def scores(self, rows: SparseRows, users: Users = None) -> Scores:  # noqa: ARG002
        """Score item j as the sum over the history of weight times similarity to j; see `Model.scores`."""
        histories = checked_histories("ItemNeighbours.scores", rows, self.similarity.shape[0])
        scores: Scores = (histories.astype(np.float32) @ self.similarity).toarray()
        return scores

    @property
    def n_items(self) -> int:
        """Number of items it was fitted on."""
        return int(self.similarity.shape[0])

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Give the CSR parts ``data``, ``indices`` and ``indptr``."""
        return {name: getattr(self.similarity, name) for name in ("data", "indices", "indptr")}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Inverse of `arrays`."""
        data, indices, indptr = (
            part("ItemNeighbours.from_arrays", arrays, name) for name in ("data", "indices", "indptr")
        )
        from scipy.sparse import csr_array

        return cls(csr_array((data, indices, indptr), shape=(len(indptr) - 1, len(indptr) - 1)))
