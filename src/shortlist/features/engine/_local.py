"""One machine: partition by partition."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

import numpy as np
import polars as pl

from shortlist.errors import ArgumentError
from shortlist.features._hash import hash_values
from shortlist.features.engine._tree import MergeTree

__all__ = ["Local"]

P = TypeVar("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Local:
    """Partitions one after the other, a few at a time, on this machine.

    Attributes:
        threads: partitions in flight at once; each may use all of Polars' threads. Memory grows with it.
        scratch: folder for the files of `shuffle`, which stay until the caller removes them; None for a new
            folder in the system's temporary directory.

    Raises:
        ArgumentError: ``threads`` is below 1.

    >>> parts = [pl.LazyFrame({"x": [1, 2]}), pl.LazyFrame({"x": [3]})]
    >>> Local().map_reduce(lambda part: part.collect()["x"].sum(), lambda a, b: a + b, parts)
    6
    """

    threads: int = 2
    scratch: Path | None = None

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ArgumentError("Local.threads", received=self.threads, expected="an integer >= 1")

    def map(
        self, change: Callable[[pl.LazyFrame], pl.LazyFrame], partitions: Sequence[pl.LazyFrame]
    ) -> tuple[pl.LazyFrame, ...]:
        """Change every partition lazily."""
        return tuple(change(part) for part in partitions)

    def map_reduce(
        self,
        measure: Callable[[pl.LazyFrame], T],
        merge: Callable[[T, T], T],
        partitions: Sequence[pl.LazyFrame],
    ) -> T:
        """Measure and merge; at most ``threads`` measured partitions wait for their merge.

        Raises:
            ArgumentError: there are no partitions.
        """
        tree = MergeTree(merge)
        for part in self._in_order(measure, partitions):
            tree.add(part)
        return tree.total()

    def shuffle(self, partitions: Sequence[pl.LazyFrame], key: str, count: int) -> tuple[pl.LazyFrame, ...]:
        """Write each partition's rows to one file per bucket, ``hash(key) % count``; memory is one partition.

        Rows whose key is null share a bucket.
        """
        folder = Path(mkdtemp(prefix="shortlist-shuffle-", dir=self.scratch))

        def write(numbered: tuple[int, pl.LazyFrame]) -> None:
            number, part = numbered
            rows = part.collect()
            buckets = (hash_values(rows[key]) % np.uint64(count)).astype(np.int64)
            buckets[rows[key].is_null().to_numpy()] = 0
            for bucket in range(count):
                kept = rows.filter(pl.Series(buckets == bucket))
                kept.write_ipc(folder / f"{bucket:05d}-{number:05d}.arrow")

        for _ in self._in_order(write, list(enumerate(partitions))):
            pass
        return tuple(
            pl.concat([pl.scan_ipc(folder / f"{b:05d}-{n:05d}.arrow") for n in range(len(partitions))])
            for b in range(count)
        )

    def _in_order(self, work: Callable[[P], T], parts: Sequence[P]) -> Iterator[T]:
        """Results in the order of the parts."""
        with ThreadPoolExecutor(self.threads) as pool:
            running: deque[Future[T]] = deque()
            for part in parts:
                if len(running) == self.threads:
                    yield running.popleft().result()
                running.append(pool.submit(work, part))
            while running:
                yield running.popleft().result()
