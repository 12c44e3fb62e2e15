"""What another policy would have earned, from a log that says how likely each thing shown was.

All share ``estimate(rewards, target, logged, ...)``: per-row values [B] whose mean is the estimate, so that
intervals and paired comparisons are those of every other metric.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError

__all__ = ["doubly_robust", "ips", "snips"]

Array: TypeAlias = npt.NDArray[Any]
Values: TypeAlias = npt.NDArray[np.float64]


def ips(rewards: Array, target: Array, logged: Array, *, most: float = np.inf) -> Values:
    """Inverse propensity scores: ``reward min(target / logged, most)`` (Horvitz and Thompson, 1952).

    Unbiased with ``most`` infinite; a bound trades variance for bias towards zero.

    Args:
        rewards: of what was shown [B].
        target: [B] probability that the policy to judge would have shown it.
        logged: [B] probability with which it was shown, above 0.
        most: largest weight of a row.

    Returns:
        Float64 [B].

    Raises:
        ArgumentError: the shapes differ, or a probability or ``most`` is out of range.

    >>> float(ips(np.array([1, 0, 1, 0]), np.array([1, 0, 1, 0]), np.full(4, 0.5)).mean())
    1.0
    """
    reward, weight = _weighed("metrics.ips", rewards, target, logged, most)
    return reward * weight


def snips(rewards: Array, target: Array, logged: Array, *, most: float = np.inf) -> Values:
    """`ips` over the mean weight: never beyond the rewards (Swaminathan and Joachims, 2015).

    >>> float(snips(np.array([1, 0, 1]), np.array([1, 0, 1]), np.array([0.5, 0.5, 0.25])).mean())
    1.0
    """
    reward, weight = _weighed("metrics.snips", rewards, target, logged, most)
    return reward * weight / weight.mean() if weight.sum() > 0 else np.full(len(reward), np.nan)


def doubly_robust(
    rewards: Array, target: Array, logged: Array, predicted: Array, expected: Array, *, most: float = np.inf
) -> Values:
    """``expected + min(target / logged, most) (reward - predicted)`` (Dudik et al., 2011).

    Right when either the propensities or the predictions are.

    Args:
        rewards: of what was shown [B].
        target: as in `ips`.
        logged: as in `ips`.
        predicted: [B] reward that a model predicts of what was shown.
        expected: [B] reward that the model predicts of the policy to judge, over all it could show.
        most: as in `ips`.

    Raises:
        ArgumentError: as `ips`.

    >>> float(doubly_robust(np.ones(2), np.ones(2), np.ones(2) / 2, np.ones(2), np.full(2, 0.75)).mean())
    0.75
    """
    reward, weight = _weighed("metrics.doubly_robust", rewards, target, logged, most)
    if not predicted.shape == expected.shape == reward.shape:
        raise ArgumentError(
            "metrics.doubly_robust",
            received=f"predictions of shapes {predicted.shape} and {expected.shape}",
            expected=f"one for each of the {len(reward)} rows",
        )
    values: Values = expected + weight * (reward - predicted)
    return values


def _weighed(where: str, rewards: Array, target: Array, logged: Array, most: float) -> tuple[Values, Values]:
    reward, wanted, shown = (np.asarray(each, dtype=np.float64) for each in (rewards, target, logged))
    if reward.ndim != 1 or not reward.shape == wanted.shape == shown.shape:
        raise ArgumentError(
            where,
            received=f"shapes {reward.shape}, {wanted.shape}, {shown.shape}",
            expected="rewards and two probabilities [B]",
        )
    inside = ((wanted >= 0) & (wanted <= 1) & (shown > 0) & (shown <= 1)).all()
    if not inside or not most > 0:
        raise ArgumentError(
            where,
            received="a probability or a largest weight out of range",
            expected="target in [0, 1], logged above 0 and at most 1, most > 0",
        )
    return reward, np.minimum(wanted / shown, most)
