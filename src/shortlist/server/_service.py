"""What stands behind the endpoints: a bundle that is being loaded, answers, or could not be loaded."""

import asyncio
import logging
from collections.abc import Callable
from time import perf_counter
from typing import final

from shortlist.errors import ServerError
from shortlist.server._ask import Ask
from shortlist.server._counters import Counters
from shortlist.server._desk import Desk
from shortlist.server._gather import Gatherer
from shortlist.server._messages import Answer, Events, Kept, Recommend
from shortlist.server._options import ServerOptions
from shortlist.server._refusal import Refusal, fault_of

__all__ = ["Service"]

_LOG = logging.getLogger("shortlist.server")
_FLUSH_S = 5.0


@final
class Service:
    """One bundle, its counters and its threads.

    Args:
        open_desk: loads the bundle.
        options: limits and folders.

    Attributes:
        failure: why the bundle could not be loaded; None while all is well.
        on_failure: called once when it could not.
    """

    def __init__(self, open_desk: Callable[[Counters], Desk], options: ServerOptions) -> None:
        self.options = options
        self.counters = Counters()
        self.failure: Exception | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self._open = open_desk
        self._desk: Desk | None = None
        self._gatherer = Gatherer(options)

    @property
    def desk(self) -> Desk:
        """The loaded bundle.

        Raises:
            Refusal: it is not loaded.
        """
        if self._desk is None:
            error = ServerError(
                "server",
                received="a bundle that is being loaded"
                if self.failure is None
                else "a bundle that cannot be read",
                expected="a loaded one",
                remedy="try again in a second" if self.failure is None else "see the log of the server",
            )
            raise Refusal(503, fault_of(error), retry_after_s=1)
        return self._desk

    async def run(self) -> None:
        """Load the bundle, then write logged answers to disk every few seconds, until cancelled."""
        start = perf_counter()
        try:
            self._desk = await asyncio.to_thread(self._open, self.counters)
        except Exception as error:
            self.failure = error
            _LOG.error("cannot serve: %s", error)
            self.on_failure()
            return
        _LOG.info("bundle %s ready after %.2f s", self._desk.version, perf_counter() - start)
        while True:
            await asyncio.sleep(_FLUSH_S)
            await asyncio.to_thread(self._flush, self._desk)

    def close(self) -> None:
        """Finish the work in progress and let go of the files."""
        self._gatherer.close()
        if self._desk is not None:
            self._desk.close()
            self._desk = None

    async def recommend(self, message: Recommend) -> Answer:
        """Answer a request for recommendations."""
        start, desk = perf_counter(), self.desk
        ask = Ask.of(message, self.options.max_users)
        results, trace = await self._gatherer.ask(ask, desk.run)
        milliseconds = round((perf_counter() - start) * 1e3, 3)
        return Answer(ask.request_id, desk.version, results, milliseconds, trace)

    async def append(self, message: Events) -> Kept:
        """Append events."""
        kept: Kept = await self._gatherer.alone(self.desk.append, message.events)
        self.counters.appended(kept.kept)
        return kept

    @staticmethod
    def _flush(desk: Desk) -> None:
        try:
            desk.flush()
        except Exception:
            _LOG.exception("answers could not be written to disk; they are kept in memory and tried again")
