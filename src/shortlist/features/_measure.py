"""One pass over a data set: partial statistics of its partitions, merged."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

import polars as pl

from shortlist.features._by_number import by_number
from shortlist.features._compiled import may_compile
from shortlist.features._frames import needed, prepare
from shortlist.features._plan import Plan
from shortlist.features._rows import Rows
from shortlist.features._spill import Pile, Spill
from shortlist.features._statistics import Statistic
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

        def partial(rows: pl.LazyFrame) -> list[Pile]:
            found = (
                _collected(statistics, prepare(plan, piece, schema, events, training=True))
                for piece in _pieces(plan, rows, schema, memory)
            )
            return reduce(merge, ([Pile((frame,)) for frame in frames] for frames in found))

        piles = engine.map_reduce(partial, merge, self.rows.dataset.partitions)
        totals = [spill.total(one, pile) for one, pile in zip(statistics, piles, strict=True)]
        return dict(zip(wanted, totals, strict=True))


def _pieces(plan: Plan, rows: pl.LazyFrame, schema: Schema, memory: int) -> Iterator[pl.LazyFrame]:
    """A partition as it is; where loops may be compiled, in memory, in pieces there is room for."""
    asked = needed(plan, rows, schema, training=True, fitting=True)
    types = asked.collect_schema().dtypes()
    if not types or not may_compile():
        yield rows
        return
    most = min(max(memory // (_BYTES * len(types)), 1), _PLENTY)
    empty = True
    for piece in asked.collect_batches(chunk_size=most, maintain_order=True):
        yield piece.rechunk().lazy()
        empty = False
    if empty:
        yield asked


def _collected(statistics: Sequence[Statistic], rows: pl.LazyFrame) -> list[pl.DataFrame]:
    """Groups by streaming, which bounds their memory; other numbers without: their last digits stay then."""
    found = by_number(statistics, rows.collect()) if may_compile() else {}
    left = [place for place in range(len(statistics)) if place not in found]
    plans = {place: statistics[place].plan(rows) for place in left}
    keyed = [place for place in left if getattr(statistics[place], "keys", ())]
    others = [place for place in left if place not in keyed]
    groups = pl.collect_all([plans[place] for place in keyed], engine="streaming")
    numbers = pl.collect_all([plans[place] for place in others], engine="in-memory")
    found |= dict(zip([*keyed, *others], [*groups, *numbers], strict=True))
    return [found[place] for place in range(len(statistics))]
