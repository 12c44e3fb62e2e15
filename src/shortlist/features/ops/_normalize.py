"""Zero mean and unit standard deviation."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import polars as pl

from shortlist.features._array_columns import Floats
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features._statistics import Moments, Statistic
from shortlist.features.ops._numbers import change_arrays, change_frames, continuous
from shortlist.schema import Column

__all__ = ["Normalize"]


@dataclass(frozen=True)
class Normalize(Op):
    """``(x - mean) / std`` of numbers, alone or in lists (over all elements).

    Mean and standard deviation (of the sample: divided by n - 1) are those of the finite values seen in
    fitting. A constant column, a single value and a column without values have a deviation of 0, and give
    ``x - mean``. Null stays null: put FillMissing before or after.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"price": [1.0, 2.0, 3.0, None]}))
    >>> Workflow(["price" >> Normalize()]).fit(rows).transform(rows).collect()["price"].to_list()
    [-1.0, 0.0, 1.0, None]
    """

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """A continuous column of the same name."""
        return Made((continuous("Normalize", inputs[0]),))

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """Number, mean and squared differences."""
        (column,) = step.inputs
        return {"moments": Moments(columns[column.name], column.is_list)}

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """Mean and standard deviation."""
        n, mean, m2 = totals["moments"].row(0)
        return State({"mean": mean, "std": sqrt(m2 / (n - 1)) if n > 1 else 0.0})

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:
        """Subtract and divide in float64."""
        mean, scale = _scale(state)
        return change_frames(step, columns, lambda x: (x - mean) / scale)

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """Subtract and divide in float64."""
        mean, scale = _scale(state)

        def change(x: Floats) -> Floats:
            return (x - mean) / scale

        return change_arrays(columns, change)


def _scale(state: State) -> tuple[float, float]:
    std = state.values["std"]
    return state.values["mean"], std if std > 0 else 1.0
