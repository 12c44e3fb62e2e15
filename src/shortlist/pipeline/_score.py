"""Scores of a ranker."""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from shortlist.data import Candidates, Flow, Ranker, Requests
from shortlist.errors import PipelineError
from shortlist.pipeline._stage import CANDIDATES, SCORES, WritePart
from shortlist.pipeline._state import State

__all__ = ["Score"]


@final
@dataclass(frozen=True)
class Score:
    """Puts the candidates in the order of a ranker's scores, best first.

    The query side of the features is read once a request; the item side and what is known of the pair once a
    candidate; columns that sources gave (``retrieval_score``) are there for the workflow to use.

    Attributes:
        ranker: gives a score for each candidate.
        flow: makes the ranker's columns of raw ones.
        name: what traces call it.
    """

    ranker: Ranker
    flow: Flow
    name: str = "score"
    needs: ClassVar[tuple[str, ...]] = (CANDIDATES,)
    gives: ClassVar[tuple[str, ...]] = (SCORES,)

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Score all candidates of all requests at once."""
        if len(candidates.items) == 0:
            return candidates
        scores = np.asarray(self.ranker.score(state.ranking_batch(self.flow, requests, candidates)))
        if scores.shape != candidates.items.shape:
            raise PipelineError(
                f"stage {self.name!r}",
                received=f"scores of shape {scores.shape}",
                expected=f"{candidates.items.shape}: one for each candidate",
            )
        return candidates.with_scores(scores)

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:
        """See `PlainStage`."""
        return {
            "kind": "score",
            "ranker": write_part("ranker", self.ranker),
            "flow": write_part("flow", self.flow),
            "name": self.name,
        }
