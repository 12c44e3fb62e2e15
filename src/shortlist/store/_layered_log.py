"""A log that grows: sorted layers, small ones on top of a large one."""

from functools import partial, reduce
from typing import final

import numpy as np
import numpy.typing as npt

from shortlist.data import ArrayLog, Entity, Ragged

__all__ = ["LayeredLog"]

Positions = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]

_SMALL = 1024
_RATIO = 4


@final
class LayeredLog:
    """An `EventLog` made of `ArrayLog` layers, oldest first; what is appended is seen by the next question.

    Every append makes a layer. A layer is merged with the one below it while it is small (under 1024 events)
    or more than a quarter of it, so E events lie in O(log E) layers and each is sorted O(log E) times.
    Readers never wait: they use the layers as they were when their question began. Appends must come from
    one thread at a time.

    >>> log = LayeredLog(ArrayLog(np.array([0]), np.array([5]), np.array([10]), n_items=7))
    >>> log.append(np.array([0]), np.array([6]), np.array([20]), np.ones(1, np.float32))
    >>> log.history(np.array([0]), np.array([21]), limit=10)[0].to_lists()
    [[5, 6]]
    """

    def __init__(self, base: ArrayLog) -> None:
        self._layers: tuple[ArrayLog, ...] = (base,)

    def __len__(self) -> int:
        return sum(map(len, self._layers))

    def append(self, users: Positions, items: Positions, times: Positions, weights: Weights) -> None:
        """Add events; among equal times they come after all earlier ones."""
        layers = [*self._layers, ArrayLog(users, items, times, weights, self._layers[0].n_items)]
        while len(layers) > 2 and _merges(layers[-2], layers[-1]):
            layers[-2:] = [_concatenated(layers[-2:])]
        if len(layers) == 2 and len(layers[1]) * _RATIO > max(len(layers[0]), _SMALL):
            layers = [_concatenated(layers)]
        self._layers = tuple(layers)

    def flattened(self) -> ArrayLog:
        """All events in one layer, in the order they came."""
        return _concatenated(list(self._layers))

    def history(self, users: Positions, before: Positions, limit: int) -> tuple[Ragged, Ragged]:
        """The last ``limit`` items of each user before a time, oldest first, and their times."""
        parts = [layer.history(users, before, limit) for layer in self._layers]
        filled = [part for part in parts if len(part[0].values)]
        if len(filled) <= 1:
            return filled[0] if filled else parts[0]
        rows = np.concatenate([times.row_of for _, times in filled])
        times = np.concatenate([times.values for _, times in filled])
        items = np.concatenate([items.values for items, _ in filled])
        order = np.lexsort((times, rows))
        offsets = np.zeros(len(users) + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows, minlength=len(users)), out=offsets[1:])
        return Ragged(items[order], offsets).last(limit), Ragged(times[order], offsets).last(limit)

    def counts(
        self, of: Entity, users: Positions, items: Positions, since: Positions, before: Positions
    ) -> Positions:
        """How many events each user, item or pair had in [since, before)."""
        parts = [layer.counts(of, users, items, since, before) for layer in self._layers]
        return reduce(np.add, parts)

    def first(
        self, of: Entity, users: Positions, items: Positions, since: Positions, before: Positions
    ) -> Positions:
        """Time of the first event of each in [since, before), -1 for none."""
        parts = [layer.first(of, users, items, since, before) for layer in self._layers]
        return reduce(partial(_chosen, np.minimum), parts)

    def last(
        self, of: Entity, users: Positions, items: Positions, since: Positions, before: Positions
    ) -> Positions:
        """Time of the last event of each in [since, before), -1 for none."""
        parts = [layer.last(of, users, items, since, before) for layer in self._layers]
        return reduce(partial(_chosen, np.maximum), parts)

    def popularity(self, since: int, before: int) -> npt.NDArray[np.float64]:
        """Float64 [n_items]: weighted number of events of every item in [since, before)."""
        layers = self._layers
        counts = layers[0].popularity(since, before)
        for layer in layers[1:]:
            counts += layer.popularity(since, before)
        return counts


def _chosen(choose: np.ufunc, one: Positions, other: Positions) -> Positions:
    """One of two times each; -1 is no time."""
    return np.where(one == -1, other, np.where(other == -1, one, choose(one, other)))


def _merges(lower: ArrayLog, upper: ArrayLog) -> bool:
    return len(lower) < _SMALL or len(upper) * _RATIO > len(lower)


def _concatenated(layers: list[ArrayLog]) -> ArrayLog:
    weights = [
        layer.weights if len(layer.weights) else np.ones(len(layer), dtype=np.float32) for layer in layers
    ]
    return ArrayLog(
        np.concatenate([layer.users for layer in layers]),
        np.concatenate([layer.items for layer in layers]),
        np.concatenate([layer.times for layer in layers]),
        np.concatenate(weights),
        layers[0].n_items,
    )
