"""At most so many of a kind."""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from shortlist.data import Candidates, Requests
from shortlist.pipeline._facts import codes_of, column_of, place_in_group
from shortlist.pipeline._stage import CANDIDATES, WritePart, count_of
from shortlist.pipeline._state import State

__all__ = ["Cap"]


@final
@dataclass(frozen=True)
class Cap:
    """At most so many candidates of each value of a column: the first of them; ``most=1`` leaves one of each.

    Candidates whose value is null are no kind: all of them stay.

    Attributes:
        by: an item column, or one that a stage gave, such as ``"brand"`` or ``"parent_id"``.
        most: candidates of one value.
        within: the rule counts for the first so many places only: what is above the cap stands behind them
            instead of being taken out, and comes up where there is not enough else. None takes out.
        name: what traces call it.

    Raises:
        ArgumentError: a number is below 1.
    """

    by: str
    most: int = 1
    within: int | None = None
    name: str = "cap"
    gives: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        count_of(self.most, "Cap.most")
        if self.within is not None:
            count_of(self.within, "Cap.within")

    @property
    def needs(self) -> tuple[str, ...]:
        """Candidates, and the column."""
        return CANDIDATES, self.by

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:  # noqa: ARG002
        """Count the candidates of each kind from the top."""
        codes = codes_of(column_of(self.by, candidates, state))
        over = place_in_group(candidates.query_of, codes) >= self.most
        if not over.any():
            return candidates
        if self.within is None:
            return candidates.keep(~over, reason=f"over {self.most} of one {self.by}")
        turn = place_in_group(candidates.query_of, (~over).astype(np.int64))
        first = ~over & (turn < self.within)
        return candidates.placed(np.where(first, 0, 1))

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:  # noqa: ARG002
        """See `PlainStage`."""
        return {
            "kind": "cap",
            "by": self.by,
            "most": self.most,
            "within": self.within,
            "name": self.name,
        }
