"""Several sources as one."""

from typing import Any, ClassVar, final

from shortlist.data import Candidates, Requests, merge
from shortlist.errors import PipelineError
from shortlist.pipeline._stage import CANDIDATES, SCORES, PlainStage, Source, Stage, WritePart, is_source
from shortlist.pipeline._state import State

__all__ = ["Merge"]


@final
class Merge:
    """All candidates of several sources: those of the first in its order, then what the others add.

    An item that several sources find keeps the place, score and source of the first. Scores of different
    sources are not comparable: put a `Score` behind. A column that a source does not give is NaN for its
    candidates.

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

    def limited(self, k: int) -> "Merge":
        """The same with at most ``k`` candidates of each source."""
        parts = (part.limited(k) if isinstance(part, Source) else part for part in self.sources)
        return Merge(*parts, name=self.name)

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Run the sources one after the other."""
        return merge([source.run(requests, candidates, state) for source in self.sources])

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:
        """See `PlainStage`.

        Raises:
            PipelineError: a source cannot be saved.
        """
        odd = [source.name for source in self.sources if not isinstance(source, PlainStage)]
        if odd:
            raise PipelineError(
                f"stage {self.name!r}", received=f"sources {odd}", expected="stages with to_plain"
            )
        plain = [source.to_plain(write_part) for source in self.sources if isinstance(source, PlainStage)]
        return {"kind": "merge", "sources": plain, "name": self.name}

    def __repr__(self) -> str:
        return f"Merge({', '.join(map(repr, self.sources))})"
