"""Why a candidate has the score it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Batch, Candidates, Ragged, Requests
from shortlist.errors import PipelineError
from shortlist.io import moment
from shortlist.pipeline import Pipeline, Score, place_of_score
from shortlist.report import Cell, Table

__all__ = ["Explanation", "explain"]

_FURTHEST = 1e-7


@dataclass(frozen=True, slots=True)
class Explanation:
    """A candidate's score by column, the strongest pull first; printed as a table.

    Attributes:
        user: raw id.
        item: raw id.
        score: what the ranker gave.
        rank: place among the request's candidates, from 1.
        candidates: how many there were.
        pulls: column -> what it adds to the log odds (to the score, where that is no probability).
        values: column -> what the ranker read.
        how: ``"SHAP"`` of trees, ``"gradient x input"`` of networks, ``"other candidates' values"`` of
            exported ones.
    """

    user: Any
    item: Any
    score: float
    rank: int
    candidates: int
    pulls: Mapping[str, float]
    values: Mapping[str, str]
    how: str

    def table(self, columns: int = 10) -> Table:
        """The strongest columns."""
        rows: list[tuple[Cell, ...]] = [
            (name, self.values.get(name, ""), pull) for name, pull in list(self.pulls.items())[:columns]
        ]
        title = (
            f"user {self.user!r}, item {self.item!r}: score {self.score:.4f}, "
            f"rank {self.rank} of {self.candidates}; {self.how}"
        )
        return Table(("column", "encoded value", "pull"), rows, title=title)

    def __str__(self) -> str:
        return str(self.table())


def explain(
    pipe: Pipeline,
    user: Any,
    item: Any,
    *,
    time: datetime | int | None = None,
    context: Mapping[str, Any] | None = None,
) -> Explanation:
    """Why the ranker of a pipeline scores an item as it does in one request.

    Trees tell by SHAP values, which add up to the log odds but for a constant. Networks tell by the slope of
    the log odds in each column times what it holds. Rankers that give neither, such as those of a loaded
    bundle, tell by the mean change of the log odds when a column takes the values of the request's other
    candidates; what is known of the query is then the same for all, and pulls nothing. Of several targets
    the stage's own is explained, of a combination of them the first.

    Args:
        pipe: has a `Score`.
        user: raw id; None for an anonymous visitor.
        item: raw id; the sources must find it for this request.
        time: when it is asked; None is the present of the state.
        context: column -> value known only with the request.

    Raises:
        PipelineError: there is no `Score`, or the stages before it do not find the item.
    """
    place = place_of_score(pipe.stages, "explain")
    stage: Any = pipe.stages[place]
    times = None if time is None else np.array([moment(time)], dtype=np.int64)
    given = {name: [value] for name, value in (context or {}).items()}
    requests = Requests([user], max(len(pipe.state.items), 1), times, given)
    found = pipe[:place].run(requests)
    row = _row_of(pipe, found, item)
    batch = stage.batch(requests, found, pipe.state).flat()
    scores = _scores(stage, batch)
    rank = int((scores > scores[row]).sum()) + 1
    pulls, how = _pulls(stage, batch, row, scores)
    order = sorted(pulls, key=lambda name: -abs(pulls[name]))
    values = {name: _shown(batch[name], row) for name in batch}
    return Explanation(
        user,
        item,
        float(scores[row]),
        rank,
        len(scores),
        {name: pulls[name] for name in order},
        values,
        how,
    )


def _row_of(pipe: Pipeline, found: Candidates, item: Any) -> int:
    rows = np.flatnonzero(found.items == pipe.state.items.positions([item])[0])
    if len(rows) == 0:
        raise PipelineError(
            "explain",
            received=f"item {item!r} among none of the {len(found.items)} candidates",
            expected="an item that the stages before the Score find for this request",
            remedy="ask for one of pipe.recommend, or raise k of the sources",
        )
    return int(rows[0])


def _pulls(
    stage: Score, batch: Batch, row: int, scores: npt.NDArray[np.float64]
) -> tuple[dict[str, float], str]:
    ranker: Any = stage.ranker
    one = batch.take(np.array([row]))
    if hasattr(ranker, "contributions"):
        scorer = ranker.scorer
        shares = ranker.contributions(one)[0, :-1]
        pulls: dict[str, float] = {}
        for feature, share in zip(scorer.columns.features, shares, strict=True):
            pulls[feature.column] = pulls.get(feature.column, 0.0) + float(share)
        return pulls, "SHAP"
    if hasattr(ranker, "parameters"):
        from shortlist.models.ranking import gradient_times_input

        slopes = gradient_times_input(ranker, one, stage.target)
        return {name: float(values[0]) for name, values in slopes.items()}, "gradient x input"
    return _by_others(stage, batch, row, scores), "other candidates' values"


def _scores(stage: Score, batch: Batch) -> npt.NDArray[np.float64]:
    """Those of the stage's target, or of the first."""
    ranker: Any = stage.ranker
    given = ranker.score(batch) if stage.target is None else ranker.predict(batch)[stage.target]
    return np.asarray(given, dtype=np.float64)


def _by_others(stage: Score, batch: Batch, row: int, scores: npt.NDArray[np.float64]) -> dict[str, float]:
    others = np.array([place for place in range(len(batch)) if place != row], dtype=np.int64)
    if len(others) == 0:
        return dict.fromkeys(batch, 0.0)
    same = batch.take(np.full(len(others), row))
    margin = _margin(scores)[row]
    dealt = {name: same.with_columns(dict(batch.select([name]).take(others).items())) for name in batch}
    return {name: float(margin - _margin(_scores(stage, each)).mean()) for name, each in dealt.items()}


def _margin(scores: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if ((values < 0) | (values > 1)).any():
        return values
    inside = np.clip(values, _FURTHEST, 1 - _FURTHEST)
    return np.log(inside) - np.log1p(-inside)


def _shown(column: Any, row: int) -> str:
    value = column.row(row) if isinstance(column, Ragged) else column[row]
    text = np.array2string(np.asarray(value), precision=4, threshold=6, separator=" ")
    return text.replace("\n", "")
