"""One pass over a data set: partial statistics of its partitions, merged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

from shortlist.features._frames import prepare
from shortlist.features._plan import Plan
from shortlist.features._rows import Rows
from shortlist.features._spill import Pile, Spill
from shortlist.features._statistics import Statistic

__all__ = ["Measuring"]

N = TypeVar("N")


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
        spill = Spill(engine.scratch(), engine.memory // 2, self.whole)

        def partial(rows: pl.LazyFrame) -> list[Pile]:
            prepared = prepare(plan, rows, schema, events, training=True)
            plans = [statistic.plan(prepared) for statistic in statistics]
            return [Pile((frame,)) for frame in _collected(statistics, plans)]

        def merge(left: list[Pile], right: list[Pile]) -> list[Pile]:
            return spill.add(statistics, left, right)

        piles = engine.map_reduce(partial, merge, self.rows.dataset.partitions)
        totals = [spill.total(one, pile) for one, pile in zip(statistics, piles, strict=True)]
        return dict(zip(wanted, totals, strict=True))


def _collected(statistics: Sequence[Statistic], plans: Sequence[pl.LazyFrame]) -> list[pl.DataFrame]:
    """Groups by streaming, which bounds their memory; other numbers without: their last digits stay then."""
    keyed = [bool(getattr(statistic, "keys", ())) for statistic in statistics]
    grouped = [plan for plan, has_keys in zip(plans, keyed, strict=True) if has_keys]
    others = [plan for plan, has_keys in zip(plans, keyed, strict=True) if not has_keys]
    found = {True: iter(pl.collect_all(grouped, engine="streaming")), False: iter(pl.collect_all(others))}
    return [next(found[has_keys]) for has_keys in keyed]
