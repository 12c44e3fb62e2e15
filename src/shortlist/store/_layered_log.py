"""A log that grows: sorted layers, small ones on top of a large one."""

from collections.abc import Mapping
from functools import partial, reduce
from typing import final

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, ArrayLog, Attribute, Of, Ragged
from shortlist.store._event_columns import Attributes

__all__ = ["LayeredLog"]

Positions = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Columns = Mapping[str, Positions]

_SMALL = 1024
_RATIO = 4
_NOTHING: Columns = {}


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
        self.n_items = base.n_items
        self._attributes = base.attributes

    def __len__(self) -> int:
        return sum(map(len, self._layers))

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """Columns that follow from the user or the item of an event."""
        return self._attributes

    def grow(self, n_items: int, added: pl.DataFrame) -> None:
        """Let events that are appended from now on be of more items, at the end of the catalogue.

        Args:
            n_items: how many there are.
            added: rows of those that came since the log was made.
        """
        if isinstance(self._attributes, Attributes):
            self._attributes = self._attributes.grown(added)
        self.n_items = n_items

    def append(
        self,
        users: Positions,
        items: Positions,
        times: Positions,
        weights: Weights,
        columns: Mapping[str, Array] = _NOTHING,
    ) -> None:
        """Add events; among equal times they come after all earlier ones."""
        fresh = ArrayLog(users, items, times, weights, self.n_items, columns, self._attributes)
        layers = [*self._layers, fresh]
        while len(layers) > 2 and _merges(layers[-2], layers[-1]):
            layers[-2:] = [self._joined(layers[-2:])]
        if len(layers) == 2 and len(layers[1]) * _RATIO > max(len(layers[0]), _SMALL):
            layers = [self._joined(layers)]
        self._layers = tuple(layers)

    def flattened(self) -> ArrayLog:
        """All events in one layer, in the order they came."""
        return self._joined(list(self._layers))

    def history(
        self, users: Positions, before: Positions, limit: int, names: tuple[str, ...] = ()
    ) -> tuple[Ragged, ...]:
        """The last ``limit`` items of each user before a time, oldest first, their times, further columns."""
        parts = [layer.history(users, before, limit, names) for layer in self._layers]
        return _newest(parts, [part[1] for part in parts], limit)

    def recent(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        before: Positions,
        limit: int,
        *,
        names: tuple[str, ...],
        columns: Columns = _NOTHING,
    ) -> tuple[Ragged, ...]:
        """Columns of the last ``limit`` events, positive or not, of each before a time, oldest first."""
        asked = (*names, "time")
        parts = [
            layer.recent(of, users, items, before, limit, names=asked, columns=columns)
            for layer in self._layers
        ]
        return _newest(parts, [part[-1] for part in parts], limit)[:-1]

    def counts(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Columns = _NOTHING,
    ) -> Positions:
        """How many positive events each entity had in [since, before)."""
        asked = (of, users, items, since, before)
        return reduce(np.add, [layer.counts(*asked, columns=columns) for layer in self._layers])

    def first(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Columns = _NOTHING,
    ) -> Positions:
        """Time of the first positive event of each entity in [since, before), -1 for none."""
        asked = (of, users, items, since, before)
        parts = [layer.first(*asked, columns=columns) for layer in self._layers]
        return reduce(partial(_chosen, np.minimum), parts)

    def last(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Columns = _NOTHING,
    ) -> Positions:
        """Time of the last positive event of each entity in [since, before), -1 for none."""
        asked = (of, users, items, since, before)
        parts = [layer.last(*asked, columns=columns) for layer in self._layers]
        return reduce(partial(_chosen, np.maximum), parts)

    def totals(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        name: str,
        columns: Columns = _NOTHING,
    ) -> tuple[Positions, Floats]:
        """How many numbers the events of each entity in [since, before) have in a column, and their sum."""
        asked = (of, users, items, since, before)
        parts = [layer.totals(*asked, name=name, columns=columns) for layer in self._layers]
        return reduce(np.add, [count for count, _ in parts]), reduce(np.add, [total for _, total in parts])

    def popularity(self, since: int, before: int) -> npt.NDArray[np.float64]:
        """Float64 [n_items]: weighted number of positive events of every item in [since, before)."""
        layers = self._layers  # those of a moment before the catalogue is looked at: they are of fewer items
        total = np.zeros(self.n_items)
        for layer in layers:
            counts = layer.popularity(since, before)
            total[: len(counts)] += counts
        return total

    def _joined(self, layers: list[ArrayLog]) -> ArrayLog:
        weights = [
            layer.weights if len(layer.weights) else np.ones(len(layer), dtype=np.float32) for layer in layers
        ]
        names = layers[0].columns
        return ArrayLog(
            np.concatenate([layer.users for layer in layers]),
            np.concatenate([layer.items for layer in layers]),
            np.concatenate([layer.times for layer in layers]),
            np.concatenate(weights),
            self.n_items,
            {name: np.concatenate([layer.columns[name] for layer in layers]) for name in names},
            self._attributes,
        )


def _newest(parts: list[tuple[Ragged, ...]], times: list[Ragged], limit: int) -> tuple[Ragged, ...]:
    """The last events of each row out of those of all layers."""
    filled = [place for place, found in enumerate(times) if len(found.values)]
    if len(filled) <= 1:
        return parts[filled[0] if filled else 0]
    when = np.concatenate([times[place].values for place in filled])
    rows = np.concatenate([times[place].row_of for place in filled])
    order = np.lexsort((when, rows))
    offsets = np.zeros(len(times[0]) + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=len(times[0])), out=offsets[1:])
    columns = zip(*(parts[place] for place in filled), strict=True)
    return tuple(
        Ragged(np.concatenate([part.values for part in column])[order], offsets).last(limit)
        for column in columns
    )


def _chosen(choose: np.ufunc, one: Positions, other: Positions) -> Positions:
    """One of two times each; -1 is no time."""
    return np.where(one == -1, other, np.where(other == -1, one, choose(one, other)))


def _merges(lower: ArrayLog, upper: ArrayLog) -> bool:
    return len(lower) < _SMALL or len(upper) * _RATIO > len(lower)
