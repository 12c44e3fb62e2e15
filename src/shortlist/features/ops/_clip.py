"""Numbers kept within bounds."""

from dataclasses import dataclass

import numpy as np

from shortlist.errors import ArgumentError
from shortlist.features._array_columns import Floats
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features.ops._numbers import change_arrays, change_frames, continuous
from shortlist.schema import Column

__all__ = ["Clip"]


@dataclass(frozen=True)
class Clip(Op):
    """Numbers below ``low`` become ``low``, above ``high`` become ``high``; null stays null.

    Attributes:
        low: least number; None for no lower bound.
        high: greatest number; None for no upper bound.

    Raises:
        ArgumentError: there is no bound, or the lower one is above the upper one.

    >>> import polars as pl
    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"age": [-1, 30, 130, None]}))
    >>> Workflow(["age" >> Clip(0, 120)]).fit(rows).transform(rows).collect()["age"].to_list()
    [0.0, 30.0, 120.0, None]
    """

    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise ArgumentError("Clip", received="no bound", expected="low, high or both")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ArgumentError("Clip.low", received=self.low, expected=f"at most high, which is {self.high}")

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """A continuous column of the same name."""
        return Made((continuous("Clip", inputs[0]),))

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """Minimum and maximum."""
        return change_frames(step, columns, lambda x: x.clip(self.low, self.high))

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """Minimum and maximum."""
        low = -np.inf if self.low is None else self.low
        high = np.inf if self.high is None else self.high

        def change(x: Floats) -> Floats:
            return np.minimum(np.maximum(x, low), high)

        return change_arrays(columns, change)
