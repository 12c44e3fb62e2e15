"""One machine: partition by partition."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import polars as pl

from shortlist.errors import ArgumentError
from shortlist.features.engine._memory import give_back, machine_memory, share_heap, to_bytes
from shortlist.features.engine._progress import Progress
from shortlist.features.engine._scratch import Scratch, scratch_root
from shortlist.features.engine._shuffle import shuffled
from shortlist.features.engine._tree import MergeTree

__all__ = ["Local"]

P = TypeVar("P")
T = TypeVar("T")


class Local:
    """Partitions one after the other, a few at a time, on this machine.

    Args:
        threads: partitions in flight at once; each may use all of Polars' threads. Memory grows with it.
        memory: bytes that statistics may hold before they go to disk, or text like ``"800MB"`` or
            ``"1.5GiB"``; None for a quarter of the memory that this process may use. Partitions in flight
            come on top: cut the data finer to have them smaller.
        scratch: folder that holds the job's temporary files, see `scratch`; None for the system's temporary
            directory.
        progress: draw a line of progress on the standard error stream; None does if that is a terminal.

    Raises:
        ArgumentError: an option is out of its range.

    >>> parts = [pl.LazyFrame({"x": [1, 2]}), pl.LazyFrame({"x": [3]})]
    >>> Local().map_reduce(lambda part: part.collect()["x"].sum(), lambda a, b: a + b, parts)
    6
    """

    def __init__(
        self,
        threads: int = 2,
        memory: int | str | None = None,
        scratch: Path | str | None = None,
        progress: bool | None = False,
    ) -> None:
        if threads < 1:
            raise ArgumentError("Local.threads", received=threads, expected="an integer >= 1")
        self.threads = threads
        self._memory = None if memory is None else to_bytes("Local.memory", memory)
        self._root = scratch_root("Local.scratch", scratch)
        self._progress = progress
        self._kept: list[Scratch] = []

    @cached_property
    def memory(self) -> int:
        """Bytes that statistics may hold before they go to disk."""
        return machine_memory() // 4 if self._memory is None else self._memory

    def map(
        self, change: Callable[[pl.LazyFrame], pl.LazyFrame], partitions: Sequence[pl.LazyFrame]
    ) -> tuple[pl.LazyFrame, ...]:
        """Change every partition lazily."""
        return tuple(change(part) for part in partitions)

    def map_reduce(self, measure: Callable[[P], T], merge: Callable[[T, T], T], parts: Sequence[P]) -> T:
        """Measure and merge; at most ``threads`` measured parts wait for their merge.

        Raises:
            ArgumentError: there are no parts.
        """
        tree = MergeTree(merge)
        share_heap()
        with Progress(self._progress, len(parts)) as progress, ThreadPoolExecutor(self.threads) as pool:
            for measured in _in_order(pool, self.threads + 1, measure, parts):
                progress.step(measured=measured)
                tree.add(measured)
        give_back()
        return tree.total()

    def read_ahead(
        self, read: Callable[[P], Iterable[T]], take: Callable[[T], None], parts: Sequence[P]
    ) -> None:
        """Take what is read of all parts, in order; one thread reads the next meanwhile.

        Raises:
            ArgumentError: there are no parts.
        """
        if not parts:
            raise ArgumentError("read_ahead", received="no partitions", expected="at least one partition")
        share_heap()
        found = ((number, one) for number, part in enumerate(parts) for one in read(part))
        with Progress(self._progress, len(parts)) as progress, ThreadPoolExecutor(1) as reader:
            done, ahead = 0, reader.submit(next, found, None)
            while (numbered := ahead.result()) is not None:
                ahead = reader.submit(next, found, None)
                if numbered[0] > done:
                    progress.step(numbered[0] - done)
                    done = numbered[0]
                take(numbered[1])
            progress.step(len(parts) - done)
        give_back()

    def shuffle(
        self, partitions: Sequence[pl.LazyFrame], key: str | Sequence[str], count: int
    ) -> tuple[pl.LazyFrame, ...]:
        """Write the rows to files sorted by bucket, ``hash(key) % count``, and read them by bucket.

        Memory is ``threads`` partitions, or runs of small partitions up to a share of ``memory``.

        Raises:
            ArgumentError: there are no partitions, or the count is below 1.
            SchemaError: there is no such column, or its values have no hash.
        """
        memory = self.memory // (4 * self.threads)
        return shuffled(self, Scratch(self._root), partitions, key, count, memory=memory, tasks=self.threads)

    def scratch(self) -> Path:
        """A new folder in ``shortlist-scratch-HOST-PROCESS``, removed with the engine or at exit.

        A process that is killed leaves its folder behind; it may be removed by hand.
        """
        self._kept.append(Scratch(self._root))
        return self._kept[-1].path


def _in_order(
    pool: ThreadPoolExecutor, ahead: int, work: Callable[[P], T], parts: Sequence[P]
) -> Iterator[T]:
    """Results in the order of the parts, with so many under way or done and waiting for those before."""
    running: deque[Future[T]] = deque()
    for part in parts:
        if len(running) == ahead:
            yield running.popleft().result()
        running.append(pool.submit(work, part))
    while running:
        yield running.popleft().result()
