"""Candidates by a learner that scores the whole catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Candidates, Ragged, Requests
from shortlist.errors import PipelineError
from shortlist.pipeline._best import best
from shortlist.pipeline._stage import CANDIDATES, SCORES, WritePart, count_of
from shortlist.pipeline._state import State
from shortlist.scorers import SparseRows

__all__ = ["Learned", "Learner"]

_CELLS = 1 << 24


class Learner(Protocol):
    """A fitted classical model: item-kNN, EASE, factors, popularity."""

    def scores(self, rows: Any, users: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.float32]:
        """Float32 [Q, items] for histories as sparse rows [Q, items]."""


@final
@dataclass(frozen=True)
class Learned:
    """The items that a classical learner scores highest for the user's history.

    The history is a sparse row with 1 for each item that the user took before the request; items stand in the
    order of the catalogue, as in fitting; those that came to it since are left out. Gives the column
    ``<name>_score``.

    Attributes:
        learner: scores all items for histories. It was fitted on the users and items of the state in their
            order; what the learners of `shortlist.models.classical` fit is saved in a bundle and served.
        k: most candidates of a request.
        name: what traces and answers call it.
        trained_until: first moment whose events the learner did not learn from, microseconds since 1970.
    """

    learner: Learner
    k: int = 100
    name: str = "learned"
    trained_until: int | None = None
    needs: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        count_of(self.k, "Learned.k")

    @property
    def gives(self) -> tuple[str, ...]:
        """Candidates with scores, and the scores as a column."""
        return CANDIDATES, SCORES, f"{self.name}_score"

    def limited(self, k: int) -> "Learned":
        """The same with at most ``k`` candidates a request."""
        return replace(self, k=min(self.k, k))

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:  # noqa: ARG002
        """Score the catalogue, as many requests at a time as fit 16 million scores."""
        users = state.users(requests)
        users = np.where(users < len(state.store.users), users, -1)
        matrix = _rows(state.histories(requests), len(state.items))
        parts = [self._part(matrix[rows], users[rows], state) for rows in _slices(*matrix.shape)]
        if not parts:
            return Candidates.empty(0)
        found = Candidates(
            np.concatenate([part.items for part in parts]),
            np.concatenate([[0], np.cumsum(np.concatenate([part.lengths for part in parts]))]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.source for part in parts]),
            (self.name,),
        )
        return found.with_columns({f"{self.name}_score": found.scores})

    def _part(self, histories: SparseRows, users: npt.NDArray[np.int64], state: State) -> Candidates:
        items = len(state.items)
        fitted = min(int(getattr(self.learner, "n_items", items)), items)
        scores = np.asarray(self.learner.scores(histories[:, :fitted], users))
        if scores.shape != (histories.shape[0], fitted):
            raise PipelineError(
                f"stage {self.name!r}",
                received=f"scores of shape {scores.shape}",
                expected=f"{(histories.shape[0], fitted)}: every item of the catalogue",
                remedy="fit the learner on the events of this state",
            )
        return best(scores, self.k, state.allowed()[:fitted], self.name)

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:
        """See `PlainStage`."""
        return {
            "kind": "learned",
            "learner": write_part("learner", self.learner),
            "k": self.k,
            "name": self.name,
            "trained_until": self.trained_until,
        }


def _rows(histories: Ragged, items: int) -> SparseRows:
    pairs = np.unique(histories.row_of * max(items, 1) + histories.values)
    row, column = np.divmod(pairs, max(items, 1))
    ones = np.ones(len(pairs), dtype=np.float32)
    from scipy.sparse import csr_array

    return csr_array((ones, (row, column)), shape=(len(histories), items))


def _slices(rows: int, items: int) -> Iterator[slice]:
    step = max(1, _CELLS // max(items, 1))
    return (slice(start, start + step) for start in range(0, rows, step))
