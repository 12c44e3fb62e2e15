"""Ranks among a few drawn items instead of the whole catalogue: for comparison with old figures only."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.data import Ragged
from shortlist.errors import ArgumentError
from shortlist.metrics._names import MetricName
from shortlist.metrics._pessimistic import hits_at

__all__ = ["sampled_hits"]

Items: TypeAlias = npt.NDArray[np.int64]


def sampled_hits(
    name: MetricName,
    lists: Items,
    truth: Ragged,
    weights: npt.NDArray[Any],
    *,
    excluded: Ragged | None = None,
    seed: int = 0,
) -> npt.NDArray[np.bool_]:
    """Hits [Q, k] of the truth among items drawn for each query.

    For each query ``name.negatives`` items are drawn without replacement, none of its truth; they and the
    truth stand in the order of the query's list. What the list does not hold stands behind what it holds, the
    truth last. Fewer are drawn where fewer can be.

    Args:
        name: how many, how they are drawn, and the cut.
        lists: the full rankings, int64 [Q, K], best first, -1 for none.
        truth: Q sorted lists of relevant items; those past the end of the catalogue are never found.
        weights: [N] of the catalogue: 0 for an item that is not drawn; with ``draw="popularity"`` the others
            are drawn in proportion to it.
        excluded: Q lists of items that are not drawn either, such as those seen.
        seed: of the draws.

    Raises:
        ArgumentError: the name asks for no sample, or the shapes disagree.
    """
    if name.negatives is None or len(lists) != len(truth):
        raise ArgumentError(
            "metrics.sampled_hits",
            received=f"{name.text}, {len(lists)} lists, {len(truth)} lists of truth",
            expected="a sampled metric, and a list for each",
        )
    chances = np.where(weights > 0, weights if name.draw == "popularity" else 1.0, 0.0)
    cumulative = np.cumsum(chances)
    ranks = np.empty(len(truth.values), dtype=np.int64)
    place = np.zeros(len(weights) + 1, dtype=np.int64)
    never = np.iinfo(np.int64).max
    for query in range(len(lists)):
        own = truth.row(query)
        out = own if excluded is None else np.concatenate([own, excluded.row(query)])
        drawn = _drawn(cumulative, name.negatives, out, np.random.default_rng((seed, query)))
        order = lists[query][lists[query] >= 0]
        place[order] = np.arange(1, len(order) + 1)
        known = np.where(own < len(weights), own, len(weights))
        own_place, drawn_place = place[known], np.sort(place[drawn][place[drawn] > 0])
        above = np.searchsorted(drawn_place, own_place)
        if name.corrected:
            above = (np.count_nonzero(chances) - 1) * above // max(len(drawn), 1)
        among_own = np.argsort(np.argsort(own_place, kind="stable"), kind="stable")
        among_own = among_own - np.count_nonzero(own_place == 0)
        rank = np.where(own_place > 0, 1 + above + among_own, never)
        ranks[truth.offsets[query] : truth.offsets[query + 1]] = rank
        place[order] = 0
    return hits_at(ranks, truth.offsets, name.k)


def _drawn(cumulative: npt.NDArray[np.float64], count: int, out: Items, rng: np.random.Generator) -> Items:
    """Distinct items in proportion to the steps of ``cumulative``, none of ``out``."""
    able = np.diff(cumulative, prepend=0.0) > 0
    able[out[out < len(able)]] = False
    left = int(np.count_nonzero(able))
    if left <= count:
        return np.flatnonzero(able)
    if left <= 2 * count:
        chances = np.diff(cumulative, prepend=0.0)[able]
        return rng.choice(np.flatnonzero(able), count, replace=False, p=chances / chances.sum())
    found = np.zeros(0, dtype=np.int64)
    while len(found) < count:
        more = np.searchsorted(cumulative, rng.random(2 * count) * cumulative[-1], side="right")
        more = np.concatenate([found, more[able[more]]])
        _, first = np.unique(more, return_index=True)
        found = more[np.sort(first)]
    return found[:count]
