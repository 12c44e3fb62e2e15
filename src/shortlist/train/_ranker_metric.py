"""Which metric of which target tells how well a ranker learns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from shortlist.errors import ArgumentError, near
from shortlist.metrics import auc, logloss
from shortlist.models.ranking import Output
from shortlist.train._course import Baseline

__all__ = ["RankerMetric", "ranker_metric"]

# An AUC of 0.52 is what a thousand rows of nothing may reach.
_ABOVE_CHANCE = 1.04
_KNOWN = {
    "binary": ("auc", "logloss"),
    "multiclass": ("logloss",),
    "regression": ("rmse",),
    "watch_time": ("rmse",),
}

Values = npt.NDArray[Any]


@dataclass(frozen=True)
class RankerMetric:
    """A metric of a target.

    Attributes:
        name: as it was asked for: ``"auc"``, or ``"auc:buy"``.
        kind: what is computed.
        target: of what.
    """

    name: str
    kind: str
    target: Output

    def predictions(self, logits: Tensor) -> Values:
        """What the metric reads: probabilities of classes, else what is served."""
        if self.target.kind == "multiclass":
            return logits.double().softmax(1).cpu().numpy()
        return self.target.served(logits.double()).cpu().numpy()

    def __call__(self, labels: Values, predicted: Values) -> float:
        """The metric over rows."""
        if self.kind == "rmse":
            return float(np.sqrt(np.mean((labels - predicted) ** 2)))
        if self.target.kind == "multiclass":
            of_label = predicted[np.arange(len(labels)), labels.astype(np.int64)]
            return float(-np.log(np.maximum(of_label, 1e-15)).mean())
        return auc(labels, predicted) if self.kind == "auc" else logloss(labels, predicted)

    def baseline(self, labels: Values) -> Baseline:
        """The metric of one prediction for all rows, the best there is."""
        if self.target.kind == "multiclass":
            shares = np.bincount(labels.astype(np.int64), minlength=self.target.width) / max(len(labels), 1)
            constant: Values = np.tile(shares, (len(labels), 1))
        else:
            constant = np.full(len(labels), labels.mean(), np.float64)
        return Baseline(
            "one prediction for all rows", self(labels, constant), len(labels), _ABOVE_CHANCE, by_heart=True
        )


def ranker_metric(name: str | None, outputs: tuple[Output, ...]) -> RankerMetric:
    """The metric of that name; None is the first one of the first target.

    Raises:
        ArgumentError: there is no such metric, or no such target.
    """
    kind, _, of = (name or "").partition(":")
    named = {output.name: output for output in outputs}
    if of and of not in named:
        raise ArgumentError(
            "FitOptions.metric", received=name, expected="a target of the model", remedy=near(of, named)
        )
    target = named[of] if of else outputs[0]
    known = _KNOWN[target.kind]
    if name is None:
        return RankerMetric(known[0], known[0], target)
    if kind not in known:
        raise ArgumentError(
            "FitOptions.metric",
            received=name,
            expected=f"a metric of rankers, for the {target.kind} target {target.name!r}: {list(known)}",
            remedy=near(kind, known),
        )
    return RankerMetric(name, kind, target)
