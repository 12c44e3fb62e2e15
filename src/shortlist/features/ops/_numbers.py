"""Elementwise arithmetic on numbers, along both paths at once."""

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from shortlist.data import Ragged
from shortlist.features._array_columns import Floats, as_floats
from shortlist.features._frame_columns import on_elements
from shortlist.features._op import Arrays, Exprs, Step
from shortlist.features.ops._checks import column_type
from shortlist.schema import Column, Tags

__all__ = ["change_arrays", "change_frames", "continuous"]


def continuous(op: str, column: Column) -> Column:
    """The column as continuous float64; a workflow gives it as float32 in the end.

    Raises:
        SchemaError: its elements are no numbers, or it is an id.
    """
    column_type(op, column, "int", "uint", "float", "bool", remedy="leave the column out, or Categorify it")
    tags = (column.tags - {Tags.CATEGORICAL}) | {Tags.CONTINUOUS}
    return replace(column, dtype="float64", tags=tags, vocabulary=None)


def change_frames(step: Step, columns: Exprs, change: Callable[[pl.Expr], pl.Expr]) -> Exprs:
    """The change of the numbers of the one input, as an expression."""
    (column,) = step.inputs
    return {column.name: on_elements(column, columns[column.name], lambda x: change(x.cast(pl.Float64)))}


def change_arrays(columns: Arrays, change: Callable[[Floats], Floats]) -> Arrays:
    """The change of the numbers of the one input, as an array."""
    ((name, value),) = columns.items()
    if isinstance(value, Ragged):
        return {name: value.with_values(change(as_floats(value.values, name)))}
    return {name: change(as_floats(value, name))}
