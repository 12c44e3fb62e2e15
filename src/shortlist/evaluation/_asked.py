"""What an evaluation asked and was answered: what its tables, slices and pages are made from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shortlist.data import Ragged, Requests
from shortlist.evaluation._truth import Truth
from shortlist.pipeline import State

__all__ = ["Asked"]

Items = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Asked:
    """Questions and answers of an evaluation.

    Attributes:
        state: what was asked, at its present.
        truth: who was asked for, and what is right.
        lists: recommender -> int64 [U, K], positions of the recommended items of each distinct user.
        k: the largest cut of the metrics.
    """

    state: State
    truth: Truth
    lists: Mapping[str, Items]
    k: int

    def of_queries(self, model: str, k: int) -> Items:
        """int64 [Q, k]: the first k items of each query."""
        return self.lists[model][self.truth.query_user, :k]

    def histories(self) -> Ragged:
        """Items of each distinct user before the present, oldest first."""
        return self.state.histories(Requests(self.truth.users, k=1))
