"""What decides how many trees are kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from shortlist.errors import ArgumentError, DataError, near
from shortlist.metrics import auc, logloss, ndcg_within
from shortlist.models.trees._rows import TreeRows
from shortlist.scorers import TreeGoal

__all__ = ["TreeMetric", "loss_of", "metric_for"]

_NAMES = {"binary": ("auc", "logloss"), "regression": ("mse",), "lambdarank": ("ndcg@10", "auc")}


@dataclass(frozen=True, slots=True)
class TreeMetric:
    """A validation metric.

    Attributes:
        name: what it is called.
        higher: whether higher is better.
        of: rows and predictions to the value.
    """

    name: str
    higher: bool
    of: Callable[[TreeRows, Any], float]


def metric_for(goal: TreeGoal, name: str | None) -> TreeMetric:
    """The metric of a name, or the goal's own.

    Raises:
        ArgumentError: the goal has no such metric.
    """
    known = _NAMES[goal]
    chosen = known[0] if name is None else name
    if chosen not in known:
        raise ArgumentError(
            "FitOptions.metric",
            received=chosen,
            expected=f"a metric of {goal} trees: {', '.join(known)}",
            remedy=near(chosen, known),
        )
    made: dict[str, Callable[[TreeRows, Any], float]] = {
        "auc": lambda rows, predicted: auc((rows.labels > 0).astype(float), predicted, rows.weights),
        "logloss": lambda rows, predicted: logloss(rows.labels, predicted, rows.weights),
        "mse": _mse,
        "ndcg@10": _ndcg,
    }
    return TreeMetric(chosen, chosen in ("auc", "ndcg@10"), made[chosen])


def loss_of(goal: TreeGoal, rows: TreeRows, predicted: Any) -> float:
    """Training loss: nats, squared error, or 1 - NDCG@10."""
    if goal == "binary":
        return logloss(rows.labels, predicted, rows.weights)
    return _mse(rows, predicted) if goal == "regression" else 1 - _ndcg(rows, predicted)


def _mse(rows: TreeRows, predicted: Any) -> float:
    return float(np.average(np.square(predicted - rows.labels), weights=rows.weights))


def _ndcg(rows: TreeRows, predicted: Any) -> float:
    assert rows.groups is not None
    values = ndcg_within(rows.labels, predicted, rows.groups)
    known = values[~np.isnan(values)]
    if len(known) == 0:
        raise DataError(
            "trees: validation",
            received="no request with a positive label",
            expected="at least one that there is something to find in",
        )
    return float(known.mean())
