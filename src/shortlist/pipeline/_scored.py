"""What a pipeline gave past requests, and what was taken: the rows that scores are measured and mended by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Candidates
from shortlist.errors import ArgumentError, PipelineError
from shortlist.io import Dataset
from shortlist.pipeline._pipeline import Pipeline
from shortlist.pipeline._score import Score
from shortlist.pipeline._stage import Stage
from shortlist.pipeline._window import Window, check_leak

__all__ = ["ScoredCandidates", "place_of_score", "scored_candidates"]

_CHUNK = 512


@dataclass(frozen=True, eq=False)
class ScoredCandidates:
    """Candidates of past requests with their scores.

    Attributes:
        labels: int8 [N], 1 where the user took the candidate.
        scores: float32 [N], of the last stage that scored.
        requests: int64 [N], number of the request.
        columns: name -> [N], the item columns asked for.
        totals: int64 [R], items that the user of each request took, found or not.
    """

    labels: npt.NDArray[np.int8]
    scores: npt.NDArray[np.float32]
    requests: npt.NDArray[np.int64]
    columns: dict[str, Array]
    totals: npt.NDArray[np.int64]

    @property
    def recall(self) -> float:
        """Mean share of what was taken that is among the candidates: what no ranker can exceed."""
        found = np.bincount(self.requests, self.labels, minlength=len(self.totals))
        asked = self.totals > 0
        return float((found[asked] / self.totals[asked]).mean()) if asked.any() else float("nan")


def scored_candidates(
    pipe: Pipeline,
    events: Dataset,
    *,
    window_us: int = 1,
    at: Sequence[int] | None = None,
    columns: Sequence[str] = (),
    allow_leak: bool = False,
) -> ScoredCandidates:
    """Run a pipeline as of past requests and say which candidates were taken.

    Args:
        pipe: the stages up to the one whose scores are of interest, over a state that holds the events up to
            the end of the window.
        events: the window: positive events, after the training data of every stage.
        window_us: microseconds in which an item must be taken; 1 for the very event.
        at: ask for every user of the window at these moments instead of at its events.
        columns: item columns, or columns of stages, to give with the candidates.
        allow_leak: go on although a stage has learned from the window.

    Raises:
        PipelineError: a source learned from the window, or there is no such column.
        ArgumentError: ``window_us`` is below 1.
    """
    if window_us < 1:
        raise ArgumentError("scored_candidates.window_us", received=window_us, expected="an integer >= 1")
    window = Window.of(events, pipe.state, at)
    if not allow_leak:
        check_leak(pipe.stages, window)
    parts = [_part(pipe, window, start, window_us, columns) for start in range(0, len(window), _CHUNK)]
    found = [candidates for candidates, *_ in parts]
    joined: dict[str, Array] = {
        name: np.concatenate([own[name] for *_, own in parts]) if parts else np.zeros(0) for name in columns
    }
    return ScoredCandidates(
        np.concatenate([np.zeros(0, np.int8), *(taken for _, _, taken, _ in parts)]),
        np.concatenate([np.zeros(0, np.float32), *(one.scores for one in found)]),
        np.concatenate([np.zeros(0, np.int64), *(rows[one.query_of] for one, rows, _, _ in parts)]),
        joined,
        window.totals(window_us),
    )


def place_of_score(stages: Sequence[Stage], where: str) -> int:
    """Place of the last `Score`.

    Raises:
        PipelineError: there is none.
    """
    places = [place for place, stage in enumerate(stages) if isinstance(stage, Score)]
    if not places:
        raise PipelineError(
            where,
            received=f"the stages {[stage.name for stage in stages]}",
            expected="a Score among them",
            remedy="put Score(ranker, flow=flow) behind the sources",
        )
    return places[-1]


def _part(
    pipe: Pipeline, window: Window, start: int, window_us: int, columns: Sequence[str]
) -> tuple[Candidates, npt.NDArray[np.int64], npt.NDArray[np.int8], dict[str, Array]]:
    rows = np.arange(start, min(start + _CHUNK, len(window)))
    found = pipe.run(window.requests(rows, max(len(pipe.state.items), 1)))
    taken = window.taken(rows[found.query_of], found.items, window_us).astype(np.int8)
    known: Any = {name: column_of(name, found, pipe) for name in columns}
    return found, rows, taken, known


def column_of(name: str, candidates: Candidates, pipe: Pipeline) -> Array:
    """A column of stages, or of the item table."""
    own = candidates.columns.get(name)
    return pipe.state.item_column(name, candidates.items) if own is None else own
