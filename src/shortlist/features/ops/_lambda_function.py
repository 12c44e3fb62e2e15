"""Calling a user's function or expression on rows, and trying it on sample rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from shortlist.data import Array, Ragged
from shortlist.errors import ArgumentError
from shortlist.features._frame_columns import dtype_name, polars_type
from shortlist.features._series import to_array, to_series
from shortlist.schema import DTYPES, SCALAR, Column, Shape

__all__ = ["Compute", "Result", "as_column", "call", "evaluate", "tried"]

Pieces: TypeAlias = Mapping[str, pl.Series]
Result: TypeAlias = pl.Series | Array | Ragged
Compute: TypeAlias = Callable[[Pieces], Result]

_ROWS = 3
_SAMPLES: dict[str, list[Any]] = {
    "int": [1, 2, 3],
    "uint": [1, 2, 3],
    "float": [0.5, 1.5, 2.5],
    "bool": [False, True, True],
    "string": ["a", "b", "c"],
    "datetime": [0, 86_400_000_000, 172_800_000_000],
}


def call(
    function: Callable[..., Array | Ragged], inputs: Sequence[Column], pieces: Pieces, *, rows: bool
) -> Result:
    """Call a function with one array an input; of lists it gets the values, or the rows themselves."""
    arrays = [_plain(column, pieces[column.name]) for column in inputs]
    (first, *others) = arrays
    if rows or not isinstance(first, Ragged) or others:
        return function(*arrays)
    made = np.asarray(function(first.values))
    if made.shape != first.values.shape:
        raise ArgumentError(
            "LambdaOp.function",
            received=f"a result of shape {made.shape} for {len(first.values)} values of lists",
            expected="one result for each value",
            remedy='pass lists="rows" for a function of whole lists',
        )
    return first.with_values(made)


def evaluate(expression: pl.Expr, inputs: Sequence[Column], pieces: Pieces) -> Result:
    """Evaluate an expression on a frame of the inputs."""
    frame = pl.DataFrame({column.name: pieces[column.name] for column in inputs})
    return frame.with_columns(expression.alias("\0made")).get_column("\0made")


def as_column(column: Column, made: Result) -> pl.Series:
    """A result as a series of the column's type; an expression may leave NaN."""
    if isinstance(made, pl.Series):
        return made.cast(polars_type(column)).alias(column.name)
    return to_series(column, made if isinstance(made, Ragged) else np.asarray(made))


def tried(compute: Compute, inputs: Sequence[Column], name: str, dtype: str | None) -> Column:
    """The column that comes out, without tags, judged from sample rows.

    Raises:
        ArgumentError: sample rows cannot be computed and the type is not said; or one depends on the others.
    """
    samples = {column.name: _sample(column) for column in inputs}
    try:
        found = compute(samples)
    except Exception as error:  # whatever a user's function may raise
        if dtype is None:
            raise ArgumentError(
                "LambdaOp.function",
                received=f"{type(error).__name__}: {error}",
                expected=f"a result for sample rows such as {[values[0] for values in samples.values()]}",
                remedy="pass dtype= so that nothing need be tried",
            ) from error
        return Column(name, dtype, shape=inputs[0].shape if len(inputs) == 1 else SCALAR)
    column = Column(name, dtype or _dtype(found), shape=_shape(found))
    _check_rows(compute, samples, as_column(column, found), column)
    return column


def _check_rows(compute: Compute, samples: Pieces, whole: pl.Series, column: Column) -> None:
    """Refuse what does not make every row by itself."""
    alone = [
        as_column(column, compute({name: values[row : row + 1] for name, values in samples.items()}))
        for row in range(_ROWS)
    ]
    if len(whole) != _ROWS or not _same(column, whole, pl.concat(alone)):
        raise ArgumentError(
            "LambdaOp.function",
            received=f"{whole.to_list()} for all rows, {[one.to_list() for one in alone]} for one at a time",
            expected="a result for each row that does not depend on the other rows",
            remedy="use an op that is fitted, such as Normalize, for what looks at the whole column",
        )


def _same(column: Column, one: pl.Series, other: pl.Series) -> bool:
    left, right = to_array(column, one), to_array(column, other)
    if isinstance(left, Ragged) and isinstance(right, Ragged):
        if not np.array_equal(left.offsets, right.offsets):
            return False
        left, right = left.values, right.values
    assert not isinstance(left, Ragged)
    assert not isinstance(right, Ragged)
    if left.dtype.kind != "f":
        return np.array_equal(left, right)
    return left.shape == right.shape and np.allclose(left, right, rtol=1e-6, equal_nan=True)


def _plain(column: Column, values: pl.Series) -> Array | Ragged:
    """What a function gets: one type of array for a column, whether there are nulls or not."""
    if column.is_list:
        rows = to_array(column, values)
        assert isinstance(rows, Ragged)
        elements = values.explode(empty_as_null=False, keep_nulls=False)
        flat = _plain(replace(column, shape=SCALAR), elements)
        assert not isinstance(flat, Ragged)
        return rows.with_values(flat)
    if values.dtype.is_numeric() or values.dtype == pl.Boolean:
        values = values.cast(pl.Float64)
    return np.asarray(values.to_numpy())


def _sample(column: Column) -> pl.Series:
    values = np.array(_SAMPLES[column.dtype.rstrip("0123456789")])
    if column.shape.kind == "vector":
        width = 1 if column.shape.size is None else column.shape.size  # not known before fitting
        return pl.Series(column.name, np.tile(values[:, None], (1, width)).astype(column.dtype))
    return to_series(column, Ragged(values, np.array([0, 1, 1, 3])) if column.is_list else values)


def _dtype(found: Result) -> str:
    """Name of the type of a result's elements."""
    if isinstance(found, pl.Series):
        inner = getattr(found.dtype, "inner", found.dtype)
        name = dtype_name(inner)
    else:
        values = found.values if isinstance(found, Ragged) else found
        name = _array_dtype(np.asarray(values))
    if name is None:
        raise ArgumentError(
            "LambdaOp.function",
            received=f"a result of type {getattr(found, 'dtype', type(found).__name__)}",
            expected="numbers, booleans, text or times",
            remedy="pass dtype=",
        )
    return name


def _array_dtype(values: Array) -> str | None:
    if values.dtype.kind == "M":
        return "datetime"
    known = values if values.dtype.kind != "O" else np.array([v for v in values.tolist() if v is not None])
    if known.dtype.kind in "UT":
        return "string"
    return known.dtype.name if known.dtype.name in DTYPES else None


def _shape(found: Result) -> Shape:
    if isinstance(found, pl.Series):
        if isinstance(found.dtype, pl.Array):
            return Shape("vector", found.dtype.size)
        return Shape("list") if isinstance(found.dtype, pl.List) else SCALAR
    if isinstance(found, Ragged):
        return Shape("list")
    return Shape("vector", np.shape(found)[1]) if np.ndim(found) == 2 else SCALAR
