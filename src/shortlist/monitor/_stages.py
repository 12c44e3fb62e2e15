"""What the stages of one pipeline did since it began."""

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import final

from shortlist.monitor._exposition import Row
from shortlist.monitor._histogram import Histogram
from shortlist.pipeline import Step

__all__ = ["StageCounts"]

# Conditions that come with requests are reasons too: there may be any number of them.
_MOST_REASONS = 50
_OTHER = "other"

Pair = tuple[str, str]


@final
class StageCounts:
    """Times, candidates, drops and fallbacks of stages; a `shortlist.pipeline.Watch`.

    A source within another is a stage of its own, ``<outer>/<name>``, of which only the time is told.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._times: dict[str, Histogram] = {}
        self._requests: dict[str, int] = {}
        self._candidates: dict[str, int] = {}
        self._dropped: dict[Pair, int] = {}
        self._fallbacks: dict[Pair, int] = {}

    def __call__(self, requests: int, steps: Sequence[Step]) -> None:
        """Count one run."""
        with self._lock:
            for step in steps:
                name = step.stage.name
                if name not in self._requests:
                    self._times[name] = Histogram()
                    self._requests[name] = self._candidates[name] = 0
                self._times[name].add(step.seconds)
                self._requests[name] += requests
                self._candidates[name] += len(step.after.items)
                for part, seconds in step.parts:
                    self._times.setdefault(f"{name}/{part}", Histogram()).add(seconds)
                if len(step.after.dropped) > len(step.before.dropped):
                    self._drop(name, step.dropped())
                for note in step.notes:
                    pair = (note.stage, note.reason)
                    self._fallbacks[pair] = self._fallbacks.get(pair, 0) + note.requests

    def rows(self) -> Iterator[Row]:
        """The metrics, without the labels of the bundle."""
        with self._lock:
            for name, times in self._times.items():
                stage = {"stage": name}
                yield Row("shortlist_stage_duration_seconds", stage, times)
                if name in self._requests:
                    yield Row("shortlist_stage_requests_total", stage, self._requests[name])
                    yield Row("shortlist_stage_candidates_total", stage, self._candidates[name])
            for metric, counts in (
                ("shortlist_dropped_total", self._dropped),
                ("shortlist_fallbacks_total", self._fallbacks),
            ):
                for (stage_name, reason), count in sorted(counts.items()):
                    yield Row(metric, {"stage": stage_name, "reason": reason}, count)

    def _drop(self, stage: str, counts: dict[str, int]) -> None:
        for reason, count in counts.items():
            pair = (stage, reason)
            if pair not in self._dropped and len(self._dropped) >= _MOST_REASONS:
                pair = (stage, _OTHER)
            self._dropped[pair] = self._dropped.get(pair, 0) + count
