"""What a stage is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, final, runtime_checkable

from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError, PipelineError
from shortlist.pipeline._state import State

__all__ = [
    "CANDIDATES",
    "PROPENSITY",
    "SCORES",
    "Apply",
    "Ask",
    "Group",
    "PlainStage",
    "Plainly",
    "Source",
    "Stage",
    "Told",
    "Waiting",
    "WritePart",
    "changed",
    "count_of",
    "is_source",
    "leaves",
    "plain_parts",
]

CANDIDATES = "candidates"
SCORES = "scores"
PROPENSITY = "propensity"

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


class Waiting(Protocol):
    """Candidates that are being found."""

    @property
    def failed(self) -> bool:
        """Whether they are not what the source would have given in time and without an error."""

    def __call__(self) -> Candidates:
        """Wait for them."""


Ask = Callable[[Stage, Requests], Waiting]
"""``ask(source, requests)`` begins to find candidates."""


@final
@dataclass
class Plainly:
    """Candidates found when they are waited for; errors are raised."""

    source: Stage
    requests: Requests
    state: State
    failed: bool = False

    def __call__(self) -> Candidates:
        """Run the source."""
        return self.source.run(self.requests, Candidates.empty(len(self.requests)), self.state)


@runtime_checkable
class Group(Protocol):
    """A source made of other sources."""

    @property
    def parts(self) -> tuple[Stage, ...]:
        """The sources it is made of."""

    def with_parts(self, parts: tuple[Stage, ...]) -> "Stage":
        """The same of other sources, as many."""

    def combine(self, requests: Requests, state: State, ask: Ask) -> Candidates:
        """Its candidates, those of its parts asked for through ``ask``."""


@runtime_checkable
class Told(Protocol):
    """A stage that says in words what it did, for the trace."""

    def told(self, before: Candidates, after: Candidates) -> tuple[str, ...]:
        """Notes about one run."""


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


def leaves(stage: Stage) -> Iterator[Stage]:
    """The stage itself, or the sources that it is made of, down to those that are made of none."""
    if isinstance(stage, Group):
        for part in stage.parts:
            yield from leaves(part)
    else:
        yield stage


def changed(stage: Stage, change: Callable[[Stage], Stage]) -> Stage:
    """The stage with each of its `leaves` replaced by what ``change`` makes of it."""
    if isinstance(stage, Group):
        return stage.with_parts(tuple(changed(part, change) for part in stage.parts))
    return change(stage)


def plain_parts(stage: Stage, parts: tuple[Stage, ...], write_part: WritePart) -> list[dict[str, Any]]:
    """The parts of a stage as plain data.

    Raises:
        PipelineError: a part cannot be saved.
    """
    odd = [part.name for part in parts if not isinstance(part, PlainStage)]
    if odd:
        raise PipelineError(
            f"stage {stage.name!r}", received=f"sources {odd}", expected="stages with to_plain"
        )
    return [part.to_plain(write_part) for part in parts if isinstance(part, PlainStage)]


def count_of(k: object, where: str, least: int = 1) -> None:
    """Refuse what is no count.

    Raises:
        ArgumentError: ``k`` is no integer >= 1 (or another ``least``).
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < least:
        raise ArgumentError(
            where, received=k, expected=f"an integer >= {least}", remedy="pass for example 10"
        )
