"""Business rules that raise or lower scores."""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError
from shortlist.pipeline._facts import chosen, one_choice, rules_of
from shortlist.pipeline._stage import CANDIDATES, SCORES, WritePart
from shortlist.pipeline._state import State

__all__ = ["Boost"]


@final
@dataclass(frozen=True)
class Boost:
    """Raises or lowers the scores of some candidates, and puts all in the new order.

    A score s becomes ``s multiply + add``, a negative one ``s / multiply + add``: a factor above 1 raises
    every score, one below 1 lowers it.

    Attributes:
        where: condition on an item column, or on one that a stage gave, such as ``"margin > 0.3"``.
        items: raw ids of items, instead of a condition or within it.
        multiply: factor above 0.
        add: what is added, in the unit of the scores.
        when: condition on the request's context or on a column of the user, such as ``"country == 'DE'"``;
            requests for which it does not hold are left alone.
        name: what traces call it.

    Raises:
        ArgumentError: no items are named, nothing is done to them, or a condition cannot be read.
    """

    where: str | None = None
    items: tuple[Any, ...] = ()
    multiply: float = 1.0
    add: float = 0.0
    when: str | None = None
    name: str = "boost"
    gives: ClassVar[tuple[str, ...]] = (SCORES,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(self.items))
        one_choice(self.where, self.items, "Boost")
        rules_of(self.where, self.when)
        wrong = not 0 < self.multiply < np.inf or not np.isfinite(self.add)
        if wrong or (self.multiply == 1 and self.add == 0):
            raise ArgumentError(
                "Boost",
                received=f"multiply={self.multiply}, add={self.add}",
                expected="a factor above 0 other than 1, or something to add",
            )

    @property
    def needs(self) -> tuple[str, ...]:
        """Candidates with scores, and the column of the condition."""
        return CANDIDATES, SCORES, *(rule.column for rule in rules_of(self.where))

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Change the scores of those that the rule is about."""
        mask = chosen(candidates, requests, state, where=self.where, items=self.items, asked=self.when)
        scores = candidates.scores
        factor = np.where(scores < 0, 1 / self.multiply, self.multiply)
        raised = (scores * factor + self.add).astype(np.float32)
        return candidates.with_scores(np.where(mask, raised, scores)) if mask.any() else candidates

    def told(self, before: Candidates, after: Candidates) -> tuple[str, ...]:
        """How many scores were changed."""
        one, other = (found.scores[np.lexsort((found.items, found.query_of))] for found in (before, after))
        count = int(np.count_nonzero(one != other))
        return (f"changed {count} of {len(other)} scores",)

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:  # noqa: ARG002
        """See `PlainStage`."""
        return {
            "kind": "boost",
            "where": self.where,
            "items": list(self.items),
            "multiply": self.multiply,
            "add": self.add,
            "when": self.when,
            "name": self.name,
        }
