"""How long lists are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.features._summary import Summary
from shortlist.features.ops._checks import list_column
from shortlist.schema import Column, Shape

__all__ = ["ValueCount"]


@dataclass(frozen=True)
class ValueCount(Op):
    """The least and the greatest length of the lists seen in fitting, written into the column's shape.

    `Workflow.statistics` shows both; lists of one length have the same twice. A missing list counts as an
    empty one, nulls within lists are elements. The lists pass unchanged, longer ones that come later too: to
    cut them use ListSlice.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"topics": [["a", "b"], ["c"]]}))
    >>> flow = Workflow(["topics" >> ValueCount()]).fit(rows)
    >>> flow.schema["topics"].shape.size, flow.statistics().rows()
    (2, [('topics', 'min_length', '1'), ('topics', 'max_length', '2')])
    """

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:
        """The column with the greatest length seen."""
        (column,) = inputs
        list_column("ValueCount", column)
        longest = None if state is None else state.values["described"][column.name]["max_length"]
        return Made((column if longest is None else replace(column, shape=Shape("list", longest)),))

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """The least and the greatest length."""
        length = columns[step.inputs[0].name].list.len().cast(pl.Int64)
        return {"lengths": Summary(least={"min_length": length}, greatest={"max_length": length})}

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """Both lengths; None where there were no rows."""
        return State({"described": {step.inputs[0].name: totals["lengths"].row(0, named=True)}})

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """The same expressions."""
        return columns

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """The same arrays."""
        return columns
