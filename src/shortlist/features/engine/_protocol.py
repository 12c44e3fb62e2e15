"""What every engine offers. It schedules Polars code by partition; it does not translate it."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

import polars as pl

__all__ = ["Engine", "ReadsAhead"]

P = TypeVar("P")
T = TypeVar("T")


class Engine(Protocol):
    """Where and how partitions are worked on. The results never depend on the engine.

    Functions and parts go to other processes. Parts travel one by one with their tasks: they should be small,
    plans over files rather than frames. A function travels once and is held by every worker, so what is big
    (fitted tables) belongs into its closure, and what cannot travel (locks, open files, the engine itself)
    does not. A task that is lost with its worker runs again: it must not matter how often it runs, and files
    that it writes appear under their final name when they are whole.
    """

    @property
    def memory(self) -> int:
        """Bytes that the statistics held by one process may take before they go to disk."""

    def map(
        self, change: Callable[[pl.LazyFrame], pl.LazyFrame], partitions: Sequence[pl.LazyFrame]
    ) -> tuple[pl.LazyFrame, ...]:
        """Change every partition by itself; nothing is computed before it is collected."""

    def map_reduce(self, measure: Callable[[P], T], merge: Callable[[T, T], T], parts: Sequence[P]) -> T:
        """Measure every part and merge the results, neighbours first, in a tree of a fixed form.

        What was measured is also shown as speed where progress is drawn and it has a number ``rows``.

        Raises:
            ArgumentError: there are no parts.
        """

    def shuffle(
        self, partitions: Sequence[pl.LazyFrame], key: str | Sequence[str], count: int
    ) -> tuple[pl.LazyFrame, ...]:
        """The same rows in ``count`` partitions with rows of one key together, in their old order.

        The key is a column or several; null is a key like any other. Rows are read lazily, from files that
        stay for as long as a frame made of them is in use.
        """

    def scratch(self) -> Path:
        """A new folder for files of a job, which every worker can write to.

        It is removed when the engine is no longer used, and at exit; the caller may remove it before.
        """


@runtime_checkable
class ReadsAhead(Protocol):
    """What an engine of one process may offer beside: statistics then add up, where others are merged."""

    def read_ahead(
        self, read: Callable[[P], Iterable[T]], take: Callable[[T], None], parts: Sequence[P]
    ) -> None:
        """Take what is read of all parts, one after the other in order; the next is read meanwhile.

        Raises:
            ArgumentError: there are no parts.
        """
