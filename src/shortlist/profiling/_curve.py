"""How unevenly events fall on items (the popularity curve) or on users (the activity curve)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shortlist.profiling._values import Counts, Values, Weights

__all__ = ["Curve", "curve"]

_POINTS = 101
_SHARES = (0.01, 0.1, 0.5)
_QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class Curve:
    """Events by item (or by user).

    Attributes:
        column: the column of the ids.
        distinct: number of ids.
        events: number of events with an id.
        shares: share of the ids, the busiest first -> share of the events they have.
        gini: 0 when all ids have as many events, near 1 when one has them all (Gini, 1912).
        once: share of the ids with one event.
        mean: events of an id on average.
        quantiles: share of the ids -> events that these have at the most.
        points: share of ids and share of events, for a plot: the Lorenz curve from its top.
        exact: whether every id was counted; otherwise it is an estimate from a sample of the ids.
    """

    column: str
    distinct: int
    events: int
    shares: Mapping[float, float]
    gini: float
    once: float
    mean: float
    quantiles: Mapping[float, int]
    points: tuple[tuple[float, float], ...]
    exact: bool


def curve(column: str, values: Values) -> Curve:
    """The curve of a column of ids.

    >>> import polars as pl
    >>> from shortlist.profiling._values import count_values
    >>> found = curve("item", count_values(pl.Series(["a"] * 8 + ["b", "c"])))
    >>> round(found.shares[0.5], 4), round(found.gini, 4), round(found.once, 4)
    (0.85, 0.4667, 0.6667)
    """
    counts, weights = values.weighted()
    if len(counts) == 0:
        nothing = dict.fromkeys(_SHARES, 0.0)
        return Curve(column, 0, 0, nothing, 0.0, 0.0, 0.0, dict.fromkeys(_QUANTILES, 0), (), exact=True)
    ids, held = np.cumsum(weights), np.cumsum(counts * weights)
    x, y = np.concatenate([[0.0], ids / ids[-1]]), np.concatenate([[0.0], held / held[-1]])
    grid = np.linspace(0.0, 1.0, _POINTS) ** 2  # finer where the curve is steep
    return Curve(
        column=column,
        distinct=values.distinct,
        events=values.total,
        shares={share: float(np.interp(share, x, y)) for share in _SHARES},
        gini=float(np.sum(np.diff(x) * (y[1:] + y[:-1])) - 1.0),
        once=float(weights[counts == 1].sum() / ids[-1]),
        mean=float(held[-1] / ids[-1]),
        quantiles=_quantiles(counts, weights),
        points=tuple(zip(grid.tolist(), np.interp(grid, x, y).tolist(), strict=True)),
        exact=values.exact,
    )


def _quantiles(counts: Counts, weights: Weights) -> dict[float, int]:
    """The smallest number of events that at least such a share of the ids does not exceed."""
    rising, below = counts[::-1], np.cumsum(weights[::-1]) / weights.sum()
    places = np.searchsorted(below, np.array(_QUANTILES) - 1e-12)
    return {
        share: int(rising[min(place, len(rising) - 1)])
        for share, place in zip(_QUANTILES, places, strict=True)
    }
