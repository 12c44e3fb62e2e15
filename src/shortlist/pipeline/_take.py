"""The end of the list is left out."""

from dataclasses import dataclass
from typing import Any, ClassVar, final

from shortlist.data import Candidates, Requests
from shortlist.pipeline._stage import CANDIDATES, WritePart, count_of
from shortlist.pipeline._state import State

__all__ = ["Take"]


@final
@dataclass(frozen=True)
class Take:
    """At most the first ``k`` candidates of each request.

    Attributes:
        k: how many.
        name: what traces call it.
    """

    k: int
    name: str = "take"
    needs: ClassVar[tuple[str, ...]] = (CANDIDATES,)
    gives: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        count_of(self.k, "Take.k")

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:  # noqa: ARG002
        """Cut."""
        return candidates.first(self.k)

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:  # noqa: ARG002
        """See `PlainStage`."""
        return {"kind": "take", "k": self.k, "name": self.name}
