"""Statistics added up over long frames, one after the other, which leaves little to merge. Compiled loops."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import ModuleType

import numpy as np
import polars as pl

from shortlist.features._numbered import can_number
from shortlist.features._numbered_cells import Parts, plain_parts
from shortlist.features._running_key import ByKey, RunningKey, floats, key_of, part_of
from shortlist.features._statistics import Moments, Statistic

__all__ = ["Running"]


class Running:
    """Partial statistics of the rows that were added: those by one key, and moments of single numbers.

    Args:
        loops: the compiled loops.
        statistics: all that are asked for.
        rows: tells the types of keys.
    """

    def __init__(self, loops: ModuleType, statistics: Sequence[Statistic], rows: pl.LazyFrame) -> None:
        self._loops = loops
        self._keys = list(_keys(loops, statistics, rows))
        self._moments: dict[int, tuple[Moments, np.ndarray]] = {
            place: (one, np.zeros(3))
            for place, one in enumerate(statistics)
            if isinstance(one, Moments) and not one.lists
        }
        self._work: list[Future[None]] = []
        known = {place for asked, _ in self._keys for place in asked}
        self.left = [
            place for place in range(len(statistics)) if place not in known and place not in self._moments
        ]

    def add(self, pool: ThreadPoolExecutor, rows: pl.DataFrame) -> list[Future[None]]:
        """Begin to add rows; done when all that comes back is done, in any case after the rows before.

        The statistics with most to do go first.
        """
        made = {id(part): (part, pool.submit(_parts, rows, part)) for part in self._parts()}

        def parts(part: pl.Expr) -> Parts:
            return made[id(part)][1].result()

        by_work = sorted(self._keys, key=lambda known: -len(known[0]))
        tasks = [partial(running.add, rows, parts) for _, running in by_work]
        tasks += [partial(self._add_moments, place, rows) for place in self._moments]
        before: Sequence[Future[None] | None] = self._work or [None] * len(tasks)
        self._work = [pool.submit(_after, *pair) for pair in zip(before, tasks, strict=True)]
        return self._work

    def frames(self, pool: ThreadPoolExecutor) -> dict[int, pl.DataFrame]:
        """The statistics, by their places; what they were made of is let go."""
        work = [pool.submit(self._keys.pop()[1].frames) for _ in range(len(self._keys))]
        found = {place: frame for one in work for place, frame in one.result().items()}
        for place, (_, (n, mean, m2)) in self._moments.items():
            found[place] = pl.DataFrame({"n": [int(n)], "mean": [float(mean)], "m2": [float(m2)]})
        return found

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        return sum(running.bytes for _, running in self._keys)

    def _parts(self) -> Iterator[pl.Expr]:
        """What parts keys, each once."""
        found = [part_of(one) for asked, _ in self._keys for one in asked.values()]
        yield from {id(part): part for part in found if part is not None}.values()

    def _add_moments(self, place: int, rows: pl.DataFrame) -> None:
        statistic, so_far = self._moments[place]
        self._loops.moments(floats(rows, statistic.values), so_far)


def _keys(
    loops: ModuleType, statistics: Sequence[Statistic], rows: pl.LazyFrame
) -> Iterator[tuple[Mapping[int, ByKey], RunningKey]]:
    """The keys, each with the statistics that it takes care of."""
    groups: list[tuple[pl.Expr, dict[int, ByKey]]] = []
    for place, statistic in enumerate(statistics):
        key = key_of(statistic)
        if key is None or not isinstance(statistic, ByKey):
            continue
        members = next((found for known, found in groups if known.meta.eq(key)), None)
        if members is None:
            members = {}
            groups.append((key, members))
        members[place] = statistic
    for key, members in groups:
        dtype = rows.select(key.alias("key")).collect_schema()["key"]
        if can_number(dtype):
            yield members, RunningKey(loops, key, members, rows)


def _parts(rows: pl.DataFrame, part: pl.Expr) -> Parts:
    return plain_parts(rows.select(part.alias("part")).to_series())


def _after(before: Future[None] | None, task: Callable[[], None]) -> None:
    if before is not None:
        before.result()
    task()
