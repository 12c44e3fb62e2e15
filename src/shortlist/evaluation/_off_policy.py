"""What another order would have earned, from a log that says how likely each thing shown was."""

from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist import metrics as m
from shortlist.errors import ArgumentError
from shortlist.report import Cell, Table

__all__ = ["off_policy"]

Values = npt.NDArray[Any]


def off_policy(
    rewards: Values,
    target: Values,
    logged: Values,
    *,
    predicted: Values | None = None,
    expected: Values | None = None,
    most: float = np.inf,
    seed: int = 0,
) -> Table:
    """The mean reward of a policy that was not shown, by IPS, SNIPS and DR, with 95 % bootstrap intervals.

    ``ESS`` is the effective number of rows, ``(sum w)^2 / sum w^2``: where it is small, a few rows decide.
    The interval of SNIPS is that of its linear form, whose mean is the estimate.

    Args:
        rewards: of what was shown [B].
        target: [B] probability that the policy to judge would have shown it.
        logged: [B] probability with which it was shown, above 0.
        predicted: [B] reward that a model predicts of what was shown; None leaves DR out.
        expected: [B] reward that the model predicts of the policy to judge, over all it could show.
        most: largest weight of a row.
        seed: of the intervals.

    Raises:
        ArgumentError: shapes differ, a probability is out of range, or one of the predictions is missing.

    >>> rng = np.random.default_rng(0)
    >>> shown = rng.integers(0, 2, 4000)                         # one of two, by chance
    >>> clicks = (rng.random(4000) < np.where(shown == 1, 0.3, 0.1)).astype(float)
    >>> table = off_policy(clicks, (shown == 1).astype(float), np.full(4000, 0.5))
    >>> [(row[0], round(row[1], 1)) for row in table.rows]       # always the second earns 0.3
    [('as logged', 0.2), ('IPS', 0.3), ('SNIPS', 0.3)]
    """
    if (predicted is None) != (expected is None):
        raise ArgumentError(
            "off_policy", received="one of predicted and expected", expected="both, or neither"
        )
    weights = np.minimum(np.asarray(target, dtype=np.float64) / logged, most)
    ratio = m.snips(rewards, target, logged, most=most)
    value = float(ratio.mean())
    mean = float(weights.mean())
    linear = ratio if mean == 0 else value + weights * (np.asarray(rewards) - value) / mean
    estimates = {
        "as logged": np.asarray(rewards, dtype=np.float64),
        "IPS": m.ips(rewards, target, logged, most=most),
        "SNIPS": linear,
    }
    if predicted is not None and expected is not None:
        estimates["DR"] = m.doubly_robust(rewards, target, logged, predicted, expected, most=most)
    squares = float(np.square(weights).sum())
    effective = float(weights.sum() ** 2 / squares) if squares > 0 else 0.0
    rows: list[tuple[Cell, ...]] = []
    for name, values in estimates.items():
        found = m.mean_interval(values, seed)
        ess = float(len(weights)) if name == "as logged" else effective
        rows.append((name, found.mean, found.low, found.high, round(ess)))
    return Table(("estimate", "mean", "low", "high", "ESS"), rows, title="mean reward of a policy", digits=5)
