"""A value in place of nulls."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from shortlist.data import Array
from shortlist.errors import ArgumentError
from shortlist.features._array_columns import is_missing, on_values
from shortlist.features._frame_columns import element_type, on_elements
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features.ops._checks import column_type
from shortlist.schema import Column, Domain, Tags

__all__ = ["FillMissing"]


@dataclass(frozen=True)
class FillMissing(Op):
    """A value in place of null and NaN, in columns and within lists; a missing list is an empty list.

    The column keeps its type; an integer column that is filled with a fraction becomes float64.

    Attributes:
        value: number, string or boolean put in place of nulls.
        add_indicator: whether to add a column ``<name>_filled``: 1.0 where a value was put in, else 0.0,
            which later ops of the branch do not touch.

    Raises:
        ArgumentError: the value is itself missing.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"age": [30, None]}))
    >>> flow = Workflow(["age" >> FillMissing(0, add_indicator=True)]).fit(rows)
    >>> flow.transform(rows).collect().rows()
    [(30, 0.0), (0, 1.0)]
    """

    value: float | str | bool = 0
    add_indicator: bool = False

    def __post_init__(self) -> None:
        if is_missing(self.value):
            raise ArgumentError("FillMissing.value", received=self.value, expected="a value")

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """The same column, and its indicator if asked for."""
        (column,) = inputs
        text = isinstance(self.value, str)
        kinds = ("string",) if text else ("int", "uint", "float", "bool")
        column_type("FillMissing", column, *kinds, remedy="fill it with a value of its own type")
        broken = column.dtype.startswith(("int", "uint")) and self.value != int(self.value)
        filled = replace(column, dtype="float64") if broken else column
        if not self.add_indicator:
            return Made((filled,))
        tags = (column.tags - {Tags.CATEGORICAL, Tags.ID, Tags.TEXT}) | {Tags.CONTINUOUS}
        name = f"{column.name}_filled"
        return Made((filled,), (replace(column, name=name, dtype="float32", tags=tags, domain=Domain(name)),))

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """Fill nulls."""
        (column,), (filled, *indicators) = step.inputs, step.outputs
        value, wanted = columns[column.name], element_type(filled)

        def fill(x: pl.Expr) -> pl.Expr:
            return x.cast(wanted).fill_null(pl.lit(self.value, dtype=wanted))

        def missing(x: pl.Expr) -> pl.Expr:
            return x.is_null().cast(pl.Float32)

        made = {filled.name: on_elements(column, value, fill)}
        return made | {flag.name: on_elements(column, value, missing) for flag in indicators}

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """Fill NaN and None."""
        (column,), (filled, *indicators) = step.inputs, step.outputs
        value = columns[column.name]

        def fill(values: Array) -> Array:
            flags = _missing(values)
            if not flags.any():
                return values
            out = values.copy()
            out[flags] = self.value
            return out

        made = {filled.name: on_values(value, fill)}
        return made | {
            flag.name: on_values(value, lambda x: _missing(x).astype(np.float32)) for flag in indicators
        }


def _missing(values: Array) -> Array:
    if values.dtype.kind == "O":
        return np.array([is_missing(value) for value in values.tolist()], dtype=np.bool_)
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=np.bool_)
