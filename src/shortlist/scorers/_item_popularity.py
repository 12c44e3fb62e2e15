"""The same scores for everybody."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from shortlist.scorers._matrices import checked_histories
from shortlist.scorers._protocols import Arrays, Scores, Users, part
from shortlist.scorers._sparse import SparseRows

__all__ = ["ItemPopularity"]


@dataclass(frozen=True, eq=False)
class ItemPopularity:
    """A fitted `Popularity` or `RecentPopularity` of `shortlist.models.classical`.

    Attributes:
        popularity: summed weight of each item, float64 [items].
    """

    popularity: npt.NDArray[np.float64]

    def scores(self, rows: SparseRows, users: Users = None) -> Scores:  # noqa: ARG002
        """Give every history the popularity of the items; see `Model.scores`."""
        queries = checked_histories("ItemPopularity.scores", rows, len(self.popularity)).shape[0]
        return np.tile(self.popularity.astype(np.float32), (queries, 1))

    @property
    def n_items(self) -> int:
        """Number of items it was fitted on."""
        return len(self.popularity)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """``popularity``."""
        return {"popularity": self.popularity}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Inverse of `arrays`."""
        return cls(part("ItemPopularity.from_arrays", arrays, "popularity"))
