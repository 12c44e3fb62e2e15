"""The form of a numeric op: its arithmetic written once, run on frames and on arrays."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace

import polars as pl

from shortlist.data import Ragged
from shortlist.features._array_columns import as_floats
from shortlist.features._frame_columns import on_elements
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._scalars import Floats, Scalar, run_expr, run_scalars
from shortlist.features._state import State
from shortlist.features.ops._checks import column_type
from shortlist.schema import Column, Tags

__all__ = ["Numeric", "change_arrays", "change_frames", "continuous"]


class Numeric(Op):
    """Numbers in, numbers out, alone or in lists: a subclass gives the arithmetic, both paths follow."""

    @abstractmethod
    def scalars(self, step: Step, state: State) -> tuple[Scalar, ...]:
        """The arithmetic, first to last."""

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """A continuous column of the same name."""
        return Made((continuous(type(self).__name__, inputs[0]),))

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:
        """The arithmetic as an expression."""
        parts = self.scalars(step, state)
        return change_frames(step, columns, lambda x: run_expr(parts, x))

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:
        """The arithmetic on arrays."""
        parts = self.scalars(step, state)
        return change_arrays(columns, lambda x: run_scalars(parts, x))


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
