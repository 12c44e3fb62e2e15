"""Items that did not exist yet at the moment of the evaluation leave the catalogue."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from shortlist.data import Store
from shortlist.errors import SchemaError
from shortlist.pipeline import State

__all__ = ["Launch", "at_launch"]

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Launch:
    """What was left out of the catalogue.

    Attributes:
        left_out: items that may be shown one day, and could not at the moment of the evaluation.
        rule: how that was known, in words.
    """

    left_out: int
    rule: str


def at_launch(state: State) -> tuple[State, Launch]:
    """The state with the catalogue of its present.

    An item column of times with the tag "launch" says since when an item can be shown; null is always. Where
    there is none, an item that the state's own log first saw at or after the present is left out; items
    without any event stay.

    Raises:
        SchemaError: a column of another type is tagged "launch".
    """
    first, rule = _launches(state)
    listed = np.asarray(state.store.listed)
    late = listed & (first >= state.now) & (first < _NEVER)
    if not late.any():
        return state, Launch(0, rule)
    store = cast("Store", _Before(state.store, listed & ~late))
    return State(store=store, now=state.now), Launch(int(late.sum()), rule)


class _Before:
    """A store in which some items may not be shown."""

    def __init__(self, store: Store, listed: npt.NDArray[np.bool_]) -> None:
        self._store = store
        self.listed = listed

    def reading(self, now: int) -> Store:
        store = self._store.reading(now)
        return cast("Store", self if store is self._store else _Before(store, self.listed))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def _launches(state: State) -> tuple[npt.NDArray[np.int64], str]:
    """First moment of each item; the largest int64 where it is not known."""
    columns = [column for column in state.store.item_schema if column.has("launch")]
    if not columns:
        log = state.store.events()
        first = np.full(len(state.items), _NEVER, dtype=np.int64)
        known = log.items >= 0
        np.minimum.at(first, log.items[known], log.times[known])
        return first, "first seen in the log"
    name = columns[0].name
    if columns[0].dtype != "datetime" or columns[0].is_list:
        raise SchemaError(
            f"column {name!r} with the tag 'launch'",
            received=columns[0].dtype,
            expected="a time",
            remedy="parse it as a date and time",
        )
    values = state.store.item_columns(np.arange(len(state.items)), (name,))[name]
    moments = [_NEVER if value is None else int(value) for value in cast("Any", values).tolist()]
    return np.array(moments, dtype=np.int64), f"column {name!r}"
