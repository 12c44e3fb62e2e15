"""A source whose answers are kept for a while."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, final

from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError, PipelineError
from shortlist.pipeline._missing_columns import with_promised
from shortlist.pipeline._remembered import Remembered
from shortlist.pipeline._stage import (
    Ask,
    Plainly,
    Source,
    Stage,
    WritePart,
    count_of,
    is_source,
    plain_parts,
)
from shortlist.pipeline._state import State

__all__ = ["Cache", "lasting"]


def lasting(seconds: float, where: str) -> None:
    """Refuse what is no time that an answer may last.

    Raises:
        ArgumentError: it is not above 0.
    """
    if not seconds > 0:
        raise ArgumentError(where, received=seconds, expected="seconds above 0")


@final
@dataclass(frozen=True)
class Cache:
    """A source that in a live state remembers what it found for a request.

    What is remembered holds until the user's next event, and for at most ``seconds``: what others do and
    what changes in the catalogue shows after that time. Failures are not remembered. In a frozen state
    nothing is.

    Attributes:
        source: what is asked.
        size: answers to keep, the most recently used ones; each takes about 20 bytes a candidate, and more
            for its columns.
        seconds: how long an answer holds at most.

    Raises:
        PipelineError: the stage is no source.
        ArgumentError: a number is out of range.
    """

    source: Stage
    size: int = 10_000
    seconds: float = 60.0
    needs: ClassVar[tuple[str, ...]] = ()
    _enough: int | None = field(default=None, repr=False, compare=False)
    _kept: list[Remembered] = field(default_factory=list, repr=False, compare=False)

    def __post_init__(self) -> None:
        count_of(self.size, "Cache.size")
        lasting(self.seconds, "Cache.seconds")
        if not is_source(self.source):
            raise PipelineError(
                "Cache",
                received=f"{self.source.name!r}, which finds no candidates",
                expected="a source",
                remedy="pipe.cached() remembers whole answers",
            )
        if not self._kept:
            self._kept.append(Remembered(self.size, self.seconds))

    @property
    def name(self) -> str:
        """That of the source."""
        return self.source.name

    @property
    def gives(self) -> tuple[str, ...]:
        """Those of the source."""
        return self.source.gives

    @property
    def parts(self) -> tuple[Stage, ...]:
        """The source."""
        return (self.source,)

    def with_parts(self, parts: tuple[Stage, ...]) -> "Cache":
        """The same for another source, nothing remembered."""
        return Cache(parts[0], self.size, self.seconds)

    def limited(self, k: int) -> "Cache":
        """The same with at most ``k`` candidates a request."""
        if not isinstance(self.source, Source):
            return self
        return replace(self, source=self.source.limited(k), _enough=k)

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Ask the source, where the state is frozen or the answer is not known."""
        if not state.is_live:
            return self.source.run(requests, candidates, state)
        return self.combine(requests, state, lambda source, asked: Plainly(source, asked, state))

    def combine(self, requests: Requests, state: State, ask: Ask) -> Candidates:
        """What is remembered, and the rest from the source."""

        def find(asked: Requests) -> tuple[Candidates, bool]:
            wait = ask(self.source, asked)
            found = wait()
            return found, not wait.failed

        found, _ = self._kept[0].answer(requests, state, find, self._enough)
        return with_promised(found, self)

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:
        """See `PlainStage`.

        Raises:
            PipelineError: the source cannot be saved.
        """
        (source,) = plain_parts(self, self.parts, write_part)
        return {"kind": "cache", "source": source, "size": self.size, "seconds": self.seconds}
