"""Scores that mean what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

from shortlist.data import Candidates, Requests
from shortlist.io import Dataset
from shortlist.pipeline._pipeline import Pipeline
from shortlist.pipeline._scored import place_of_score, scored_candidates
from shortlist.pipeline._stage import CANDIDATES, SCORES, WritePart
from shortlist.pipeline._state import State
from shortlist.scorers import Calibration, CalibrationMethod, calibration_of

__all__ = ["Calibrate", "calibrate"]


@final
@dataclass(frozen=True)
class Calibrate:
    """Reads the scores of candidates as probabilities that are as often right as they say.

    A map for all keeps the order. Maps by slice put candidates of different slices in the order of their
    calibrated probabilities.

    Attributes:
        calibration: what `calibrate` or `shortlist.scorers.calibration_of` learned; saved in the bundle as
            numbers.
        name: what traces call it.
    """

    calibration: Calibration
    name: str = "calibrate"
    gives: ClassVar[tuple[str, ...]] = (SCORES,)

    @property
    def needs(self) -> tuple[str, ...]:
        """Candidates with scores, and the column of the slices."""
        by = self.calibration.by
        return CANDIDATES, SCORES, *(() if by is None else (by,))

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:  # noqa: ARG002
        """Calibrate all scores at once."""
        if len(candidates.items) == 0:
            return candidates
        by = self.calibration.by
        values: Any = None
        if by is not None:
            own = candidates.columns.get(by)
            values = state.item_column(by, candidates.items) if own is None else own
        return candidates.with_scores(self.calibration.apply(candidates.scores, values))

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:  # noqa: ARG002
        """See `PlainStage`."""
        return {"kind": "calibrate", "calibration": self.calibration.to_json(), "name": self.name}


def calibrate(
    pipe: Pipeline,
    events: Dataset,
    *,
    method: CalibrationMethod = "platt",
    by: str | None = None,
    window_us: int = 1,
    at: Sequence[int] | None = None,
    min_rows: int = 1000,
) -> Pipeline:
    """The pipeline with calibrated scores: what it gives past requests is compared with what was taken.

    A `Calibrate` is put behind the last `Score`, in place of one that is there already. The events must come
    after those that the ranker learned from: on its own training rows a model is surer than it should be.

    Args:
        pipe: has a `Score`; its state holds the events up to the end of the window.
        events: held-out positive events, later than the training data of every stage.
        method: ``"platt"`` or ``"isotonic"``; see `shortlist.scorers.calibration_of`.
        by: an item column, or one of an earlier stage, whose values are calibrated each on its own.
        window_us: microseconds in which a candidate must be taken to count; that of the ranker's examples.
        at: ask for every user of the window at these moments instead of at its events.
        min_rows: candidates of a value from which on it has a map of its own.

    Raises:
        PipelineError: there is no `Score`, no such column, or a source learned from the window.
        DataError: nothing was taken, or the scores do not rise with what was.
    """
    place = place_of_score(pipe.stages, "calibrate")
    names = () if by is None else (by,)
    rows = scored_candidates(pipe[: place + 1], events, window_us=window_us, at=at, columns=names)
    found = calibration_of(
        rows.labels,
        rows.scores,
        method=method,
        by=by,
        slices=None if by is None else rows.columns[by],
        min_rows=min_rows,
    )
    after = [stage for stage in pipe.stages[place + 1 :] if not isinstance(stage, Calibrate)]
    stages = [*pipe.stages[: place + 1], Calibrate(found), *after]
    return Pipeline(stages, state=pipe.state, fallback=pipe.fallback)
