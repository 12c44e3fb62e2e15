"""How old a training example is."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from shortlist.data import NULL, Ragged
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.features._summary import Summary
from shortlist.features.ops._groups import one_value
from shortlist.features.ops._times import array_times, frame_times, time_column
from shortlist.schema import Column, Domain, Tags

__all__ = ["ExampleAge"]


@dataclass(frozen=True)
class ExampleAge(Op):
    """``(last - t) / (last - first)``: 0 for the newest row of the training data, 1 for the oldest.

    First and last are the least and the greatest time seen in fitting; where all rows have one time, the age
    is 0, and so it is where the time is null. Rows later than those seen in fitting have an age below 0. The
    column is tagged ``training`` and nothing else that a tower reads: `YouTubeDNN` takes it in training, and
    counts every request as new.

    Attributes:
        name: name of the new column.

    Source: Covington, Adams, Sargin, "Deep neural networks for YouTube recommendations", RecSys 2016.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"time": [0, 86_400, 345_600]}))
    >>> Workflow(["time" >> ExampleAge()]).fit(rows).transform(rows).collect()["example_age"].to_list()
    [1.0, 0.75, 0.0]
    """

    name: str = "example_age"

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """One continuous column in place of the time."""
        (column,) = inputs
        time_column("ExampleAge", column)
        one_value("ExampleAge", column)
        tags = frozenset({Tags.CONTINUOUS, "training"})
        return Made((Column(self.name, "float64", tags, domain=Domain(self.name)),))

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """The least and the greatest time."""
        (column,) = step.inputs
        times = frame_times(column, columns[column.name])
        return {"range": Summary(least={"first": times}, greatest={"last": times})}

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """The range."""
        first, last = totals["range"].select("first", "last").row(0)
        return State({"first": 0 if first is None else int(first), "last": 0 if last is None else int(last)})

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:
        """Subtract and divide in float64."""
        (column,) = step.inputs
        times = frame_times(column, columns[column.name])
        age = (state.values["last"] - times).cast(pl.Float64) / _span(state)
        return {self.name: age.fill_null(0.0)}

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:
        """Subtract and divide in float64."""
        (column,) = step.inputs
        values = columns[column.name]
        assert not isinstance(values, Ragged)
        times = array_times(column, values)
        missing = times == NULL
        age = (state.values["last"] - np.where(missing, 0, times)) / _span(state)
        return {self.name: np.where(missing, 0.0, age)}


def _span(state: State) -> float:
    return float(max(state.values["last"] - state.values["first"], 1))
