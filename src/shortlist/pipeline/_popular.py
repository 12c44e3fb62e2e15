"""Candidates by popularity."""

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np

from shortlist.data import Candidates, Ragged, Requests
from shortlist.errors import ArgumentError
from shortlist.pipeline._best import best
from shortlist.pipeline._retrieve import count_of
from shortlist.pipeline._stage import CANDIDATES, SCORES, WritePart
from shortlist.pipeline._state import EVER, State

__all__ = ["Popular"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


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

    @property
    def span(self) -> int | None:
        """The window in microseconds.

        Raises:
            ArgumentError: the window is not a number and a unit.
        """
        if self.window is None:
            return None
        found = re.fullmatch(r"([1-9][0-9]*)([smhdw])", self.window)
        if found is None:
            raise ArgumentError(
                "Popular.window",
                received=self.window,
                expected="a number and a unit of s, m, h, d or w",
                remedy='write window="30d"',
            )
        return int(found[1]) * _UNITS[found[2]] * 1_000_000

    def limited(self, k: int) -> "Popular":
        """The same with at most ``k`` candidates a request."""
        return replace(self, k=min(self.k, k))

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:  # noqa: ARG002
        """Count once for each distinct time."""
        times, which = np.unique(self._times(requests, state), return_inverse=True)
        allowed, width = state.allowed(), min(self.k, max(len(state.items), 1))
        tops = [self._top(int(time), allowed, state) for time in times]
        items = [top.matrix(width) for top in tops]
        scores = [Ragged(top.scores, top.offsets).first_padded(width) for top in tops]
        if not tops:
            return Candidates.empty(0)
        found = Candidates.of(np.concatenate(items)[which], np.concatenate(scores)[which], self.name)
        return found.with_columns({f"{self.name}_score": found.scores})

    def _times(self, requests: Requests, state: State) -> Any:
        times = state.times(requests)
        if state.is_live and requests.times is None:
            return times - times % (self.refresh_s * 1_000_000)
        return times

    def _top(self, time: int, allowed: Any, state: State) -> Candidates:
        since = EVER if self.span is None else time - self.span
        counts = state.store.popularity(since, time)
        return best(np.where(counts > 0, counts, -np.inf)[None], self.k, allowed, self.name)

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:  # noqa: ARG002
        """See `PlainStage`."""
        return {
            "kind": "popular",
            "k": self.k,
            "window": self.window,
            "name": self.name,
            "refresh_s": self.refresh_s,
        }
