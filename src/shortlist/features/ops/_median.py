"""The median of columns, for the reader."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from shortlist.features._op import Exprs, Made, Step
from shortlist.features._quantiles import MEDIAN
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.features.ops._checks import column_type
from shortlist.features.ops._unchanged import Unchanged
from shortlist.schema import Column

__all__ = ["Median"]


@dataclass(frozen=True)
class Median(Unchanged):
    """The exact median of the finite numbers of each column, for `Workflow.statistics`.

    Lists are taken over all elements; a column without numbers has no median. Columns pass unchanged: to put
    the median in place of nulls use FillMedian.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"price": [4.0, None, 1.0, 2.0, 3.0]}))
    >>> Workflow(["price" >> Median()]).fit(rows).statistics().rows()
    [('price', 'median', '2.5')]
    """

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """The same column."""
        column_type("Median", inputs[0], "int", "uint", "float", "bool", remedy="leave the column out")
        return Made(inputs)

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
        """The median, to be shown."""
        median = MEDIAN.found(totals)
        return State({"described": {step.inputs[0].name: {"median": median[0]} if median else {}}})
