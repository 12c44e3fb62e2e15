"""Logarithms."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from shortlist.features._array_columns import Floats
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features.ops._numbers import change_arrays, change_frames, continuous
from shortlist.schema import Column

__all__ = ["LogOp"]


@dataclass(frozen=True)
class LogOp(Op):
    """``log(1 + x)`` of numbers, alone or in lists.

    Null stays null, and numbers of -1 or less, which have no such logarithm, become null.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"price": [0.0, np.e - 1, -2.0]}))
    >>> Workflow(["price" >> LogOp()]).fit(rows).transform(rows).collect()["price"].to_list()
    [0.0, 1.0, None]
    """

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """A continuous column of the same name."""
        return Made((continuous("LogOp", inputs[0]),))

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """Natural logarithm in float64."""
        return change_frames(step, columns, lambda x: pl.when(x > -1.0).then(x).log1p())

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """Natural logarithm in float64."""

        def change(x: Floats) -> Floats:
            return np.log1p(np.where(x > -1.0, x, np.nan))

        return change_arrays(columns, change)
