"""What every engine offers. It schedules Polars code by partition; it does not translate it."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import polars as pl

__all__ = ["Engine"]

T = TypeVar("T")


class Engine(Protocol):
    """Where and how partitions are worked on. The results never depend on the engine."""

    def map(
        self, change: Callable[[pl.LazyFrame], pl.LazyFrame], partitions: Sequence[pl.LazyFrame]
    ) -> tuple[pl.LazyFrame, ...]:
        """Change every partition by itself; nothing need be computed before it is collected."""

    def map_reduce(
        self,
        measure: Callable[[pl.LazyFrame], T],
        merge: Callable[[T, T], T],
        partitions: Sequence[pl.LazyFrame],
    ) -> T:
        """Measure every partition and merge the results, neighbours first, in a tree of a fixed form."""

    def shuffle(self, partitions: Sequence[pl.LazyFrame], key: str, count: int) -> tuple[pl.LazyFrame, ...]:
        """The same rows in ``count`` partitions with rows of one key together, in their old order."""
