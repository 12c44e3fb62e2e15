"""Statistics of pieces, one after the other: those by number are added up, the others pile up."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import polars as pl

from shortlist.features._compiled import kernels
from shortlist.features._running import Running
from shortlist.features._spill import Pile, Spill
from shortlist.features._statistics import Statistic

__all__ = ["Sums", "grouped"]

# Rows of a cell are counted in 32 bits.
_MOST_ROWS = 2**31 - 1


class Sums:
    """What is known of the pieces so far; a context, which holds threads.

    Args:
        statistics: what is asked for.
        spill: bounds what is held in memory.
    """

    def __init__(self, statistics: Sequence[Statistic], spill: Spill) -> None:
        self._statistics = statistics
        self._spill = spill
        self._piles = [Pile(()) for _ in statistics]
        self._running: Running | None = None
        self._rows = 0
        self._work: list[Future[None]] = []
        self._pool = ThreadPoolExecutor(pl.thread_pool_size())

    def __enter__(self) -> "Sums":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def add(self, rows: pl.DataFrame) -> None:
        """Take a piece."""
        loops = kernels(len(rows))
        if loops is None:
            self._pile(dict(enumerate(grouped(self._statistics, rows.lazy()))))
            return
        if self._running is None:
            self._running = Running(loops, self._statistics, rows.lazy())
        elif self._rows + len(rows) > _MOST_ROWS:
            self._flush()
            self._running = Running(loops, self._statistics, rows.lazy())
        self._rows += len(rows)
        before, self._work = self._work, self._running.add(self._pool, rows)
        left = self._running.left
        self._pile(dict(zip(left, grouped([self._statistics[n] for n in left], rows.lazy()), strict=True)))
        _wait(before)  # two pieces are under way, so that no thread waits for the last column of one
        if self._running.bytes + sum(pile.bytes for pile in self._piles) > self._spill.limit:
            self._flush()

    def piles(self) -> list[Pile]:
        """All of it as piles."""
        self._flush()
        return self._piles

    def _flush(self) -> None:
        """Sums become a part of the piles, and begin anew."""
        _wait(self._work)
        if self._running is not None:
            self._pile(self._running.frames(self._pool))
        self._running, self._rows, self._work = None, 0, []

    def _pile(self, found: dict[int, pl.DataFrame]) -> None:
        more = [Pile((found[n],) if n in found else ()) for n in range(len(self._statistics))]
        self._piles = self._spill.add(self._statistics, self._piles, more)


def grouped(statistics: Iterable[Statistic], rows: pl.LazyFrame) -> list[pl.DataFrame]:
    """Partial statistics by Polars: groups by streaming, which bounds their memory.

    Other numbers go without: their last digits stay then.
    """
    asked = list(statistics)
    plans = [one.plan(rows) for one in asked]
    keyed = [place for place, one in enumerate(asked) if getattr(one, "keys", ())]
    others = [place for place in range(len(asked)) if place not in keyed]
    groups = pl.collect_all([plans[place] for place in keyed], engine="streaming")
    numbers = pl.collect_all([plans[place] for place in others], engine="in-memory")
    found = dict(zip([*keyed, *others], [*groups, *numbers], strict=True))
    return [found[place] for place in range(len(asked))]


def _wait(work: Iterable[Future[None]]) -> None:
    for one in work:
        one.result()
