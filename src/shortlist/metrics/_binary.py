"""Metrics of a binary target: scores or probabilities against labels 0 and 1, with optional weights.

All share ``metric(labels, predicted, weights=None) -> float`` over arrays [B]; no rows, or no weight, give
NaN. NaN among the predictions is an error, not a value: no order of it would be fair.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError

__all__ = ["auc", "ece", "gauc", "logloss", "normalised_entropy", "predicted_ratio", "undersampled"]

Array: TypeAlias = npt.NDArray[Any]
_Float: TypeAlias = npt.NDArray[np.float64]

# Keeps the loss of a certain and wrong prediction finite: 34.5 nats.
_SMALLEST = 1e-15


def auc(labels: Array, predicted: Array, weights: Array | None = None) -> float:
    """Probability that a positive row scores above a negative one, ties counted half; NaN for one class only.

    Args:
        labels: 0 or 1 [B].
        predicted: any real score [B]; higher means more likely 1.
        weights: non-negative [B]; a pair counts with the product of its weights.

    Raises:
        ArgumentError: the shapes disagree, or a label, prediction or weight is out of range.

    >>> auc(np.array([1, 0, 1, 0]), np.array([0.9, 0.5, 0.5, 0.1]))     # (1 + 1 + 0.5 + 1) / 4
    0.875
    """
    group = _grouped(*_checked("metrics.auc", labels, predicted, weights))
    negative = group.weight - group.positive
    below = np.cumsum(negative) - negative
    pairs = group.positive.sum() * negative.sum()
    return float(group.positive @ (below + negative / 2) / pairs) if pairs > 0 else float("nan")


def gauc(labels: Array, predicted: Array, groups: Array, weights: Array | None = None) -> float:
    """Mean `auc` within groups, such as users, weighted by their rows; groups of one class are left out.

    Args:
        labels: 0 or 1 [B].
        predicted: any real score [B].
        groups: [B] group of each row.
        weights: non-negative [B].

    Raises:
        ArgumentError: as `auc`.

    >>> gauc(np.array([1, 0, 1, 0, 1]), np.array([0.9, 0.1, 0.2, 0.3, 0.5]), np.array([1, 1, 2, 2, 3]))
    0.5
    """
    truth, values, weight = _checked("metrics.gauc", labels, predicted, weights)
    if len(groups) != len(truth):
        raise ArgumentError("metrics.gauc", received=f"{len(groups)} groups", expected="one for each row")
    order = np.argsort(groups, kind="stable")
    bounds = np.flatnonzero(np.diff(np.unique(groups, return_inverse=True)[1][order])) + 1
    each = [
        (auc(truth[rows], values[rows], weight[rows]), weight[rows].sum()) for rows in np.split(order, bounds)
    ]
    kept = np.array([pair for pair in each if not np.isnan(pair[0])]).reshape(-1, 2)
    return _weighted_mean(kept[:, 0], kept[:, 1])


def logloss(labels: Array, predicted: Array, weights: Array | None = None) -> float:
    """Mean of ``-y ln p - (1 - y) ln(1 - p)`` in nats, p kept within [1e-15, 1 - 1e-15].

    Raises:
        ArgumentError: as `auc`; a prediction outside [0, 1].

    >>> round(logloss(np.array([1, 0]), np.array([0.5, 0.5])), 4)
    0.6931
    """
    truth, probability, weight = _checked("metrics.logloss", labels, predicted, weights, probability=True)
    bounded = np.clip(probability, _SMALLEST, 1 - _SMALLEST)
    losses = -np.log(np.where(truth == 1, bounded, 1 - bounded))
    return _weighted_mean(losses, weight)


def normalised_entropy(labels: Array, predicted: Array, weights: Array | None = None) -> float:
    """`logloss` divided by that of always predicting the base rate: below 1 is better than knowing nothing.

    NaN where there is one class only (He et al., "Practical lessons from predicting clicks on ads", 2014).

    >>> normalised_entropy(np.array([1, 0, 0, 0]), np.full(4, 0.25))
    1.0
    """
    truth, probability, weight = _checked(
        "metrics.normalised_entropy", labels, predicted, weights, probability=True
    )
    rate = _weighted_mean(truth, weight)
    if not 0 < rate < 1:
        return float("nan")
    return logloss(truth, probability, weight) / logloss(truth, np.full(len(truth), rate), weight)


def predicted_ratio(labels: Array, predicted: Array, weights: Array | None = None) -> float:
    """Predicted over actual number of positives: 1 is right on the whole; NaN without a positive.

    >>> predicted_ratio(np.array([1, 0, 0, 1]), np.full(4, 0.75))
    1.5
    """
    truth, probability, weight = _checked(
        "metrics.predicted_ratio", labels, predicted, weights, probability=True
    )
    actual = truth @ weight
    return float(probability @ weight / actual) if actual > 0 else float("nan")


def undersampled(predicted: Array, rate: float) -> _Float:
    """Set probabilities right of a model that saw a share of the negatives: ``p / (p + (1 - p) / rate)``.

    Args:
        predicted: probabilities [B].
        rate: share of the negatives that was kept, above 0, at most 1.

    Raises:
        ArgumentError: ``rate`` is out of range.

    >>> undersampled(np.array([0.5]), 0.25)     # 0.5 / (0.5 + 0.5 / 0.25)
    array([0.2])
    """
    if not 0 < rate <= 1:
        raise ArgumentError(
            "metrics.undersampled", received=rate, expected="a share of negatives, above 0 to 1"
        )
    values = np.asarray(predicted, dtype=np.float64)
    return values / (values + (1 - values) / rate)


def ece(labels: Array, predicted: Array, weights: Array | None = None, *, bins: int = 10) -> float:
    """Calibration error over bins of equal mass: ``sum_b mass_b |mean label_b - mean prediction_b|``.

    Equal predictions are never parted: they fall together into the bin of the middle of their mass, so the
    result does not depend on the order of the rows.

    Args:
        labels: 0 or 1 [B].
        predicted: probabilities [B].
        weights: non-negative [B].
        bins: number of bins, >= 1.

    Raises:
        ArgumentError: as `logloss`; ``bins`` below 1.

    >>> round(ece(np.array([0, 0, 1, 1]), np.array([0.1, 0.1, 0.8, 0.8]), bins=2), 4)     # (0.1 + 0.2) / 2
    0.15
    """
    if bins < 1:
        raise ArgumentError("metrics.ece", received=bins, expected="bins >= 1", remedy="pass bins=10")
    group = _grouped(*_checked("metrics.ece", labels, predicted, weights, probability=True))
    total = group.weight.sum()
    if total == 0:
        return float("nan")
    middle = (np.cumsum(group.weight) - group.weight / 2) / total
    place = np.minimum((middle * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weights=group.positive - group.weight * group.value)
    return float(np.abs(gap).sum() / total)


class _Groups(NamedTuple):
    """The distinct predictions, ascending, with the weight and the positive weight at each."""

    value: _Float
    positive: _Float
    weight: _Float


def _grouped(truth: _Float, predicted: _Float, weight: _Float) -> _Groups:
    value, place = np.unique(predicted, return_inverse=True)
    return _Groups(value, _sums(place, weight * truth, len(value)), _sums(place, weight, len(value)))


def _sums(place: npt.NDArray[np.intp], values: _Float, length: int) -> _Float:
    return np.bincount(place, weights=values, minlength=length).astype(np.float64, copy=False)


def _weighted_mean(values: _Float, weight: _Float) -> float:
    total = weight.sum()
    return float(values @ weight / total) if total > 0 else float("nan")


def _checked(
    where: str, labels: Array, predicted: Array, weights: Array | None, *, probability: bool = False
) -> tuple[_Float, _Float, _Float]:
    truth, values = np.asarray(labels, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    weight = np.ones(truth.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if truth.ndim != 1 or not truth.shape == values.shape == weight.shape:
        raise ArgumentError(
            where,
            received=f"shapes {truth.shape}, {values.shape}, {weight.shape}",
            expected="labels, predictions and weights [B] of one length",
        )
    if not np.isin(truth, (0, 1)).all():
        raise ArgumentError(where, received="other labels", expected="labels 0 and 1")
    if np.isnan(values).any() or (probability and ((values < 0) | (values > 1)).any()):
        raise ArgumentError(
            where,
            received="NaN or predictions out of range",
            expected="probabilities in [0, 1]" if probability else "scores that are numbers",
        )
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise ArgumentError(where, received="negative or infinite weights", expected="finite weights >= 0")
    return truth, values, weight
