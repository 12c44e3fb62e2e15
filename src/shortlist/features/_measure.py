"""One pass over a data set: partial statistics of its partitions, merged."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

from shortlist.features._compiled import may_compile
from shortlist.features._frames import needed, prepare, stretches
from shortlist.features._plan import Plan
from shortlist.features._rows import Rows
from shortlist.features._spill import Pile, Spill
from shortlist.features._statistics import Statistic
from shortlist.features._sums import Sums, grouped
from shortlist.features.engine import ReadsAhead
from shortlist.schema import Schema

__all__ = ["Measuring"]

N = TypeVar("N")

# What a value takes, roughly.
_BYTES = 8
# A piece is no larger than this.
_PLENTY = 4_000_000


@dataclass(frozen=True, slots=True)
class Measuring:
    """Rows to be measured through the eyes of a plan.

    Attributes:
        plan: says which rows count, and what history ops make.
        rows: the rows; the memory of their engine bounds what merged statistics hold before they spill.
        whole: whether statistics are to keep what their ops do not need, such as values that are too rare.
    """

    plan: Plan
    rows: Rows
    whole: bool = False

    def measure(self, wanted: Mapping[N, Statistic]) -> dict[N, pl.DataFrame]:
        """The total of every statistic."""
        plan, schema, events = self.plan, self.rows.schema, self.rows.events
        engine, statistics = self.rows.engine, list(wanted.values())
        memory = engine.memory
        spill = Spill(engine.scratch(), memory // 2, self.whole)

        def merge(left: list[Pile], right: list[Pile]) -> list[Pile]:
            return spill.add(statistics, left, right)

        def read(rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
            for piece in _pieces(plan, rows, schema, memory):
                yield prepare(plan, piece.lazy(), schema, events, training=True).collect()

        def partial(rows: pl.LazyFrame) -> list[Pile]:
            if not may_compile():
                found = grouped(statistics, prepare(plan, rows, schema, events, training=True))
                return [Pile((frame,)) for frame in found]
            with Sums(statistics, spill) as sums:
                for piece in read(rows):
                    sums.add(piece)
                return sums.piles()

        partitions = self.rows.dataset.partitions
        if may_compile() and isinstance(engine, ReadsAhead):
            with Sums(statistics, spill) as sums:
                engine.read_ahead(read, sums.add, partitions)
                piles = sums.piles()
        else:
            piles = engine.map_reduce(partial, merge, partitions)
        totals = [spill.total(one, pile) for one, pile in zip(statistics, piles, strict=True)]
        return dict(zip(wanted, totals, strict=True))


def _pieces(plan: Plan, rows: pl.LazyFrame, schema: Schema, memory: int) -> Iterator[pl.DataFrame]:
    """A partition in memory, in pieces there is room for; at least one."""
    asked = needed(plan, rows, schema, training=True, fitting=True)
    types = asked.collect_schema().dtypes()
    most = min(max(memory // (_BYTES * max(len(types), 1)), 1), _PLENTY)
    empty = True
    for piece in asked.collect_batches(chunk_size=most, maintain_order=True) if types else ():
        yield from stretches(piece)
        empty = False
    if empty:
        yield (asked if types else rows).collect()
