"""Candidates by popularity."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, final

import numpy as np

from shortlist.data import Candidates, Ragged, Requests, duration_us
from shortlist.pipeline._stage import CANDIDATES, SCORES, WritePart, count_of
from shortlist.pipeline._state import EVER, State

__all__ = ["Popular"]


@final
@dataclass(frozen=True)
class Popular:
    """The items with most events, by weight, as of the request's time.

    Gives the column ``<name>_score``: the weighted number of events. Items without events are not given.

    Attributes:
        k: most candidates of a request.
        window: how far to look back, such as ``"30d"`` (units s m h d w); None for all time.
        name: what traces and answers call it.
        refresh_s: in a live state, seconds for which counts are used before they are counted again.
    """

    k: int = 100
    window: str | None = None
    name: str = "popular"
    refresh_s: int = 60
    needs: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        count_of(self.k, "Popular.k")
        count_of(self.refresh_s, "Popular.refresh_s")
        _ = self.span

    @property
    def gives(self) -> tuple[str, ...]:
        """Candidates with scores, and the scores as a column."""
        return CANDIDATES, SCORES, f"{self.name}_score"

    @cached_property
    def span(self) -> int | None:
        """The window in microseconds.

        Raises:
            ArgumentError: the window is not a length of time.
        """
        return None if self.window is None else duration_us(self.window, where="Popular.window")

    def limited(self, k: int) -> "Popular":
        """The same with at most ``k`` candidates a request."""
        return replace(self, k=min(self.k, k))

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:  # noqa: ARG002
        """Count once for each distinct time."""
        times, which = np.unique(self._times(requests, state), return_inverse=True)
        since = times - self.span if self.span is not None else np.full(len(times), EVER)
        tops = [state.popular(int(s), int(t), self.k, self.name) for s, t in zip(since, times, strict=True)]
        if not tops:
            return Candidates.empty(0)
        items = Ragged.of([top.items for top in tops]).take(which)
        scores = np.asarray(Ragged.of([top.scores for top in tops]).take(which).values, dtype=np.float32)
        source = np.zeros(len(scores), dtype=np.int16)
        columns = {f"{self.name}_score": scores}
        return Candidates(items.values, items.offsets, scores, source, (self.name,), columns)

    def _times(self, requests: Requests, state: State) -> Any:
        times = state.times(requests)
        if state.is_live and requests.times is None:
            return times - times % (self.refresh_s * 1_000_000)
        return times

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:  # noqa: ARG002
        """See `PlainStage`."""
        return {
            "kind": "popular",
            "k": self.k,
            "window": self.window,
            "name": self.name,
            "refresh_s": self.refresh_s,
        }
