"""Entities and times in one sorted array of integers."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from shortlist.data._workspace import LARGEST, Workspace, places_in

__all__ = ["Marks"]

Positions = npt.NDArray[np.int64]

_TABLES = 8


class Marks:
    """How many events come before an entity and a time, in the order of entity, then time.

    An event is one integer, its mark: the number of its entity times ``ranks``, and its place in the order of
    time. A time is asked for by its rank: how many events come before it. Marks are found by binary search.
    The first and the last rank have a table by entity, unless most entities have no event; another rank gets
    one when it is asked again, or of all entities at once, and the last 8 of these are kept.

    Attributes:
        events: int64 [E], the events in this order.

    Args:
        marks: int64 [E], the marks, rising.
        order: the events in the order of time, those that are left out included.
        space: where large arrays are made.

    >>> marks = Marks.of(np.array([7, 5, 7]))
    >>> marks.before(np.array([5, 7, -1]), np.array([2])).tolist(), marks.events.tolist()
    ([1, 2, 0], [1, 0, 2])
    """

    def __init__(self, marks: Positions, order: Positions, space: Workspace) -> None:
        ranks = len(order) + 1
        self.events = space.filled(len(marks), lambda part: order[marks[part] % ranks], np.int64)
        self._marks = marks
        self._ranks = ranks
        self._size = int(self._marks[-1]) // ranks + 1 if len(marks) else 0
        self._tables: dict[int, Positions | None] = {}

    @classmethod
    def of(cls, numbers: Positions) -> "Marks":
        """Marks of events in the order of time, by the number of their entity; -1 leaves one out."""
        return cls.made(lambda part: numbers[part], np.arange(len(numbers)), Workspace())

    @classmethod
    def made(cls, numbers: Callable[[slice], Positions], order: Positions, space: Workspace) -> "Marks":
        """`of`, with the numbers given part by part, for events of another order."""
        ranks = len(order) + 1

        def marked(part: slice) -> Positions:
            found = numbers(part)
            return np.where(found < 0, LARGEST, found * ranks + np.arange(part.start, part.stop))

        marks = space.ranked(space.filled(len(order), marked, np.int64))
        return cls(marks[: int(marks.searchsorted(LARGEST))], order, space)

    def before(self, numbers: Positions, rank: Positions) -> Positions:
        """int64 [N]: events of smaller entities, and events of the entity itself of a smaller rank.

        Args:
            numbers: int64 [N], entities; -1 stands before all of them.
            rank: int64 [N], or [1] for one rank for all.
        """
        table = self._table(int(rank[0]), len(numbers)) if len(rank) == 1 else None
        if table is None:
            return places_in(self._marks, numbers * self._ranks + rank)
        place: Positions = table[np.minimum(numbers, self._size) + 1]
        return place

    def _table(self, rank: int, asked: int) -> Positions | None:
        """What is before each entity from -1 to one beyond the largest, if it is worth having."""
        if rank in (0, self._ranks - 1) and self._size <= 8 * len(self._marks) + 64:
            return self._starts[0 if rank == 0 else 1 :]
        if self._size > 32 * asked:
            return None
        table = self._tables.get(rank)
        if table is None:
            if rank in self._tables or self._size <= asked:
                table = self._marks.searchsorted(np.arange(-1, self._size + 1) * self._ranks + rank)
            # A new dictionary: another thread may be reading the old one.
            kept = [pair for pair in self._tables.items() if pair[0] != rank][1 - _TABLES :]
            self._tables = {**dict(kept), rank: table}
        return table

    @cached_property
    def _starts(self) -> Positions:
        """Events before each entity, from -1 to two beyond the largest."""
        return self._marks.searchsorted(np.arange(-1, self._size + 2) * self._ranks)
