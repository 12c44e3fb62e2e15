"""Business rules that put items at a place."""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from shortlist.data import Candidates, Requests
from shortlist.pipeline._facts import chosen, one_choice, place_in_group, rules_of
from shortlist.pipeline._stage import CANDIDATES, WritePart, count_of
from shortlist.pipeline._state import State

__all__ = ["Pin"]


@final
@dataclass(frozen=True)
class Pin:
    """Puts candidates at a place of the list; scores stay, the others move aside in their order.

    Only candidates are pinned: have a `Listed` source find items that no other source may find. Put it
    behind the stages that order by scores.

    Attributes:
        place: where the first of them stands, from 1.
        where: condition on an item column, or on one that a stage gave, such as ``"sponsored == true"``.
        items: raw ids of items, instead of a condition or within it.
        most: how many are pinned, the best first; they stand one behind the other.
        when: condition on the request's context or on a column of the user; other requests are left alone.
        name: what traces call it.

    Raises:
        ArgumentError: no items are named, a number is below 1, or a condition cannot be read.
    """

    place: int
    where: str | None = None
    items: tuple[Any, ...] = ()
    most: int = 1
    when: str | None = None
    name: str = "pin"
    gives: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(self.items))
        one_choice(self.where, self.items, "Pin")
        count_of(self.place, "Pin.place")
        count_of(self.most, "Pin.most")
        rules_of(self.where, self.when)

    @property
    def needs(self) -> tuple[str, ...]:
        """Candidates, and the column of the condition."""
        return CANDIDATES, *(rule.column for rule in rules_of(self.where))

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Move the first of those that the rule is about."""
        mask = chosen(candidates, requests, state, where=self.where, items=self.items, asked=self.when)
        query_of = candidates.query_of
        turn = place_in_group(query_of, mask.astype(np.int64))
        pinned = mask & (turn < self.most)
        if not pinned.any():
            return candidates
        counts = np.bincount(query_of[pinned], minlength=len(candidates))
        rest = place_in_group(query_of, pinned.astype(np.int64))
        slots = np.where(rest < self.place - 1, rest, rest + counts[query_of])
        return candidates.placed(np.where(pinned, self.place - 1 + turn, slots))

    def told(self, before: Candidates, after: Candidates) -> tuple[str, ...]:
        """How many lists changed."""
        moved = np.unique(before.query_of[before.items != after.items])
        return (f"moved items of {len(moved)} lists",) if len(moved) else ()

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:  # noqa: ARG002
        """See `PlainStage`."""
        return {
            "kind": "pin",
            "place": self.place,
            "where": self.where,
            "items": list(self.items),
            "most": self.most,
            "when": self.when,
            "name": self.name,
        }
