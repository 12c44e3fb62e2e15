"""Waiting asks of one kind are run together."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any, NamedTuple, final

from shortlist.errors import ServerError
from shortlist.server._ask import Ask
from shortlist.server._counters import Counters
from shortlist.server._desk import Answered
from shortlist.server._options import ServerOptions
from shortlist.server._refusal import Refusal, fault_of

__all__ = ["Gatherer"]

Run = Callable[[Sequence[Ask]], list[Answered | Exception]]


class Waiting(NamedTuple):
    """An ask that waits for a thread."""

    ask: Ask
    answer: "asyncio.Future[Answered]"
    run: Run
    since_s: float


@final
class Gatherer:
    """Runs work in a bounded pool of threads, and asks that wait for a thread together.

    An ask is never held back: while a thread is free it starts at once. When none is, asks of one kind
    for one bundle gather, and the next free thread runs all of them, up to ``max_users`` users, as one.

    Args:
        options: how many threads, how many may wait, how many users a run may have.
        counters: where waiting and batches are counted.
    """

    def __init__(self, options: ServerOptions, counters: Counters | None = None) -> None:
        self._counters = counters or Counters()
        self._counters.gauges["shortlist_queue_depth"] = lambda: len(self._waiting)
        self._counters.gauges["shortlist_in_flight"] = lambda: self._inside
        self._pool = ThreadPoolExecutor(options.workers, "shortlist")
        self._options = options
        self._free = options.workers
        self._inside = 0
        self._waiting: list[Waiting] = []

    async def ask(self, ask: Ask, run: Run) -> Answered:
        """The answer to an ask.

        Raises:
            Refusal: too many wait already.
        """
        self._enter()
        try:
            answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
            self._waiting.append(Waiting(ask, answer, run, perf_counter()))
            self._start()
            return await answer
        finally:
            self._inside -= 1

    async def alone(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Any other work, in a thread of the same pool.

        Raises:
            Refusal: too many wait already.
        """
        self._enter()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)
        finally:
            self._inside -= 1

    def close(self) -> None:
        """Let the work in progress end."""
        self._pool.shutdown()

    def _enter(self) -> None:
        if self._inside >= self._options.max_waiting:
            error = ServerError(
                "server",
                received=f"{self._inside} requests at once",
                expected="fewer",
                remedy="try again in a second",
            )
            raise Refusal(503, fault_of(error), retry_after_s=1)
        self._inside += 1

    @property
    def idle(self) -> bool:
        """Whether a thread is free."""
        return self._free > 0

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        while self._free and self._waiting:
            self._free -= 1
            group = self._group()
            try:
                self._pool.submit(self._work, group, loop)
            except RuntimeError as error:  # the pool was closed: who waits is told, and does not wait on
                self._done(group, [error] * len(group))

    def _group(self) -> list[Waiting]:
        head, users = self._waiting[0], 0
        group, rest = list[Waiting](), list[Waiting]()
        for one in self._waiting:
            fits = not group or users + len(one.ask.users) <= self._options.max_users
            if one.run == head.run and one.ask.kind == head.ask.kind and fits:
                group.append(one)
                users += len(one.ask.users)
            else:
                rest.append(one)
        self._waiting = rest
        now = perf_counter()
        self._counters.gathered([now - one.since_s for one in group], users)
        return group

    def _work(self, group: list[Waiting], loop: asyncio.AbstractEventLoop) -> None:
        """In a thread; a plain call goes back to the loop, which costs less than a task that waits."""
        answers: list[Answered | Exception]
        try:
            answers = group[0].run([one.ask for one in group])
        except Exception as error:
            answers = [error] * len(group)
        loop.call_soon_threadsafe(self._done, group, answers)

    def _done(self, group: list[Waiting], answers: list[Answered | Exception]) -> None:
        self._free += 1
        for one, answer in zip(group, answers, strict=True):
            if one.answer.done():
                continue
            if isinstance(answer, Exception):
                one.answer.set_exception(answer)
            else:
                one.answer.set_result(answer)
        self._start()
