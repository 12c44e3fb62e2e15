"""Time from one column to another."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from shortlist.data import NULL, Ragged
from shortlist.errors import ArgumentError
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features.ops._sides import side_of
from shortlist.features.ops._times import array_times, frame_times, time_column
from shortlist.schema import Column, Domain, Schema, Tags

__all__ = ["Elapsed"]

_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400, "weeks": 604_800}


@dataclass(frozen=True)
class Elapsed(Op):
    """The time from the first column of a group of two to the second, such as from sign-up to the event.

    Columns are datetimes, or integers read as seconds, milliseconds or microseconds since 1970 by their size.
    Where the second is earlier the time is below zero; null where either is null. `AsOf` with ``days_since``
    is the time since an earlier event.

    Attributes:
        unit: of the new column: "seconds", "minutes", "hours", "days" (of 24 hours) or "weeks".
        name: name of the new column; None for ``<second>_since_<first>``.

    Raises:
        ArgumentError: the unit is unknown, or there are not two columns in a group.
        SchemaError: a column holds no times.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"joined": [0, None], "time": [129_600, 86_400]}))
    >>> flow = Workflow([[["joined", "time"]] >> Elapsed()]).fit(rows)
    >>> flow.transform(rows).collect()["time_since_joined"].to_list()
    [1.5, None]
    """

    grouped: ClassVar[bool] = True

    unit: Literal["seconds", "minutes", "hours", "days", "weeks"] = "days"
    name: str | None = None

    def __post_init__(self) -> None:
        if self.unit not in _SECONDS:
            raise ArgumentError("Elapsed.unit", received=self.unit, expected=f"one of {tuple(_SECONDS)}")

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """One continuous column in place of the two."""
        if len(inputs) != 2 or any(column.shape.kind != "scalar" for column in inputs):
            raise ArgumentError(
                "Elapsed",
                received=f"columns {[column.name for column in inputs]}",
                expected="a group of two columns of one time a row",
                remedy='write [["signup_time", "time"]] >> ops.Elapsed()',
            )
        for column in inputs:
            time_column("Elapsed", column)
        first, second = inputs
        name = self.name or f"{second.name}_since_{first.name}"
        tags = frozenset({side_of(Schema(inputs), (first.name, second.name)), Tags.CONTINUOUS})
        return Made((Column(name, "float64", tags, domain=Domain(name)),), together=True)

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """Subtract and divide in float64."""
        first, second = (frame_times(column, columns[column.name]) for column in step.inputs)
        return {step.outputs[0].name: (second - first).cast(pl.Float64) / self._unit}

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """Subtract and divide in float64."""
        values = [columns[column.name] for column in step.inputs]
        first, second = (
            array_times(column, value)
            for column, value in zip(step.inputs, values, strict=True)
            if not isinstance(value, Ragged)
        )
        missing = (first == NULL) | (second == NULL)
        apart = np.where(missing, 0, second) - np.where(missing, 0, first)
        return {step.outputs[0].name: np.where(missing, np.nan, apart / self._unit)}

    @property
    def _unit(self) -> int:
        return _SECONDS[self.unit] * 10**6
