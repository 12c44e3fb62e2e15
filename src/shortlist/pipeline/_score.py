"""Scores of a ranker."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Batch, Candidates, Flow, Ranker, Requests
from shortlist.errors import PipelineError, near
from shortlist.pipeline._stage import CANDIDATES, SCORES, WritePart
from shortlist.pipeline._state import State

__all__ = ["Score"]

_SMALLEST = 1e-30


@final
@dataclass(frozen=True)
class Score:
    """Puts the candidates in the order of a ranker's scores, best first.

    The query side of the features is read once a request; the item side and what is known of the pair once a
    candidate; columns that sources gave (``retrieval_score``) are there for the workflow to use.

    A ranker of several targets, one with ``predict``, is ordered by its first target, by the ``target``
    named, or by a combination of targets: with ``sum``, ``w_1 p_1 + w_2 p_2 + ...``; with ``product``,
    ``p_1^w_1 p_2^w_2 ...``, where nothing of one target makes up for nothing of another.

    Attributes:
        ranker: gives a score for each candidate.
        flow: makes the ranker's columns of raw ones.
        name: what traces call it.
        target: which target of the ranker; None is the first, or what ``weights`` say.
        weights: target -> weight, or power, of a combination.
        by: ``"sum"`` or ``"product"``.
        fixed: context column -> the value that every request is scored with, whatever it brings: a position
            that training learned from, say ``{"position": 1}``, so that all candidates compete for it.

    Raises:
        PipelineError: both ``target`` and ``weights``, an unknown ``by``, or a target that the ranker lacks.
    """

    ranker: Ranker
    flow: Flow
    name: str = "score"
    target: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    by: Literal["sum", "product"] = "sum"
    fixed: Mapping[str, Any] = field(default_factory=dict)
    needs: ClassVar[tuple[str, ...]] = (CANDIDATES,)
    gives: ClassVar[tuple[str, ...]] = (SCORES,)

    def __post_init__(self) -> None:
        if (self.target is not None and self.weights) or self.by not in ("sum", "product"):
            raise PipelineError(
                f"stage {self.name!r}",
                received=f"target={self.target!r}, weights={dict(self.weights)}, by={self.by!r}",
                expected="a target or weights of targets, and by 'sum' or 'product'",
            )
        known = tuple(getattr(self.ranker, "targets", ()))
        for name in self._wanted():
            if name not in known or not hasattr(self.ranker, "predict"):
                raise PipelineError(
                    f"stage {self.name!r}",
                    received=f"target {name!r}",
                    expected=f"a target of the ranker: {list(known)}",
                    remedy=near(name, known),
                )

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Score all candidates of all requests at once."""
        if len(candidates.items) == 0:
            return candidates
        scores = self._scores(self.batch(requests, candidates, state))
        if scores.shape != candidates.items.shape:
            raise PipelineError(
                f"stage {self.name!r}",
                received=f"scores of shape {scores.shape}",
                expected=f"{candidates.items.shape}: one for each candidate",
            )
        return candidates.with_scores(scores)

    def batch(self, requests: Requests, candidates: Candidates, state: State) -> Batch:
        """The columns that the ranker scores."""
        if self.fixed:
            given = {name: [value] * len(requests) for name, value in self.fixed.items()}
            requests = replace(requests, context={**requests.context, **given})
        return state.ranking_batch(self.flow, requests, candidates, getattr(self.ranker, "packs", ()))

    def _wanted(self) -> tuple[str, ...]:
        return tuple(self.weights) if self.target is None else (self.target,)

    def _scores(self, batch: Batch) -> npt.NDArray[np.float32]:
        ranker: Any = self.ranker
        if len(self._wanted()) == 0:
            return np.asarray(ranker.score(batch), np.float32)
        served = ranker.predict(batch)
        if self.target is not None:
            return np.asarray(served[self.target], np.float32)
        parts = [(np.asarray(served[name], np.float64), weight) for name, weight in self.weights.items()]
        if self.by == "sum":
            total: npt.NDArray[np.float64] = np.sum([weight * part for part, weight in parts], axis=0)
            return total.astype(np.float32)
        # Powers as logarithms, so that many small chances do not vanish; their order is that of the product.
        powers = [weight * np.log(np.maximum(part, _SMALLEST)) for part, weight in parts]
        product: npt.NDArray[np.float64] = np.exp(np.sum(powers, axis=0))
        return product.astype(np.float32)

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:
        """See `PlainStage`."""
        return {
            "kind": "score",
            "ranker": write_part("ranker", self.ranker),
            "flow": write_part("flow", self.flow),
            "name": self.name,
            "target": self.target,
            "weights": dict(self.weights),
            "by": self.by,
            "fixed": dict(self.fixed),
        }
