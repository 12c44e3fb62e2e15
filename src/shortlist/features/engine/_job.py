"""The tasks of one pass over the data."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import WeakSet

from shortlist.errors import ArgumentError, ShortlistError
from shortlist.extras import need
from shortlist.features.engine._progress import Progress

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Job", "raised_as_here"]

_AHEAD = 2
_LEAST_AHEAD = 4


class Job:
    """Submits tasks, so many at a time; when the block is left, those that wait are dropped.

    Args:
        client: connected to the cluster.
        progress: is told of every part that is done.
    """

    def __init__(self, client: "Client", progress: Progress) -> None:
        self._client = client
        self._progress = progress
        self._name = uuid4().hex
        self._number = 0
        self._all: WeakSet[Future] = WeakSet()
        self._under_way: dict[Future, int] = {}

    def __enter__(self) -> "Job":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for future in list(self._all):  # a traceback may still refer to some
            future.release()

    def submit(self, task: Callable[..., Any], *given: Any) -> "Future":
        """Have a task done with values, and with what comes of other tasks."""
        self._number += 1
        key = f"shortlist-{task.__name__}-{self._name}-{self._number}"
        with need("dask.config", use="the engine Dask").set(_SILENT):
            future = self._client.submit(task, *given, key=key)
        self._all.add(future)
        return future

    def submit_parts(self, task: Callable[..., Any], parts: int, *given: Any) -> "Future":
        """The same for some parts, once fewer than two such tasks for each thread are under way."""
        while len(self._under_way) >= _LEAST_AHEAD and len(self._under_way) >= _AHEAD * self.threads():
            self._wait()
        future = self.submit(task, *given)
        self._under_way[future] = parts
        return future

    def finish_parts(self) -> None:
        """Wait until no part is under way.

        Raises:
            Exception: what a part's task has raised.
        """
        while self._under_way:
            self._wait()

    def threads(self) -> int:
        """Threads of the cluster as it is now."""
        threads: Mapping[str, int] = self._client.nthreads()
        return sum(threads.values())

    def _wait(self) -> None:
        wait = need("distributed", use="the engine Dask").wait
        with self._client.as_current():
            done, _ = wait(list(self._under_way), return_when="FIRST_COMPLETED")
        for future in done:
            if future.status != "finished":
                future.result()
            self._progress.step(self._under_way.pop(future))


# A job's functions and frames in memory are meant to travel: Dask's warning would say so for every one.
_SILENT = {"distributed.admin.large-graph-warning-threshold": "1 PiB"}


@contextmanager
def raised_as_here() -> Iterator[None]:
    """Errors of the library that a worker raised, as this process would have raised them."""
    killed = need("distributed", use="the engine Dask").KilledWorker
    try:
        yield
    except ShortlistError as error:  # a copy on its way through a pickle takes its message for its place
        again = type(error)(
            error.where, received=error.received, expected=error.expected, remedy=error.remedy
        )
        raise again.with_traceback(error.__traceback__) from error.__cause__
    except killed as error:
        raise ArgumentError(
            "Dask",
            received=f"a task that brought down several workers ({error.task})",
            expected="tasks that fit into a worker's memory",
            remedy="cut the data into smaller partitions, lower memory=, or give the workers more memory",
        ) from error
