"""How much more is clicked for standing where it stands."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError

__all__ = ["PositionBias", "inverse_propensity", "position_bias"]

Array = npt.NDArray[Any]
_SMALLEST = 1e-6


class PositionBias(NamedTuple):
    """The chance that a position is looked at, relative to the best.

    Attributes:
        positions: sorted distinct positions [P].
        propensities: float64 [P], at most 1.
    """

    positions: Array
    propensities: npt.NDArray[np.float64]

    def of(self, positions: Array) -> npt.NDArray[np.float64]:
        """Propensity of each position [N].

        Raises:
            ArgumentError: one was not in the log.
        """
        places = np.searchsorted(self.positions, positions).clip(max=len(self.positions) - 1)
        if not np.array_equal(self.positions[places], positions):
            raise ArgumentError(
                "PositionBias.of",
                received="a position that was not in the log",
                expected=f"positions {self.positions.tolist()[:20]}",
            )
        chances: npt.NDArray[np.float64] = self.propensities[places]
        return chances


def position_bias(
    clicks: Array, positions: Array, groups: Array | None = None, *, rounds: int = 200
) -> PositionBias:
    """Estimate examination by position from logged clicks.

    Where positions were dealt out by chance, leave ``groups`` out: the propensity is the click rate of each
    position over the best one. Else give what decides relevance, such as the item or the pair of query and
    item: a click is ``examined(position) and relevant(group)``, and both are found by expectation
    maximization. It needs groups that were shown at several positions.

    Args:
        clicks: 0 or 1 [N].
        positions: [N] where each was shown.
        groups: [N] what was shown.
        rounds: most rounds.

    Raises:
        ArgumentError: the shapes differ, or there is no click.

    Source: Richardson et al., "Predicting clicks", WWW 2007; Wang et al., "Position bias estimation for
    unbiased learning to rank in personal search", WSDM 2018.

    >>> clicks, positions = np.array([1, 1, 1, 1, 1, 0, 0, 0]), np.repeat([1, 2], 4)
    >>> position_bias(clicks, positions).propensities.tolist()
    [1.0, 0.25]
    """
    clicked = np.asarray(clicks, dtype=np.float64)
    if clicked.ndim != 1 or clicked.shape != np.shape(positions) or clicked.sum() == 0:
        raise ArgumentError(
            "position_bias",
            received=f"{clicked.size} clicks at {np.size(positions)} positions, {clicked.sum():g} of them 1",
            expected="a position for each, and at least one click",
        )
    known, place = np.unique(positions, return_inverse=True)
    shown = np.bincount(place)
    rates = np.bincount(place, clicked) / shown
    if groups is None:
        return PositionBias(known, np.maximum(rates / rates.max(), _SMALLEST))
    _, group = np.unique(groups, return_inverse=True)
    of_group = np.bincount(group)
    seen, liked = np.clip(rates / rates.max(), 0.05, 0.95), np.full(len(of_group), 0.5)
    for _ in range(rounds):
        missed = 1 - seen[place] * liked[group]
        # Of what was not clicked: looked at and not liked, or liked and not looked at.
        looked = np.where(clicked > 0, 1.0, seen[place] * (1 - liked[group]) / missed)
        wanted = np.where(clicked > 0, 1.0, liked[group] * (1 - seen[place]) / missed)
        before = seen
        seen = np.clip(np.bincount(place, looked) / shown, _SMALLEST, 1 - _SMALLEST)
        liked = np.clip(np.bincount(group, wanted) / of_group, _SMALLEST, 1 - _SMALLEST)
        if np.abs(seen - before).max() < 1e-7:
            break
    return PositionBias(known, seen / seen.max())


def inverse_propensity(clicks: Array, propensities: Array, *, most: float = 10.0) -> npt.NDArray[np.float32]:
    """Weights that undo the advantage of what was seen more: ``1 / propensity`` for clicks, 1 for others.

    Args:
        clicks: 0 or 1 [N].
        propensities: [N], above 0: estimated by `position_bias`, or logged.
        most: largest weight; bounds the variance.

    Raises:
        ArgumentError: the shapes differ, or a propensity is not above 0.

    >>> inverse_propensity(np.array([1, 1, 0]), np.array([0.5, 0.01, 0.5])).tolist()
    [2.0, 10.0, 1.0]
    """
    chance = np.asarray(propensities, dtype=np.float64)
    if chance.shape != np.shape(clicks) or not (chance > 0).all():
        raise ArgumentError(
            "inverse_propensity",
            received=f"{chance.size} propensities, the least {chance.min(initial=1):g}",
            expected=f"one above 0 for each of {np.size(clicks)} rows",
        )
    return np.where(np.asarray(clicks) > 0, np.minimum(1 / chance, most), 1.0).astype(np.float32)
