"""Events as they are appended."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Ragged
from shortlist.errors import ArgumentError

__all__ = ["Came", "as_appended", "within"]

Times = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]


@dataclass
class Came:
    """What is known of all events that came.

    Attributes:
        until: one microsecond after the newest.
        unknown_items: how many are of an item that was unknown when they came.
    """

    until: int
    unknown_items: int

    def meet(self, times: Times, items: npt.NDArray[np.int64]) -> None:
        """Count further ones."""
        self.unknown_items += int((items < 0).sum())
        self.until = max(self.until, int(times.max()) + 1)


def as_appended(
    users: Any, items: Any, times: Times, weights: Weights | None
) -> tuple[list[Any], list[Any], Times, Weights]:
    """Users and items as lists, times and weights as arrays, of weight 1 by default.

    Raises:
        ArgumentError: there are not as many of each.
    """
    people, things = _plain(users), _plain(items)
    when = np.asarray(times, dtype=np.int64)
    strength = np.ones(len(when), np.float32) if weights is None else np.asarray(weights, np.float32)
    if len({len(people), len(things), len(when), len(strength)}) > 1:
        raise ArgumentError(
            "append_events",
            received=f"lengths {len(people)}, {len(things)}, {len(when)}, {len(strength)}",
            expected="as many users, items, times and weights",
        )
    return people, things, when, strength


def within(found: tuple[Ragged, ...], names: tuple[str, ...], items: int) -> tuple[Ragged, ...]:
    """Columns of events without those of items that came since a catalogue of so many was pinned.

    >>> within((Ragged.of([[0, 7], [1]]),), ("item",), items=5)[0].to_lists()
    [[0], [1]]
    """
    if "item" not in names:
        return found
    positions = found[names.index("item")].values
    if len(positions) == 0 or int(positions.max()) < items:
        return found
    return tuple(column.keep(positions < items) for column in found)


def _plain(ids: Any) -> list[Any]:
    return ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
