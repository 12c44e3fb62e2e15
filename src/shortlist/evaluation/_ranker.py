"""How well a ranker tells taken candidates from others."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist import metrics as m
from shortlist.errors import ArgumentError
from shortlist.io import Dataset
from shortlist.pipeline import Calibrate, Pipeline, place_of_score, scored_candidates
from shortlist.report import Cell, Table

__all__ = ["RankerEvaluation", "RankerQuality", "evaluate_ranker", "ranker_quality", "ranker_slices"]

_BINS = 20
_MOST_SLICES = 20
_UNKNOWN = float("nan")


@dataclass(frozen=True, slots=True)
class RankerQuality:
    """Quality of probabilities over held-out examples.

    Attributes:
        rows: examples.
        positives: share of them that were taken.
        auc: area under the ROC curve, ties count half.
        logloss: mean negative log likelihood, in nats.
        entropy: logloss over that of always predicting the share of positives; below 1 is better than that.
        calibration: expected calibration error over 20 equal-mass bins.
        ratio: predicted over actual number of positives.
        gauc: AUC within requests of both labels, weighted by their examples; NaN without requests.
        ndcg: mean NDCG@10 within requests in which something was taken, ties against the ranker.
        recall: mean share of what was taken that is among the candidates: what retrieval leaves to find.
    """

    rows: int
    positives: float
    auc: float
    logloss: float
    entropy: float
    calibration: float
    ratio: float = _UNKNOWN
    gauc: float = _UNKNOWN
    ndcg: float = _UNKNOWN
    recall: float = _UNKNOWN

    def to_json(self) -> dict[str, float | None]:
        """Plain data; what is not defined (no rows, or all labels alike) is None."""
        return {name: value if isfinite(value) else None for name, value in asdict(self).items()}

    def __str__(self) -> str:
        columns = ("examples", "positives", "AUC", "logloss", "normalised entropy", "calibration error")
        row = [self.rows, self.positives, self.auc, self.logloss, self.entropy, self.calibration]
        further = {
            "predicted/actual": self.ratio,
            "AUC in requests": self.gauc,
            "NDCG@10 in requests": self.ndcg,
            "recall at input": self.recall,
        }
        known = {name: value for name, value in further.items() if isfinite(value)}
        cells: list[Cell] = [*row, *known.values()]
        return str(
            Table((*columns, *known), [cells], title="ranker, on examples later than those it learned from")
        )


def ranker_quality(
    labels: npt.NDArray[Any],
    predicted: npt.NDArray[Any],
    *,
    requests: npt.NDArray[Any] | None = None,
    weights: npt.NDArray[Any] | None = None,
    recall: float = _UNKNOWN,
) -> RankerQuality:
    """Measure scores [N] against binary labels [N].

    Args:
        labels: 0 or 1.
        predicted: probabilities; of scores outside [0, 1], the order alone is measured.
        requests: the request of each row.
        weights: >= 0; they count in all but what is within requests.
        recall: that of retrieval at the ranker's input, to stand beside it.

    >>> ranker_quality(np.array([0, 1, 1, 0]), np.array([.1, .9, .6, .2])).auc
    1.0
    """
    rows = len(labels)
    chances = bool(((predicted >= 0) & (predicted <= 1)).all())
    own = [m.logloss, m.normalised_entropy, lambda *given: m.ece(*given, bins=_BINS), m.predicted_ratio]
    values = [float(metric(labels, predicted, weights)) if chances else _UNKNOWN for metric in own]
    gauc, ndcg = _UNKNOWN, _UNKNOWN
    if requests is not None and rows > 0:
        gauc = m.gauc(labels, predicted, requests)
        found = m.ndcg_within(labels, predicted, requests)
        ndcg = float(found[~np.isnan(found)].mean()) if not np.isnan(found).all() else _UNKNOWN
    positives = float(np.average(labels, weights=weights)) if rows else _UNKNOWN
    area = m.auc(labels, predicted, weights)
    loss, entropy, error, ratio = values
    return RankerQuality(rows, positives, area, loss, entropy, error, ratio, gauc, ndcg, recall)


def ranker_slices(
    labels: npt.NDArray[Any],
    predicted: npt.NDArray[Any],
    slices: Sequence[Any] | npt.NDArray[Any],
    *,
    name: str = "slice",
) -> Table:
    """Calibration and order within each value of a column, the twenty most frequent, numbers in quarters.

    >>> labels, predicted = np.array([0, 1, 1, 0]), np.array([.1, .9, .6, .2])
    >>> print(ranker_slices(labels, predicted, ["a", "a", "b", "b"], name="shop"))
    shop  rows  positives  predicted/actual  calibration error     AUC  logloss
    a        2      .5000            1.0000              .1000  1.0000    .1054
    b        2      .5000             .8000              .3000  1.0000    .3670
    """
    if len(slices) != len(labels):
        raise ArgumentError(
            "ranker_slices", received=f"{len(slices)} values", expected=f"{len(labels)}: one for each row"
        )
    values = _cut(np.asarray(slices))
    known, counts = np.unique(values, return_counts=True)
    shown = known[np.sort(np.argsort(-counts, kind="stable")[:_MOST_SLICES])]
    rows: list[tuple[Cell, ...]] = []
    for value in shown:
        here = values == value
        one = ranker_quality(labels[here], predicted[here])
        rows.append((str(value), one.rows, one.positives, one.ratio, one.calibration, one.auc, one.logloss))
    columns = (name, "rows", "positives", "predicted/actual", "calibration error", "AUC", "logloss")
    return Table(columns, [tuple(_shown(cell) for cell in row) for row in rows])


@dataclass(frozen=True, slots=True)
class RankerEvaluation:
    """A ranker measured inside its pipeline; printed with its slices.

    Attributes:
        quality: over all candidates.
        slices: column -> table.
    """

    quality: RankerQuality
    slices: dict[str, Table] = field(default_factory=dict)

    def __str__(self) -> str:
        return "\n\n".join([str(self.quality), *map(str, self.slices.values())])


def evaluate_ranker(
    pipe: Pipeline,
    events: Dataset,
    *,
    window_us: int = 1,
    at: Sequence[int] | None = None,
    by: Sequence[str] = (),
) -> RankerEvaluation:
    """Measure the scores that a pipeline gives its candidates, with the recall of retrieval beside them.

    The pipeline runs as of each past request, up to its last `Score` and the `Calibrate` behind it, and every
    candidate counts, none drawn: the very scores that are served.

    Args:
        pipe: has a `Score`; its state holds the events up to the end of the window.
        events: held-out positive events, later than the training data of every stage.
        window_us: microseconds in which a candidate must be taken to count.
        at: ask for every user of the window at these moments instead of at its events.
        by: item columns, or columns of stages, to slice by.

    Raises:
        PipelineError: there is no `Score`, no such column, or a source learned from the window.
        ArgumentError: ``window_us`` is below 1.
    """
    end = 1 + place_of_score(pipe.stages, "evaluate_ranker")
    if end < len(pipe.stages) and isinstance(pipe.stages[end], Calibrate):
        end += 1
    rows = scored_candidates(pipe[:end], events, window_us=window_us, at=at, columns=by)
    quality = ranker_quality(rows.labels, rows.scores, requests=rows.requests, recall=rows.recall)
    slices = {name: ranker_slices(rows.labels, rows.scores, rows.columns[name], name=name) for name in by}
    return RankerEvaluation(quality, slices)


def _cut(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Numbers of many values as quarters, anything else as text."""
    if values.dtype.kind not in "fiu" or len(np.unique(values)) <= _MOST_SLICES:
        return np.array([str(value) for value in values.tolist()], dtype=np.str_)
    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    edges = np.unique(np.quantile(known, (0.25, 0.5, 0.75)))
    names = np.array([f"quarter {number}" for number in range(1, len(edges) + 2)])
    named: npt.NDArray[Any] = names[np.searchsorted(edges, values, side="right").clip(max=len(edges))]
    return np.where(np.isnan(values), "none", named) if values.dtype.kind == "f" else named


def _shown(cell: Cell) -> Cell:
    return None if isinstance(cell, float) and not isfinite(cell) else cell
