"""What is known of a stage right after it ran."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from shortlist.data import Candidates
from shortlist.pipeline._stage import Stage

__all__ = ["Note", "Part", "Step", "Watch"]


class Note(str):
    """That a source failed, was late or found nothing, in words.

    Attributes:
        stage: name of the source.
        reason: ``"failed"``, ``"late"`` or ``"empty"``.
        requests: how many requests it concerned.
    """

    __slots__ = ("reason", "requests", "stage")

    stage: str
    reason: str
    requests: int

    @classmethod
    def of(cls, text: str, stage: str, reason: str, requests: int) -> "Note":
        """A note in these words."""
        note = cls(text)
        note.stage, note.reason, note.requests = stage, reason, requests
        return note


Part = tuple[str, float]
"""Name of a source within another, and the seconds that it took."""


class Step(NamedTuple):
    """One stage of one run: nothing is counted before somebody asks.

    Attributes:
        stage: as it was run, told how many candidates are enough.
        seconds: how long it took.
        before: candidates before it.
        after: candidates after it.
        notes: failures, lateness and fallbacks.
        parts: where it is made of several sources and the state is live, name and seconds of each.
    """

    stage: Stage
    seconds: float
    before: Candidates
    after: Candidates
    notes: Sequence[Note]
    parts: Sequence[Part] = ()

    def dropped(self) -> dict[str, int]:
        """Reason -> how many candidates it took out."""
        counts: dict[str, int] = {}
        for gone in self.after.dropped[len(self.before.dropped) :]:
            counts[gone.reason] = counts.get(gone.reason, 0) + len(gone.items)
        return counts


Watch = Callable[[int, Sequence[Step]], None]
"""``watch(requests, steps)`` is told of every run, in the thread that answers: it must be quick."""
