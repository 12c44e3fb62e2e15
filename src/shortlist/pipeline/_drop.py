"""Taking candidates out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Candidates, Ragged, Requests
from shortlist.errors import ArgumentError, PipelineError
from shortlist.pipeline._facts import column_of, rules_of, when
from shortlist.pipeline._rule import Rule
from shortlist.pipeline._stage import CANDIDATES, WritePart
from shortlist.pipeline._state import State

__all__ = ["Drop", "Mask", "drop_listed"]

Mask = Callable[[Requests, Candidates, State], npt.NDArray[np.bool_]]


@final
@dataclass(frozen=True)
class Drop:
    """Takes candidates out and keeps the reason.

    Attributes:
        seen: take out what the user took before the request, and what the request says was just seen.
        where: take out items for which this condition holds, such as ``"adult == true"``, or a function of
            requests, candidates and state that gives bool [N], true for those to go.
        unless: take out items for which this condition does not hold, such as ``"stock > 0"``.
        reason: what traces call ``where`` and ``unless``; their own text by default.
        name: what traces call the stage.
        when: condition on the request's context or on a column of the user, such as ``"age < 18"``; requests
            for which it does not hold keep all of their candidates.

    Raises:
        ArgumentError: there is nothing to drop by, or a condition cannot be read.
    """

    seen: bool = False
    where: str | Mask | None = None
    unless: str | None = None
    reason: str | None = None
    name: str = "drop"
    when: str | None = None
    gives: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if not self.seen and self.where is None and self.unless is None:
            raise ArgumentError(
                "Drop",
                received="no condition",
                expected="seen, where or unless",
                remedy='write Drop(seen=True), or Drop(unless="stock > 0")',
            )
        _ = self._rules, rules_of(self.when)

    @property
    def needs(self) -> tuple[str, ...]:
        """Candidates, and the columns of the conditions."""
        return CANDIDATES, *(rule.column for rule, _ in self._rules)

    @property
    def _rules(self) -> tuple[tuple[Rule, bool], ...]:
        """Conditions, each with the truth value that takes an item out."""
        where = () if self.where is None or callable(self.where) else ((rules_of(self.where)[0], True),)
        unless = () if self.unless is None else ((rules_of(self.unless)[0], False),)
        return (*where, *unless)

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Ask each condition in turn."""
        spared = None if self.when is None else ~when(self.when, requests, state)

        def kept(candidates: Candidates, mask: npt.NDArray[np.bool_], reason: str) -> Candidates:
            mask = mask if spared is None else mask | spared[candidates.query_of]
            return candidates.keep(mask, reason=reason)

        if self.seen:
            lists = state.histories(requests)
            lists = lists if spared is None else lists.keep(~spared[lists.row_of])
            candidates = drop_listed(candidates, lists, len(state.items), "seen")
        if callable(self.where):
            gone = np.asarray(self.where(requests, candidates, state), dtype=np.bool_)
            if len(gone) != len(candidates.items):
                raise PipelineError(
                    f"stage {self.name!r}",
                    received=f"{len(gone)} answers for {len(candidates.items)} candidates",
                    expected="one for each candidate",
                )
            candidates = kept(candidates, ~gone, self.reason or "rule")
        for rule, verdict in self._rules:
            holds = rule.holds(column_of(rule.column, candidates, state))
            text = str(rule) if verdict else f"not {rule}"
            candidates = kept(candidates, holds != verdict, self.reason or text)
        return candidates

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:  # noqa: ARG002
        """See `PlainStage`."""
        if callable(self.where):
            raise PipelineError(
                f"stage {self.name!r}",
                received="a function",
                expected="a condition on a column",
                remedy='write the rule as text, such as "stock <= 0"; functions cannot be saved',
            )
        return {
            "kind": "drop",
            "seen": self.seen,
            "where": self.where,
            "unless": self.unless,
            "reason": self.reason,
            "name": self.name,
            "when": self.when,
        }


def drop_listed(candidates: Candidates, lists: Ragged, items: int, reason: str) -> Candidates:
    """Take out, for each query, the items of its own list (positions of a catalogue of ``items``)."""
    if len(lists.values) == 0 or len(candidates.items) == 0:
        return candidates
    if len(candidates) == 1:
        own = np.sort(lists.values)
        place = np.minimum(own.searchsorted(candidates.items), len(own) - 1)
        return candidates.keep(own[place] != candidates.items, reason=reason)
    listed_pairs = np.unique(lists.row_of * items + lists.values)
    pairs = candidates.query_of * items + candidates.items
    place = np.minimum(np.searchsorted(listed_pairs, pairs), len(listed_pairs) - 1)
    return candidates.keep(listed_pairs[place] != pairs, reason=reason)
