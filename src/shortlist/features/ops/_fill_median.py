"""The median in place of nulls."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._quantiles import MEDIAN
from shortlist.features._scalars import Fill, Scalar, run_expr, run_scalars
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.features.ops._indicator import flag_array, flag_expr, indicator
from shortlist.features.ops._numeric import change_arrays, change_frames, continuous
from shortlist.schema import Column

__all__ = ["FillMedian"]


@dataclass(frozen=True)
class FillMedian(Op):
    """The column's median in place of null and NaN, in columns and within lists (over all elements).

    The median is exact, however the rows are cut into partitions: the middle one of the finite numbers seen
    in fitting, or the mean of the middle two. A column without any has 0.0 put in. A missing list is an empty
    list; infinite numbers stay. NVTabular's median is an approximation that changes with the partitions.

    Attributes:
        add_indicator: whether to add a column ``<name>_filled``: 1.0 where the median was put in, else 0.0,
            which later ops of the branch do not touch.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"price": [4.0, None, 1.0, 100.0]}))
    >>> Workflow(["price" >> FillMedian()]).fit(rows).transform(rows).collect()["price"].to_list()
    [4.0, 4.0, 1.0, 100.0]
    """

    add_indicator: bool = False

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """A continuous column of the same name, and its indicator if asked for."""
        (column,) = inputs
        filled = continuous("FillMedian", column)
        return Made((filled,), (indicator(column),) if self.add_indicator else ())

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """The first counts that find the median."""
        return self.more(step, columns, {})

    def more(self, step: Step, columns: Exprs, totals: Mapping[str, pl.DataFrame]) -> Mapping[str, Statistic]:
        """The next counts that find the median."""
        (column,) = step.inputs
        return MEDIAN.asked(column, columns[column.name], totals)

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """The median."""
        (median,) = MEDIAN.found(totals) or (0.0,)
        return State({"median": median})

    def scalars(self, step: Step, state: State) -> tuple[Scalar, ...] | None:  # noqa: ARG002
        """The median for nulls, where nothing else is made."""
        return None if self.add_indicator else (_fill(state),)

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:
        """Fill nulls."""
        (column,), flags = step.inputs, step.made.aside
        made = change_frames(step, columns, lambda x: run_expr((_fill(state),), x))
        return {**made, **{flag.name: flag_expr(column, columns[column.name]) for flag in flags}}

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:
        """Fill NaN and None."""
        (column,), flags = step.inputs, step.made.aside
        made = change_arrays(columns, lambda x: run_scalars((_fill(state),), x))
        return {**made, **{flag.name: flag_array(columns[column.name]) for flag in flags}}


def _fill(state: State) -> Fill:
    return Fill(state.values["median"])
