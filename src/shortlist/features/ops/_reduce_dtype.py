"""Columns in the smallest type that holds them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from shortlist.data import Array
from shortlist.errors import ArgumentError
from shortlist.features._array_columns import as_floats, on_values
from shortlist.features._frame_columns import element_type, on_elements
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.features._summary import Summary, elements
from shortlist.features.ops._checks import column_type
from shortlist.schema import Column

__all__ = ["ReduceDtype"]

_NARROW = ("int8", "int16", "int32")


@dataclass(frozen=True)
class ReduceDtype(Op):
    """The smallest signed integer type that holds what was seen in fitting, and float32 for floats.

    Integers, alone or in lists, become int8, int16 or int32 where all values fit and that is narrower than
    their type; codes take the type that holds every code of their vocabulary. Later values beyond the type
    never wrap, as NVTabular's do: they become the nearest bound. A column without values keeps its type, and
    so do booleans and strings. Null stays null (on the request path, numbers beside nulls are floats).
    Continuous columns leave a workflow as float32 in any case.

    Attributes:
        float_dtype: type of floats; beyond the range of float32 they become infinite.

    Raises:
        ArgumentError: ``float_dtype`` is neither.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"year": [1999, 2024, None]}))
    >>> Workflow(["year" >> ReduceDtype()]).fit(rows).schema["year"].dtype
    'int16'
    """

    float_dtype: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        if self.float_dtype not in ("float32", "float64"):
            raise ArgumentError(
                "ReduceDtype.float_dtype", received=self.float_dtype, expected="'float32' or 'float64'"
            )

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:
        """The column with its new type; integers keep theirs until fitting is done."""
        (column,) = inputs
        kinds = ("int", "uint", "float", "bool", "string")
        column_type("ReduceDtype", column, *kinds, remedy="leave the column out")
        return Made((replace(column, dtype=self._type(column, state)),))

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """The least and the greatest integer, where the vocabulary does not tell."""
        (column,) = step.inputs
        if not _is_integer(column) or column.vocabulary is not None or _codes(column) is not None:
            return {}
        x = elements(column, columns[column.name])
        return {"range": Summary(least={"low": x}, greatest={"high": x})}

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """The range, unless nothing was counted."""
        if "range" not in totals:
            return State({"low": None, "high": None})
        low, high = totals["range"].select("low", "high").row(0)
        return State({"low": low, "high": high})

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:
        """Cast to the new type, at its bounds where the value is beyond."""
        (column,) = step.inputs
        wanted = replace(column, dtype=self._type(column, state))

        def narrow(x: pl.Expr) -> pl.Expr:
            kept = x.clip(*_bounds(column, wanted)) if _is_integer(wanted) else x
            return kept.cast(element_type(wanted))

        value = columns[column.name]
        return {column.name: on_elements(column, value, narrow) if wanted != column else value}

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:
        """The same on arrays; integers beside nulls stay floats."""
        (column,) = step.inputs
        wanted = replace(column, dtype=self._type(column, state))

        def narrow(values: Array) -> Array:
            x = as_floats(values, column.name)
            if not _is_integer(wanted):
                with np.errstate(over="ignore"):
                    return x.astype(wanted.dtype)
            kept = np.clip(x, *_bounds(column, wanted))
            return kept if np.isnan(kept).any() else kept.astype(wanted.dtype)

        value = columns[column.name]
        return {column.name: on_values(value, narrow) if wanted != column else value}

    def _type(self, column: Column, state: State | None) -> str:
        if column.dtype.startswith("float"):
            return min(self.float_dtype, column.dtype, key=lambda dtype: int(dtype.removeprefix("float")))
        values = _codes(column) or (state and (state.values["low"], state.values["high"]))
        return _smallest(column.dtype, *values) if _is_integer(column) and values else column.dtype


def _is_integer(column: Column) -> bool:
    return column.dtype.startswith(("int", "uint"))


def _codes(column: Column) -> tuple[int, int] | None:
    """The least and the greatest code of an encoded column."""
    size = None if column.domain is None else column.domain.size
    return None if size is None else (0, size - 1)


def _smallest(dtype: str, low: int | None, high: int | None) -> str:
    if low is None or high is None:
        return dtype
    fits = (
        name
        for name in _NARROW
        if np.iinfo(name).min <= low <= high <= np.iinfo(name).max
        and np.dtype(name).itemsize < np.dtype(dtype).itemsize
    )
    return next(fits, dtype)


def _bounds(column: Column, wanted: Column) -> tuple[int, int]:
    """The range of a narrower type, as far as the column's own type goes."""
    own, new = np.iinfo(column.dtype), np.iinfo(wanted.dtype)
    return max(own.min, new.min), new.max
