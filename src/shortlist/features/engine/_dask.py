"""Many machines: the same work, partition by partition, as tasks of a Dask cluster."""

import os
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from shortlist.errors import ArgumentError
from shortlist.features.engine._cluster import Connection
from shortlist.features.engine._job import Job, raised_as_here
from shortlist.features.engine._memory import machine_memory, to_bytes
from shortlist.features.engine._progress import Progress
from shortlist.features.engine._scratch import Scratch, scratch_root
from shortlist.features.engine._shuffle import shuffled
from shortlist.features.engine._task import Carried, keep, measured, merged
from shortlist.features.engine._tree import MergeTree

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Dask"]

P = TypeVar("P")
T = TypeVar("T")

_MOST_IN_A_BLOCK = 8
_BLOCKS_A_THREAD = 4


class Dask:
    """Partitions as tasks of a Dask cluster; results are those of `Local`, bit by bit.

    What a pass needs (expressions, fitted tables) travels to each worker once; a partition travels with its
    task: as a plan where it reads files, as its rows where it is a frame in memory. Paths in plans must mean
    the same on every worker. A task takes up to eight partitions one after the other; two tasks for each
    thread of the cluster are under way at a time. What was measured is merged where it lies, and only the
    total comes back. What a lost worker held is computed again elsewhere.

    Nothing is started or connected to before the first use. `close`, or the end of a ``with`` block, closes
    what the engine has opened itself, never a client that was passed.

    Args:
        client: a connected `distributed.Client`, or the address of a scheduler; None for a cluster of this
            machine's cores, one process each, which nobody else can reach.
        memory: bytes that statistics may hold in one worker before they go to disk, or text like ``"2GB"``;
            None for a quarter of the smallest worker's limit.
        scratch: folder for the job's temporary files, which every worker sees under the same path; None for
            the system's temporary directory, which is right where all workers are on this machine.
        retries: how often a part is tried again when its files could not be read or written, since object
            stores and networks fail now and then. The loss of a worker does not count.
        progress: draw a line of progress on the standard error stream; None does if that is a terminal.

    Raises:
        ArgumentError: an option is out of its range.
        MissingExtraError: at the first use, the package ``distributed`` is not installed.
    """

    def __init__(
        self,
        client: "Client | str | None" = None,
        memory: int | str | None = None,
        scratch: Path | str | None = None,
        retries: int = 2,
        progress: bool | None = False,
    ) -> None:
        if retries < 0:
            raise ArgumentError("Dask.retries", received=retries, expected="an integer >= 0")
        self._given = client
        self._memory = None if memory is None else to_bytes("Dask.memory", memory)
        self._root = scratch_root("Dask.scratch", scratch)
        self._retries = retries
        self._progress = progress
        self._lock = Lock()
        self._connection: Connection | None = None
        self._kept: list[Scratch] = []

    def __enter__(self) -> "Dask":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what the engine has opened, and remove its scratch folders; using it again opens it anew."""
        self._kept.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def client(self) -> "Client":
        """The connected client.

        Raises:
            ArgumentError: nothing answers at the address.
            MissingExtraError: the package ``distributed`` is not installed.
        """
        with self._lock:
            if self._connection is None:
                self._connection = Connection(self._given)
                weakref.finalize(self, self._connection.close)
            return self._connection.client

    @property
    def memory(self) -> int:
        """Bytes that statistics may hold in one worker before they go to disk."""
        if self._memory is not None:
            return self._memory
        limits = [worker["memory_limit"] for worker in self._workers()]
        return min((limit or machine_memory() for limit in limits), default=machine_memory()) // 4

    def map(
        self, change: Callable[[pl.LazyFrame], pl.LazyFrame], partitions: Sequence[pl.LazyFrame]
    ) -> tuple[pl.LazyFrame, ...]:
        """Change every partition lazily; what is collected of it is computed in this process."""
        return tuple(change(part) for part in partitions)

    def map_reduce(self, measure: Callable[[P], T], merge: Callable[[T, T], T], parts: Sequence[P]) -> T:
        """Measure and merge on the workers.

        Errors of the library are raised as they were there. When the work fails or is interrupted, the tasks
        that wait are dropped.

        Raises:
            ArgumentError: there are no parts; a worker has other versions of Python, shortlist, Polars or
                NumPy than this process; or a task has brought down several workers.
        """
        with (
            raised_as_here(),
            Progress(self._progress, len(parts)) as progress,
            Job(self.client, progress) as job,
        ):
            work = job.submit(keep, Carried.of((measure, merge)))
            tree: MergeTree[Future] = MergeTree(lambda left, right: job.submit(merged, work, left, right))
            for block in _blocks(parts, job.threads()):
                tree.add(job.submit_parts(measured, len(block), work, Carried.of(block), self._retries))
            job.finish_parts()
            total: T = tree.total().result().value
        return total

    def shuffle(
        self, partitions: Sequence[pl.LazyFrame], key: str | Sequence[str], count: int
    ) -> tuple[pl.LazyFrame, ...]:
        """Workers write the rows to files sorted by bucket; whoever collects a bucket reads its rows of each.

        Raises:
            ArgumentError: there are no partitions, the count is below 1, or see `map_reduce` and `scratch`.
            SchemaError: there is no such column, or its values have no hash.
        """
        threads = [worker["nthreads"] for worker in self._workers()]
        memory = self.memory // (4 * max(threads, default=1))
        scratch = self._seen_by_all()
        return shuffled(self, scratch, partitions, key, count, memory=memory, tasks=sum(threads))

    def scratch(self) -> Path:
        """A new folder in ``shortlist-scratch-HOST-PROCESS``, removed with the engine, by `close` or at exit.

        Raises:
            ArgumentError: a worker cannot write there.
        """
        self._kept.append(self._seen_by_all())
        return self._kept[-1].path

    def _seen_by_all(self) -> Scratch:
        scratch = Scratch(self._root)
        seen: Mapping[str, bool] = self.client.run(os.access, scratch.path, os.W_OK)
        blind = [worker for worker, sees in seen.items() if not sees]
        if blind:
            raise ArgumentError(
                "Dask.scratch",
                received=f"{str(self._root)!r}, where worker {blind[0]} cannot write",
                expected="a folder that this process and every worker see under the same path",
                remedy="pass a shared folder as scratch=",
            )
        return scratch

    def _workers(self) -> list[Mapping[str, Any]]:
        return list(self.client.scheduler_info(n_workers=-1)["workers"].values())


def _blocks(parts: Sequence[P], threads: int) -> Iterator[Sequence[P]]:
    """Parts in blocks of one power of two, four blocks for each thread at least where there are so many.

    Such a block is a branch of the tree that a pass merges by, so a worker merges it by itself.
    """
    size = 1
    while size < _MOST_IN_A_BLOCK and len(parts) >= 2 * size * _BLOCKS_A_THREAD * max(threads, 1):
        size *= 2
    for first in range(0, len(parts), size):
        yield parts[first : first + size]
