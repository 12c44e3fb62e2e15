"""Several sources as one."""

from typing import Any, ClassVar, final

from shortlist.data import Candidates, Requests, merge
from shortlist.errors import PipelineError
from shortlist.pipeline._stage import (
    CANDIDATES,
    SCORES,
    Ask,
    Source,
    Stage,
    WritePart,
    is_source,
    plain_parts,
)
from shortlist.pipeline._state import State

__all__ = ["Merge"]


@final
class Merge:
    """All candidates of several sources: those of the first in its order, then what the others add.

    An item that several sources find keeps the place, score and source of the first. Scores of different
    sources are not comparable: put a `Score` behind. A column that a source does not give is NaN for its
    candidates.

    In a live state sources that have a time limit work at the same time, in threads; a late one is
    left out.

    Args:
        sources: two or more sources.
        name: what traces call it.

    Raises:
        PipelineError: there is no source, one of them is none, or two have one name.
    """

    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *sources: Stage, name: str = "merge") -> None:
        self.sources = sources
        self.name = name
        names = [source.name for source in sources]
        odd = [source.name for source in sources if not is_source(source)]
        if not sources or odd or len(set(names)) < len(names):
            raise PipelineError(
                "Merge",
                received=f"{names or 'nothing'}" + (f", of which {odd} find no candidates" if odd else ""),
                expected="sources with different names",
                remedy="give each source its own name=",
            )

    @property
    def gives(self) -> tuple[str, ...]:
        """Candidates with scores, and the columns of every source."""
        return tuple(dict.fromkeys((CANDIDATES, SCORES, *(g for s in self.sources for g in s.gives))))

    @property
    def parts(self) -> tuple[Stage, ...]:
        """The sources."""
        return self.sources

    def with_parts(self, parts: tuple[Stage, ...]) -> "Merge":
        """The same of other sources."""
        return Merge(*parts, name=self.name)

    def limited(self, k: int) -> "Merge":
        """The same with at most ``k`` candidates of each source."""
        parts = (part.limited(k) if isinstance(part, Source) else part for part in self.sources)
        return Merge(*parts, name=self.name)

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Run the sources one after the other."""
        return merge([source.run(requests, candidates, state) for source in self.sources])

    def combine(self, requests: Requests, state: State, ask: Ask) -> Candidates:  # noqa: ARG002
        """Begin all sources, those with a time limit in threads of their own, then wait for them."""
        begun = [ask(source, requests) for source in self.sources]
        # While the threads of those with a limit work, this one runs the others.
        timed = [getattr(source, "timeout_ms", None) is not None for source in self.sources]
        found = {place: begun[place]() for place in sorted(range(len(begun)), key=timed.__getitem__)}
        return merge([found[place] for place in range(len(begun))])

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:
        """See `PlainStage`.

        Raises:
            PipelineError: a source cannot be saved.
        """
        return {"kind": "merge", "sources": plain_parts(self, self.sources, write_part), "name": self.name}

    def __repr__(self) -> str:
        return f"Merge({', '.join(map(repr, self.sources))})"
