"""Values of metrics per query, each in the way its name asks for."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shortlist import metrics as m
from shortlist.data import Ragged
from shortlist.errors import ArgumentError
from shortlist.evaluation._asked import Asked
from shortlist.metrics import MetricName

__all__ = ["depth", "values_of"]

Values = npt.NDArray[np.float64]

_EVER = np.iinfo(np.int64).min
_MOST_PLACES = 2**29


def depth(names: Sequence[MetricName], items: int, users: int) -> int:
    """How many items a list must hold: the largest cut, or the whole catalogue for a sampled metric.

    Raises:
        ArgumentError: a sampled metric over more users than whole rankings fit into memory.
    """
    deep = [name.text for name in names if name.negatives is not None]
    if deep and users * items > _MOST_PLACES:
        raise ArgumentError(
            f"evaluate, {deep[0]}",
            received=f"{users:,} users of a catalogue of {items:,}: {8 * users * items / 2**30:.0f} GB",
            expected=f"at most {8 * _MOST_PLACES / 2**30:.0f} GB: the whole ranking of each user is kept",
            remedy="evaluate fewer users, or leave the sample away: the metric over the catalogue costs less",
        )
    return max(items, 1) if deep else max(name.k for name in names)


def values_of(
    asked: Asked, model: str, names: Sequence[MetricName], *, drop_seen: bool, seed: int
) -> dict[str, Values]:
    """Name -> float64 [Q]; NaN where a query has nothing to find under that name.

    Args:
        asked: the lists and the truth.
        model: whose lists.
        names: the metrics.
        drop_seen: whether seen items were filtered, so that they are not drawn for a sampled metric either.
        seed: of draws and thinning; the same for all models.
    """
    truth = asked.truth.items
    found = m.hits(asked.of_queries(model, asked.k), truth.offsets, truth.values)
    return {
        name.text: _thinned(asked, model, name, seed)
        if name.debiased is not None
        else name.metric(
            found if name.negatives is None else _sampled(asked, model, name, drop_seen=drop_seen, seed=seed),
            truth.lengths,
            name.k,
        )
        for name in names
    }


def _thinned(asked: Asked, model: str, name: MetricName, seed: int) -> Values:
    truth = asked.truth.items
    assert name.debiased is not None
    kept = truth.keep(m.debiased_truth(truth.values, name.debiased, seed=seed))
    found = m.hits(asked.of_queries(model, name.k), kept.offsets, kept.values)
    return name.metric(found, kept.lengths, name.k)


def _sampled(
    asked: Asked, model: str, name: MetricName, *, drop_seen: bool, seed: int
) -> npt.NDArray[np.bool_]:
    state, truth = asked.state, asked.truth
    listed = np.asarray(state.store.listed)
    weights = listed * (state.store.popularity(_EVER, state.now) if name.draw == "popularity" else 1.0)
    excluded: Ragged | None = asked.histories().take(truth.query_user) if drop_seen else None
    lists = asked.of_queries(model, asked.lists[model].shape[1])
    return m.sampled_hits(name, lists, truth.items, weights, excluded=excluded, seed=seed)
