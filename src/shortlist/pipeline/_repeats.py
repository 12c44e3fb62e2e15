"""The user's own past items as candidates."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np

from shortlist.data import Candidates, Requests
from shortlist.pipeline._stage import CANDIDATES, SCORES, WritePart, count_of
from shortlist.pipeline._state import State

__all__ = ["Repeats"]


@final
@dataclass(frozen=True)
class Repeats:
    """The items that the user took before, most often first, among equals the latest first.

    The score is ``count + 1 / (2 + n)``, where n distinct items of the user were taken later. Gives the
    column ``<name>_score``: the same.

    Attributes:
        k: most candidates of a request.
        name: what traces and answers call it.
    """

    k: int = 100
    name: str = "repeats"
    needs: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        count_of(self.k, "Repeats.k")

    @property
    def gives(self) -> tuple[str, ...]:
        """Candidates with scores, and the scores as a column."""
        return CANDIDATES, SCORES, f"{self.name}_score"

    def limited(self, k: int) -> "Repeats":
        """The same with at most ``k`` candidates a request."""
        return replace(self, k=min(self.k, k))

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:  # noqa: ARG002
        """Count each user's history."""
        history = state.histories(requests)
        items, rows = history.values, history.row_of
        pairs = rows * len(state.items) + items
        order = np.argsort(pairs, kind="stable")
        last = np.ones(len(items), dtype=np.bool_)
        last[:-1] = pairs[order][1:] != pairs[order][:-1]
        ends = np.flatnonzero(last)
        counts = np.diff(ends, prepend=-1)
        items, rows, place = items[order][ends], rows[order][ends], order[ends]
        latest = np.argsort(rows * len(pairs) - place)
        offsets = np.zeros(len(history) + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows, minlength=len(history)), out=offsets[1:])
        later = np.arange(len(latest)) - np.repeat(offsets[:-1], np.diff(offsets))
        scores = (counts[latest] + 1 / (2 + later)).astype(np.float32)
        source = np.zeros(len(latest), dtype=np.int16)
        found = Candidates(items[latest], offsets, scores, source, (self.name,))
        found = found.keep(state.allowed()[found.items]).ordered().first(self.k)
        return found.with_columns({f"{self.name}_score": found.scores})

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:  # noqa: ARG002
        """See `PlainStage`."""
        return {"kind": "repeats", "k": self.k, "name": self.name}
