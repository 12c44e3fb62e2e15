"""A stage that may take only so long."""

from dataclasses import dataclass, replace
from typing import Any, final

from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError
from shortlist.pipeline._stage import Ask, Source, Stage, WritePart, plain_parts
from shortlist.pipeline._state import State

__all__ = ["Limit"]


@final
@dataclass(frozen=True)
class Limit:
    """Any stage, with a time limit.

    In a live state a source that is late or fails finds nothing, and any other stage leaves the candidates
    as they were, the columns it gives full of NaN; the trace says so. In a frozen state there is no limit
    and errors are raised.

    Attributes:
        stage: what is limited.
        timeout_ms: milliseconds after which its answer is no longer waited for.

    Raises:
        ArgumentError: the time is not above 0.

    >>> from shortlist.pipeline import Popular
    >>> Limit(Popular(), timeout_ms=20).name
    'popular'
    """

    stage: Stage
    timeout_ms: float

    def __post_init__(self) -> None:
        if not self.timeout_ms > 0:
            raise ArgumentError("Limit.timeout_ms", received=self.timeout_ms, expected="milliseconds above 0")

    @property
    def name(self) -> str:
        """That of the stage."""
        return self.stage.name

    @property
    def needs(self) -> tuple[str, ...]:
        """Those of the stage."""
        return self.stage.needs

    @property
    def gives(self) -> tuple[str, ...]:
        """Those of the stage."""
        return self.stage.gives

    @property
    def parts(self) -> tuple[Stage, ...]:
        """The stage."""
        return (self.stage,)

    def with_parts(self, parts: tuple[Stage, ...]) -> "Limit":
        """The same limit for another stage."""
        return replace(self, stage=parts[0])

    def limited(self, k: int) -> "Limit":
        """The same with at most ``k`` candidates a request, where the stage can be told."""
        return replace(self, stage=self.stage.limited(k)) if isinstance(self.stage, Source) else self

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Run the stage, however long it takes."""
        return self.stage.run(requests, candidates, state)

    def combine(self, requests: Requests, state: State, ask: Ask) -> Candidates:  # noqa: ARG002
        """What the stage finds as a source."""
        return ask(self.stage, requests)()

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:
        """See `PlainStage`.

        Raises:
            PipelineError: the stage cannot be saved.
        """
        (stage,) = plain_parts(self, self.parts, write_part)
        return {"kind": "limit", "stage": stage, "timeout_ms": self.timeout_ms}
