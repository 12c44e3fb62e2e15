"""Running stages that may fail or be late."""

import logging
from collections.abc import Callable, Iterator
from threading import BoundedSemaphore, Event, Thread
from time import perf_counter
from typing import final

from shortlist.data import Candidates, Requests
from shortlist.pipeline._limit import Limit
from shortlist.pipeline._missing_columns import with_promised
from shortlist.pipeline._stage import Stage
from shortlist.pipeline._state import State
from shortlist.pipeline._step import Note, Part

__all__ = ["Attempts"]

_LOG = logging.getLogger("shortlist.pipeline")
_LATE_AT_ONCE = 16


@final
class Attempts:
    """Runs stages; in a live state a late or failing source gives no candidates and a note.

    Sources with a time limit work in threads, all at the same time. What is late runs on in its own thread
    and its answer is thrown away. When 16 of them do so at once, nothing with a time limit is started until
    one of them ends.
    """

    def __init__(self) -> None:
        self._threads = BoundedSemaphore(_LATE_AT_ONCE)

    def run(
        self, source: Stage, requests: Requests, state: State, notes: list[Note], times: list[Part]
    ) -> tuple[Candidates, bool]:
        """The candidates of a source, and whether something failed; a group's parts are tried one by one.

        ``times`` gets how long each part of a group took.
        """
        if not state.is_live:
            return source.run(requests, Candidates.empty(len(requests)), state), False
        waiting = self._begin(source, requests, state, notes)
        found = waiting()
        times += waiting.times()
        return found, waiting.failed

    def follow(
        self, stage: Stage, requests: Requests, found: Candidates, state: State, notes: list[Note]
    ) -> tuple[Candidates, bool]:
        """What a stage makes of candidates, and whether it failed: then they are as they were."""
        if not (isinstance(stage, Limit) and state.is_live):
            return stage.run(requests, found, state), False

        def work() -> Candidates:
            return stage.run(requests, found, state)

        waiting = _Waiting(stage, work, found, notes=notes, threads=self._threads)
        return waiting(), waiting.failed

    def _begin(self, source: Stage, requests: Requests, state: State, notes: list[Note]) -> "_Waiting":
        parts: list[_Waiting] = []

        def ask(part: Stage, asked: Requests) -> _Waiting:
            parts.append(self._begin(part, asked, state, notes))
            return parts[-1]

        def work() -> Candidates:
            if hasattr(source, "combine"):
                found: Candidates = source.combine(requests, state, ask)
                return found
            return source.run(requests, Candidates.empty(len(requests)), state)

        nothing = Candidates.empty(len(requests))
        return _Waiting(source, work, nothing, notes=notes, threads=self._threads, parts=parts)


@final
class _Waiting:
    """Work that has begun, if there is a time limit, or is done when it is waited for."""

    def __init__(
        self,
        stage: Stage,
        work: Callable[[], Candidates],
        instead: Candidates,
        *,
        notes: list[Note],
        threads: BoundedSemaphore,
        parts: "list[_Waiting] | None" = None,
    ) -> None:
        self._stage, self._work, self._instead, self._notes = stage, work, instead, notes
        self._parts = [] if parts is None else parts
        self._limit: float | None = getattr(stage, "timeout_ms", None)
        self._failed = False
        self._seconds = 0.0
        self._answer: list[Candidates | Exception] = []
        if self._limit is not None:
            self._done, self._start = Event(), perf_counter()
            if threads.acquire(blocking=False):
                self._begin(threads)

    @property
    def failed(self) -> bool:
        """Whether it, or a part of it, was late or failed."""
        return self._failed or any(part.failed for part in self._parts)

    def times(self) -> Iterator[Part]:
        """Name of each part and seconds that it took, or that it was waited for."""
        for part in self._parts:
            name = part._stage.name
            yield name, part._seconds
            # A limit or a cache is called as what it holds, and is the one that is told of.
            yield from (inner for inner in part.times() if inner[0] != name)

    def __call__(self) -> Candidates:
        """What it found, or what stands instead."""
        start = perf_counter()
        try:
            return self._found()
        finally:
            # What has a time limit began before it was waited for.
            self._seconds = perf_counter() - (start if self._limit is None else self._start)

    def _found(self) -> Candidates:
        try:
            found = self._work() if self._limit is None else self._within(self._limit)
        except Exception as error:
            _LOG.exception("source %r failed", self._stage.name)
            return self._gave_up("failed", f"failed: {type(error).__name__}: {error}")
        if found is None:
            _LOG.warning("source %r was later than %s ms", self._stage.name, self._limit)
            return self._gave_up("late", f"was later than {self._limit:g} ms")
        return found

    def _begin(self, threads: BoundedSemaphore) -> None:
        def work() -> None:
            try:
                self._answer.append(self._work())
            except Exception as error:
                self._answer.append(error)
            finally:
                threads.release()
                self._done.set()

        Thread(target=work, name=f"source {self._stage.name}", daemon=True).start()

    def _within(self, limit: float) -> Candidates | None:
        left = limit / 1e3 - (perf_counter() - self._start)
        if not self._done.wait(max(left, 0.0)):
            return None
        if isinstance(self._answer[0], Exception):
            raise self._answer[0]
        return self._answer[0]

    def _gave_up(self, reason: str, why: str) -> Candidates:
        self._failed = True
        name = self._stage.name
        self._notes.append(Note.of(f"{name} {why}", name, reason, len(self._instead)))
        return with_promised(self._instead, self._stage)
