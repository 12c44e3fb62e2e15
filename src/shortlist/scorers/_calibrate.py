"""Fitting of calibrations."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError, DataError
from shortlist.scorers._calibration import Calibration, Isotonic, Platt, Sliced, log_odds, texts

__all__ = ["CalibrationMethod", "calibration_of"]

CalibrationMethod: TypeAlias = Literal["platt", "isotonic"]
Floats: TypeAlias = npt.NDArray[np.float64]

_STEPS = 50
_ENOUGH = 1e-10


def calibration_of(
    labels: npt.NDArray[Any],
    scores: npt.NDArray[Any],
    *,
    method: CalibrationMethod = "platt",
    weights: npt.NDArray[Any] | None = None,
    by: str | None = None,
    slices: Sequence[Any] | npt.NDArray[Any] | None = None,
    min_rows: int = 1000,
) -> Calibration:
    """Learn to read scores as probabilities, from rows that the model was not trained on.

    Platt scaling finds two numbers by maximum likelihood, with labels drawn in by one row of each kind
    (1999), and needs few rows. Isotonic regression finds the rising staircase nearest to the labels by
    squared error, and needs thousands.

    Args:
        labels: 0 or 1 [N].
        scores: [N] of the model; taken for probabilities where all are in [0, 1].
        method: ``"platt"`` or ``"isotonic"``.
        weights: [N], >= 0.
        by: name of the column whose values are calibrated each on its own.
        slices: its values [N].
        min_rows: rows of a value from which on it has a map of its own; it needs both labels too.

    Raises:
        ArgumentError: the shapes differ, the method is unknown, or one of ``by`` and ``slices`` is missing.
        DataError: no rows, one label only, or scores that do not rise with the labels.

    >>> rng = np.random.default_rng(0)
    >>> truth = rng.random(20_000)
    >>> labels = (rng.random(20_000) < truth).astype(int)
    >>> fitted = calibration_of(labels, truth ** 2, method="isotonic")
    >>> fitted.apply(np.array([0.04, 0.25, 0.49])).round(1).tolist()     # their roots
    [0.20000000298023224, 0.5, 0.699999988079071]
    """
    truth, values, weight = _checked(labels, scores, weights)
    _check_options(method, both=(by is None) == (slices is None))
    odds = bool(((values >= 0) & (values <= 1)).all())
    rest = _one(truth, values, weight, method, odds=odds)
    if rest is None:
        raise DataError(
            "calibrate",
            received="scores that do not rise with the labels",
            expected="scores of a model that has learned something, on rows with both labels",
            remedy="look at the AUC first",
        )
    if by is None or slices is None:
        return rest
    names = texts(slices)
    each = {name: names == name for name in sorted(set(names.tolist()) - {"None"})}
    fitted = {
        name: _one(truth[rows], values[rows], weight[rows], method, odds=odds)
        for name, rows in each.items()
        if rows.sum() >= min_rows
    }
    return Sliced(by, {name: part for name, part in fitted.items() if part is not None}, rest)


def _check_options(method: str, *, both: bool) -> None:
    if not both:
        raise ArgumentError(
            "calibrate",
            received="one of by and slices",
            expected="the column's name and its values, or neither",
        )
    if method not in ("platt", "isotonic"):
        raise ArgumentError("calibrate.method", received=method, expected="'platt' or 'isotonic'")


def _one(
    labels: Floats, scores: Floats, weights: Floats, method: CalibrationMethod, *, odds: bool
) -> Calibration | None:
    """A map of rows of both labels that rises; None where there is none."""
    positive = float(labels @ weights)
    if not 0 < positive < weights.sum():
        return None
    if method == "platt":
        return _platt(labels, scores, weights, odds=odds)
    return _isotonic(labels, scores, weights, odds=odds)


def _platt(labels: Floats, scores: Floats, weights: Floats, *, odds: bool) -> Platt | None:
    positive, negative = labels @ weights, (1 - labels) @ weights
    wanted = np.where(labels == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    margins = log_odds(scores, odds=odds)
    # Newton's method wants numbers near 1, whatever the scores are like.
    middle, spread = float(np.average(margins, weights=weights)), float(margins.std()) or 1.0
    z = (margins - middle) / spread
    design = np.stack([z, np.ones_like(z)], axis=1)
    found = np.array([0.0, np.log((positive + 1) / (negative + 1))])
    for _ in range(_STEPS):
        chance = np.exp(-np.logaddexp(0.0, -(design @ found)))
        slope = design.T @ (weights * (chance - wanted))
        curve = design.T @ (design * (weights * np.maximum(chance * (1 - chance), 1e-12))[:, None])
        step = np.linalg.solve(curve + 1e-9 * np.eye(2), slope)
        found = found - np.clip(step, -5, 5)
        if np.abs(step).max() < _ENOUGH:
            break
    slope_of, intercept = float(found[0] / spread), float(found[1] - found[0] * middle / spread)
    return Platt(slope_of, intercept, odds) if slope_of > 0 else None


def _isotonic(labels: Floats, scores: Floats, weights: Floats, *, odds: bool) -> Isotonic | None:
    places, row = np.unique(scores, return_inverse=True)
    mass = np.bincount(row, weights)
    known = mass > 0
    places, mass = places[known], mass[known]
    means = np.bincount(row, weights * labels)[known] / mass
    from scipy.optimize import isotonic_regression  # takes a third of a second, which serving can do without

    fitted = isotonic_regression(means, weights=mass)
    starts = fitted.blocks[:-1]
    if len(starts) < 2:
        return None
    blocks = np.add.reduceat(mass, starts)
    centres = np.add.reduceat(mass * places, starts) / blocks
    return Isotonic(tuple(centres.tolist()), tuple(np.clip(fitted.x[starts], 0, 1).tolist()), odds)


def _checked(
    labels: npt.NDArray[Any], scores: npt.NDArray[Any], weights: npt.NDArray[Any] | None
) -> tuple[Floats, Floats, Floats]:
    truth, values = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    weight = np.ones(truth.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if truth.ndim != 1 or not truth.shape == values.shape == weight.shape:
        raise ArgumentError(
            "calibrate",
            received=f"shapes {truth.shape}, {values.shape}, {weight.shape}",
            expected="labels, scores and weights [N] of one length",
        )
    if not (np.isin(truth, (0, 1)).all() and np.isfinite(values).all() and (weight >= 0).all()):
        raise ArgumentError(
            "calibrate",
            received="other labels, scores that are no numbers, or weights below 0",
            expected="labels 0 and 1, finite scores and weights >= 0",
        )
    return truth, values, weight
