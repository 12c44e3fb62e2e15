"""How columns enter a workflow from a frame, pass through an op, and leave it."""

from collections.abc import Callable

import polars as pl

from shortlist.schema import Column, Tags

__all__ = [
    "as_left",
    "dtype_name",
    "element_type",
    "enter",
    "leave",
    "nan_to_null",
    "on_elements",
    "polars_type",
]

_TYPES: dict[str, pl.DataType] = {
    "int8": pl.Int8(),
    "int16": pl.Int16(),
    "int32": pl.Int32(),
    "int64": pl.Int64(),
    "uint8": pl.UInt8(),
    "uint16": pl.UInt16(),
    "uint32": pl.UInt32(),
    "uint64": pl.UInt64(),
    "float16": pl.Float32(),
    "float32": pl.Float32(),
    "float64": pl.Float64(),
    "bool": pl.Boolean(),
    "string": pl.String(),
    "datetime": pl.Datetime("us"),
}


def element_type(column: Column) -> pl.DataType:
    """The Polars type of one element of a column."""
    return _TYPES[column.dtype]


def dtype_name(kind: pl.DataType) -> str | None:
    """The schema's name of a Polars type of elements; None for types that a schema does not know.

    >>> dtype_name(pl.Float32()), dtype_name(pl.Date()), dtype_name(pl.Binary())
    ('float32', 'datetime', None)
    """
    if isinstance(kind, pl.Date | pl.Datetime):
        return "datetime"
    return next((name for name, known in _TYPES.items() if known == kind and name != "float16"), None)


def polars_type(column: Column) -> pl.DataType:
    """The Polars type of a column; a vector of unknown width is a list there."""
    inner = element_type(column)
    if column.shape.kind == "vector" and column.shape.size is not None:
        return pl.Array(inner, (column.shape.size, *column.shape.inner))
    return inner if column.shape.kind == "scalar" else pl.List(inner)


def enter(column: Column) -> pl.Expr:
    """A raw column: of its schema's type, NaN made null, a missing list made an empty one.

    A missing vector stays null, and the numbers of a vector stay as they are.
    """
    wanted, inner = polars_type(column), element_type(column)
    value = pl.col(column.name).cast(wanted)
    if column.is_list:
        values = value.fill_null(pl.lit([], dtype=wanted))
        return values.list.eval(pl.element().fill_nan(None)) if inner.is_float() else values
    return value.fill_nan(None) if wanted.is_float() else value


def leave(column: Column, value: pl.Expr) -> pl.Expr:
    """A finished column: continuous ones are float32, others as their schema says."""
    return value.cast(polars_type(as_left(column))).alias(column.name)


def as_left(column: Column) -> Column:
    """The column as a workflow gives it: continuous numbers are float32."""
    if not column.has(Tags.CONTINUOUS) or column.dtype in {"string", "datetime"}:
        return column
    return Column(column.name, "float32", column.tags, column.shape, column.domain, column.vocabulary)


def on_elements(column: Column, value: pl.Expr, change: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """Apply an elementwise change to the values of a column, or to those within its lists."""
    return value.list.eval(change(pl.element())) if column.is_list else change(value)


def nan_to_null(numbers: pl.Series) -> pl.Series:
    """Floats with null in place of NaN; most columns have none, which is quicker to see than to change."""
    return numbers.fill_nan(None) if numbers.is_nan().any() else numbers
