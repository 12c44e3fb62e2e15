"""Whose events are asked about: users, items, values of columns, and combinations of these."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.data._event_values import NULL
from shortlist.data._members import Members
from shortlist.data._workspace import Workspace
from shortlist.errors import ArgumentError

__all__ = ["Entities", "Entity", "Of", "members_of"]

Entity = Literal["user", "item", "pair"]
Of: TypeAlias = "str | tuple[str, ...]"
Positions = npt.NDArray[np.int64]

_ROOM = 2**62
_POSITIONS = ("user", "item")


@lru_cache(64)
def members_of(of: Of) -> tuple[str, ...]:
    """What an entity is made of: "user", "item" and names of event columns, in this order.

    >>> members_of("pair"), members_of(("category", "user"))
    (('user', 'item'), ('user', 'category'))
    """
    given = ("user", "item") if of == "pair" else (of,) if isinstance(of, str) else of
    first = [member for member in _POSITIONS if member in given]
    return (*first, *(member for member in given if member not in first))


class Entities:
    """Numbers of the entities that events are of, from 0, -1 for what no event is of.

    Users and items alone keep their positions. Values of a column get their place among its values, and
    combinations a place among those that occur.

    Args:
        members: see `members_of`.
        codes: the events' values of a member, part by part; -1 for unknown users and items, NULL for columns.
        size: number of events.
        n_items: number of items.
        space: where large arrays are made.

    Raises:
        ArgumentError: there could be more combinations than integers.
    """

    def __init__(
        self,
        members: tuple[str, ...],
        codes: Callable[[str, slice], Positions],
        size: int,
        n_items: int,
        space: Workspace,
    ) -> None:
        def among(of: Callable[[slice], Positions], nothing: int) -> Members:
            distinct = space.distinct(space.filled(size, of, np.int64))
            known = distinct[distinct != nothing]
            return Members(known) if space.folder is None else Members(known, slots=16 * space.rows)

        def values(member: str) -> Members | None:
            return None if member in _POSITIONS else among(lambda part: codes(member, part), NULL)

        def users() -> int:
            return 1 + max(int(codes("user", part).max(initial=-1)) for part in space.parts(size))

        self._values = [values(member) for member in members]
        sizes = [
            len(own) if own is not None else users() if member == "user" else n_items
            for member, own in zip(members, self._values, strict=True)
        ]
        if np.prod([float(count) for count in sizes]) > _ROOM:
            raise ArgumentError(
                f"events of {members}",
                received=f"{' x '.join(map(str, sizes))} combinations",
                expected=f"at most {_ROOM}",
                remedy="combine fewer columns",
            )
        self._sizes = sizes
        self._known: Members | None = None
        if len(members) > 1:
            self._known = among(lambda part: self._combined([codes(member, part) for member in members]), -1)

    def numbers(self, codes: Sequence[Positions]) -> Positions:
        """int64 [N]: the number of each entity, given the codes of its members."""
        found = self._combined(codes)
        return found if self._known is None else self._known.places(found)

    def _combined(self, codes: Sequence[Positions]) -> Positions:
        found = self._places(0, codes[0])
        for axis in range(1, len(codes)):
            place, size = self._places(axis, codes[axis]), self._sizes[axis]
            # Items that came since the log was made have no events in it.
            known = (found >= 0) & (place >= 0) & (place < size)
            found = np.where(known, found * size + place, -1)
        return found

    def _places(self, axis: int, code: Positions) -> Positions:
        values = self._values[axis]
        return code if values is None else values.places(code)
