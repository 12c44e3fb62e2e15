"""Sources in turn, until one finds enough."""

from typing import Any, ClassVar, final

import numpy as np

from shortlist.data import Candidates, Requests, merge
from shortlist.errors import PipelineError
from shortlist.pipeline._missing_columns import with_promised
from shortlist.pipeline._stage import (
    CANDIDATES,
    SCORES,
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

__all__ = ["Fallback"]


@final
class Fallback:
    """The first source, and for requests that it finds too little for, the next ones in turn.

    A source is asked only for the requests that still have fewer than ``at_least`` candidates; what it finds
    stands behind what they have. In a live state a source that fails or is late finds nothing, so the next
    one answers.

    Args:
        sources: two or more sources, the best first.
        at_least: candidates that are enough.
        name: what traces call it.

    Raises:
        PipelineError: there are fewer than two sources, one of them is none, or two have one name.
        ArgumentError: ``at_least`` is below 1.
    """

    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *sources: Stage, at_least: int = 1, name: str = "fallback") -> None:
        count_of(at_least, "Fallback.at_least")
        self.parts = sources
        self.at_least = at_least
        self.name = name
        names = [source.name for source in sources]
        if len(set(names)) < max(2, len(names)) or not all(map(is_source, sources)):
            raise PipelineError(
                "Fallback",
                received=f"{names or 'nothing'}",
                expected="two or more sources with different names",
                remedy="write for example Fallback(Retrieve(...), Popular())",
            )

    @property
    def gives(self) -> tuple[str, ...]:
        """Candidates with scores, and the columns of every source."""
        return tuple(dict.fromkeys((CANDIDATES, SCORES, *(g for s in self.parts for g in s.gives))))

    def with_parts(self, parts: tuple[Stage, ...]) -> "Fallback":
        """The same of other sources."""
        return Fallback(*parts, at_least=self.at_least, name=self.name)

    def limited(self, k: int) -> "Fallback":
        """The same with at most ``k`` candidates of each source, or ``at_least`` if that is more."""
        enough = max(k, self.at_least)
        return self.with_parts(
            tuple(part.limited(enough) if isinstance(part, Source) else part for part in self.parts)
        )

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:  # noqa: ARG002
        """Ask the sources in turn."""
        return self.combine(requests, state, lambda source, asked: Plainly(source, asked, state))

    def combine(self, requests: Requests, state: State, ask: Ask) -> Candidates:  # noqa: ARG002
        """Ask each source for the requests that need it."""
        found = ask(self.parts[0], requests)()
        for source in self.parts[1:]:
            short = np.flatnonzero(found.lengths < self.at_least)
            if len(short) == 0:
                break
            asked = requests if len(short) == len(requests) else requests.rows(short)
            more = ask(source, asked)()
            found = merge([found, more.of_rows(short, len(requests))])
        return with_promised(found, self)

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:
        """See `PlainStage`.

        Raises:
            PipelineError: a source cannot be saved.
        """
        return {
            "kind": "fallback",
            "sources": plain_parts(self, self.parts, write_part),
            "at_least": self.at_least,
            "name": self.name,
        }

    def __repr__(self) -> str:
        return f"Fallback({', '.join(map(repr, self.parts))}, at_least={self.at_least})"
