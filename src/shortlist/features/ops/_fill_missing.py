"""A value in place of nulls."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from shortlist.data import Array
from shortlist.errors import ArgumentError
from shortlist.features._array_columns import as_floats, is_missing, on_values
from shortlist.features._frame_columns import element_type, on_elements
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._scalars import Fill, Scalar
from shortlist.features._state import State
from shortlist.features.ops._checks import column_type
from shortlist.features.ops._indicator import flag_array, flag_expr, indicator, missing
from shortlist.schema import Column

__all__ = ["FillMissing"]


@dataclass(frozen=True)
class FillMissing(Op):
    """A value in place of null and NaN, in columns and within lists; a missing list is an empty list.

    The column keeps its type; integers become int64 where theirs does not hold the value, and float64 where
    the value is a fraction.

    Attributes:
        value: number, string or boolean put in place of nulls.
        add_indicator: whether to add a column ``<name>_filled``: 1.0 where a value was put in, else 0.0,
            which later ops of the branch do not touch.

    Raises:
        ArgumentError: the value is itself missing, or neither number, string nor boolean.

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
        if is_missing(self.value) or not isinstance(self.value, int | float | str):
            raise ArgumentError(
                "FillMissing.value", received=self.value, expected="a number, string or boolean"
            )

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """The same column, and its indicator if asked for."""
        (column,) = inputs
        text = isinstance(self.value, str)
        kinds = ("string",) if text else ("int", "uint", "float", "bool")
        column_type("FillMissing", column, *kinds, remedy="fill it with a value of its own type")
        filled = replace(column, dtype=_holding(column.dtype, self.value))
        return Made((filled,), (indicator(column),) if self.add_indicator else ())

    def scalars(self, step: Step, state: State) -> tuple[Scalar, ...] | None:  # noqa: ARG002
        """One value for nulls, where numbers are filled and nothing else is made."""
        return None if self.add_indicator or isinstance(self.value, str) else (Fill(float(self.value)),)

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """Fill nulls."""
        (column,), (filled, *flags) = step.inputs, step.outputs
        value, wanted = columns[column.name], element_type(filled)

        def fill(x: pl.Expr) -> pl.Expr:
            return x.cast(wanted).fill_null(pl.lit(self.value, dtype=wanted))

        made = {filled.name: on_elements(column, value, fill)}
        return made | {flag.name: flag_expr(column, value) for flag in flags}

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """Fill NaN and None."""
        (column,), (filled, *flags) = step.inputs, step.outputs
        value = columns[column.name]

        def fill(values: Array) -> Array:
            empty = missing(values)
            if not empty.any():
                return values
            if values.dtype.kind == "O" and filled.dtype != "string":
                as_floats(values, column.name)  # refuses what is no number
            out = np.empty(len(values), dtype=object if filled.dtype == "string" else filled.dtype)
            out[~empty], out[empty] = values[~empty], self.value
            return out

        return {filled.name: on_values(value, fill)} | {flag.name: flag_array(value) for flag in flags}


def _holding(dtype: str, value: float | str) -> str:
    """The type that holds the values of a type, and one more."""
    if isinstance(value, str) or not dtype.startswith(("int", "uint")):
        return dtype
    if not float(value).is_integer():
        return "float64"
    whole = int(value)
    return next((t for t in (dtype, "int64") if np.iinfo(t).min <= whole <= np.iinfo(t).max), "float64")
