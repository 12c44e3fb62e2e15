"""What a stage is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, final, runtime_checkable

from shortlist.data import Candidates, Requests
from shortlist.pipeline._state import State

__all__ = ["CANDIDATES", "SCORES", "Apply", "PlainStage", "Source", "Stage", "WritePart", "is_source"]

CANDIDATES = "candidates"
SCORES = "scores"

WritePart = Callable[[str, Any], str]


class Stage(Protocol):
    """Candidates to candidates.

    ``needs`` and ``gives`` name what must be there before and what is there after: ``"candidates"``,
    ``"scores"``, and names of columns. A stage that gives candidates without needing them is a source.
    """

    @property
    def name(self) -> str:
        """What the trace calls it."""

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be there before."""

    @property
    def gives(self) -> tuple[str, ...]:
        """What is there after, beside what was there before."""

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """The candidates after this stage, for every request independently of the others."""


@runtime_checkable
class Source(Protocol):
    """A source that can be told how many candidates are enough."""

    def limited(self, k: int) -> "Stage":
        """The same source with at most ``k`` candidates a request."""


@runtime_checkable
class PlainStage(Protocol):
    """A stage that can be saved."""

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:
        """Plain data; objects with files go through ``write_part(name, object) -> part``."""


@final
@dataclass(frozen=True)
class Apply:
    """Any function as a stage.

    Attributes:
        function: ``function(requests, candidates, state) -> candidates``.
        name: what the trace calls it.
        needs: what must be there before, see `Stage`.
        gives: what is there after, beside what was there before.

    >>> reverse = Apply(lambda requests, found, state: found.with_scores(-found.scores), "reverse")
    >>> reverse.needs
    ('candidates',)
    """

    function: Callable[[Requests, Candidates, State], Candidates]
    name: str
    needs: tuple[str, ...] = (CANDIDATES,)
    gives: tuple[str, ...] = ()

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Call the function."""
        return self.function(requests, candidates, state)


def is_source(stage: Stage) -> bool:
    """Whether a stage finds candidates instead of working on some."""
    return CANDIDATES in stage.gives and CANDIDATES not in stage.needs
