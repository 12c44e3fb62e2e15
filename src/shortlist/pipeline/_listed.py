"""Items that somebody chose."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np

from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError
from shortlist.pipeline._stage import CANDIDATES, SCORES, WritePart, count_of
from shortlist.pipeline._state import State

__all__ = ["Listed"]


@final
@dataclass(frozen=True)
class Listed:
    """The same items for everybody, in the order in which they are given: a hand-made list.

    The score of n items is n for the first down to 1. Items that the catalogue lacks or does not show are
    left out.

    Attributes:
        items: raw ids, each once.
        k: most candidates of a request; None for all of them.
        name: what traces and answers call it.

    Raises:
        ArgumentError: there are no items, or one stands twice.
    """

    items: tuple[Any, ...]
    k: int | None = None
    name: str = "listed"
    needs: ClassVar[tuple[str, ...]] = ()
    gives: ClassVar[tuple[str, ...]] = (CANDIDATES, SCORES)

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(self.items))
        if not self.items or len({str(item) for item in self.items}) < len(self.items):
            raise ArgumentError("Listed.items", received=self.items, expected="raw item ids, each once")
        if self.k is not None:
            count_of(self.k, "Listed.k")

    def limited(self, k: int) -> "Listed":
        """The same with at most ``k`` candidates a request."""
        return replace(self, k=k if self.k is None else min(self.k, k))

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:  # noqa: ARG002
        """Find the items in the catalogue."""
        known = state.items.positions(self.items)
        known = known[known >= 0]
        shown = known[state.allowed()[known]] if len(known) else known
        wide = np.broadcast_to(shown[: self.k], (len(requests), len(shown[: self.k])))
        scores = np.arange(len(shown), 0, -1, dtype=np.float32)[: self.k]
        return Candidates.of(wide, np.broadcast_to(scores, wide.shape), self.name)

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:  # noqa: ARG002
        """See `PlainStage`."""
        return {"kind": "listed", "items": list(self.items), "k": self.k, "name": self.name}
