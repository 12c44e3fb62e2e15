"""How long lists are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from shortlist.features._op import Exprs, Made, Step
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.features._summary import Summary
from shortlist.features.ops._checks import list_column
from shortlist.features.ops._unchanged import Unchanged
from shortlist.schema import Column

__all__ = ["ValueCount"]


@dataclass(frozen=True)
class ValueCount(Unchanged):
    """The least and the greatest length of the lists seen in fitting, written into the column's shape.

    `Workflow.statistics` shows both, as ``min_length`` and ``max_length``; where there are no rows the shape
    stays. A missing list counts as an empty one, nulls within lists are elements. The lists pass unchanged,
    longer ones that come later too: to cut them use ListSlice.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"topics": [["a", "b"], ["c"]]}))
    >>> flow = Workflow(["topics" >> ValueCount()]).fit(rows)
    >>> flow.schema["topics"].shape.least, flow.schema["topics"].shape.size
    (1, 2)
    """

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:
        """The column with the lengths seen."""
        (column,) = inputs
        list_column("ValueCount", column)
        seen = {} if state is None else state.values["described"][column.name]
        if seen.get("max_length") is None:
            return Made((column,))
        shape = replace(column.shape, size=seen["max_length"], least=seen["min_length"])
        return Made((replace(column, shape=shape),))

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
