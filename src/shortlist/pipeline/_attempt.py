"""Running sources that may fail or be late."""

import logging
from threading import BoundedSemaphore, Event, Thread
from typing import final

from shortlist.data import Candidates, Requests, merge
from shortlist.pipeline._merge import Merge
from shortlist.pipeline._stage import Stage
from shortlist.pipeline._state import State

__all__ = ["Attempts"]

_LOG = logging.getLogger("shortlist.pipeline")
_LATE_AT_ONCE = 16


@final
class Attempts:
    """Runs sources; in a live state a late or failing one gives no candidates and a note.

    A late source runs on in its own thread and its answer is thrown away. When 16 of them do so at once,
    sources with a time limit are not started until one of them ends.
    """

    def __init__(self) -> None:
        self._threads = BoundedSemaphore(_LATE_AT_ONCE)

    def run(self, source: Stage, requests: Requests, state: State, notes: list[str]) -> Candidates:
        """The candidates of a source, of each source of a `Merge` by itself."""
        if isinstance(source, Merge):
            return merge([self.run(part, requests, state, notes) for part in source.sources])
        if not state.is_live:
            return source.run(requests, Candidates.empty(len(requests)), state)
        limit = getattr(source, "timeout_ms", None)
        try:
            found = (
                _work(source, requests, state)
                if limit is None
                else self._within(limit, source, requests, state)
            )
        except Exception as error:
            _LOG.exception("source %r failed", source.name)
            notes.append(f"{source.name} failed: {type(error).__name__}: {error}")
            return Candidates.empty(len(requests))
        if found is None:
            _LOG.warning("source %r was later than %s ms", source.name, limit)
            notes.append(f"{source.name} was later than {limit:g} ms")
            return Candidates.empty(len(requests))
        return found

    def _within(self, limit: float, source: Stage, requests: Requests, state: State) -> Candidates | None:
        if not self._threads.acquire(blocking=False):
            return None
        answer: list[Candidates | Exception] = []
        done = Event()

        def work() -> None:
            try:
                answer.append(_work(source, requests, state))
            except Exception as error:
                answer.append(error)
            finally:
                self._threads.release()
                done.set()

        Thread(target=work, name=f"source {source.name}", daemon=True).start()
        if not done.wait(limit / 1e3):
            return None
        if isinstance(answer[0], Exception):
            raise answer[0]
        return answer[0]


def _work(source: Stage, requests: Requests, state: State) -> Candidates:
    return source.run(requests, Candidates.empty(len(requests)), state)
