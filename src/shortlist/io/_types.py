"""Column types: the few that a schema knows, and how the others become one of them."""

import polars as pl

from shortlist.errors import SchemaError
from shortlist.schema import LIST, SCALAR, Column, Schema, Shape

__all__ = [
    "TIME_DTYPE",
    "column_of",
    "empty_frame",
    "frame_type",
    "plain_column",
    "plain_frame",
    "plain_type",
    "schema_of",
]

TIME_DTYPE = pl.Datetime("us")

_NAMES: dict[pl.DataType, str] = {
    pl.Int8(): "int8",
    pl.Int16(): "int16",
    pl.Int32(): "int32",
    pl.Int64(): "int64",
    pl.UInt8(): "uint8",
    pl.UInt16(): "uint16",
    pl.UInt32(): "uint32",
    pl.UInt64(): "uint64",
    pl.Float16(): "float16",
    pl.Float32(): "float32",
    pl.Float64(): "float64",
    pl.Boolean(): "bool",
    pl.String(): "string",
    TIME_DTYPE: "datetime",
}

_BECOME: tuple[tuple[tuple[type[pl.DataType], ...], pl.DataType], ...] = (
    ((pl.Date, pl.Datetime), TIME_DTYPE),
    ((pl.Categorical, pl.Enum, pl.Null), pl.String()),
    ((pl.Decimal,), pl.Float64()),
    ((pl.Duration,), pl.Int64()),
)


def plain_type(dtype: pl.DataType) -> pl.DataType | None:
    """The type a column is read as: categories become text, dates times, decimals floats; None if none fits.

    >>> plain_type(pl.Date()), plain_type(pl.Binary())
    (Datetime(time_unit='us', time_zone=None), None)
    """
    if isinstance(dtype, pl.List | pl.Array):
        return _plain_list(dtype)
    for kinds, plain in _BECOME:
        if isinstance(dtype, kinds):
            return plain
    return dtype if dtype in _NAMES else None


def _plain_list(dtype: pl.List | pl.Array) -> pl.DataType | None:
    inner = plain_type(_inner(dtype))
    if inner is None or isinstance(inner, pl.List):
        return None
    if isinstance(dtype, pl.Array):
        return pl.Array(inner, dtype.size)
    return None if isinstance(inner, pl.Array) else pl.List(inner)


def _inner(dtype: pl.List | pl.Array) -> pl.DataType:
    return dtype.inner if isinstance(dtype.inner, pl.DataType) else dtype.inner()


def frame_type(dtype: str) -> pl.DataType:
    """The frame's type of one element of a schema's type.

    >>> frame_type("datetime")
    Datetime(time_unit='us', time_zone=None)
    """
    return next(known for known, name in _NAMES.items() if name == dtype)


def column_of(name: str, dtype: pl.DataType) -> Column:
    """The untagged schema column of a frame's column of a plain type."""
    if isinstance(dtype, pl.List):
        return Column(name, column_of(name, _inner(dtype)).dtype, shape=LIST)
    if isinstance(dtype, pl.Array):
        inner = column_of(name, _inner(dtype))
        return Column(name, inner.dtype, shape=Shape("vector", dtype.shape[0], inner=dtype.shape[1:]))
    return Column(name, _NAMES[dtype], shape=SCALAR)


def schema_of(frame: pl.Schema) -> Schema:
    """The untagged schema of a frame of plain types.

    >>> print(schema_of(pl.Schema({"id": pl.Int64(), "tags": pl.List(pl.String())})))
    column  dtype   shape   codes  tags
    id      int64   scalar
    tags    string  list
    """
    return Schema(column_of(name, dtype) for name, dtype in frame.items())


def empty_frame(schema: Schema) -> pl.DataFrame:
    """A frame of a schema's types, without rows.

    >>> empty_frame(Schema([Column("id", "int64"), Column("tags", "string", shape=LIST)])).dtypes
    [Int64, List(String)]
    """
    return pl.DataFrame(schema={column.name: _frame_type(column) for column in schema})


def _frame_type(column: Column) -> pl.DataType:
    inner = frame_type(column.dtype)
    if column.shape.kind == "vector" and column.shape.size is not None:
        return pl.Array(inner, (column.shape.size, *column.shape.inner))
    return inner if column.shape.kind == "scalar" else pl.List(inner)


def plain_frame(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The same rows in plain types.

    Raises:
        SchemaError: a column has a type that none of them can hold.
    """
    types = frame.collect_schema()
    if all(dtype in _NAMES for dtype in types.dtypes()):
        return frame
    plain = {name: plain_type(dtype) for name, dtype in types.items()}
    columns = []
    for name, dtype in plain.items():
        if dtype is None:
            raise SchemaError(
                f"column {name!r}",
                received=f"type {types[name]}",
                expected="numbers, text, bools, times, or lists of them",
                remedy="drop or convert it",
            )
        columns.append(plain_column(name, types[name], dtype))
    return frame if types == plain else frame.select(columns)


def plain_column(name: str, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    """A column of a type, in the plain type it is read as."""
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if isinstance(dtype, pl.Duration):
        column = column.dt.total_microseconds()
    return column if dtype == target else column.cast(target, strict=target != TIME_DTYPE)
