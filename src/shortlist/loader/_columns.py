"""The border between a frame's columns and arrays."""

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, Ragged
from shortlist.errors import SchemaError
from shortlist.schema import Column, Tags

__all__ = ["list_column", "scalar_column", "vector_column"]

_KINDS_OF_CODES = frozenset({Tags.CATEGORICAL, Tags.ID, Tags.SEQUENCE})


def scalar_column(series: pl.Series, column: Column) -> Array:
    """Values ``[N]``: codes int32 where they fit, other integers and times int64, numbers float32.

    Raises:
        SchemaError: nulls, NaN, values of another kind, or a code outside the column's domain.
    """
    if series.dtype == pl.Datetime:
        series = series.dt.cast_time_unit("us").to_physical()
    plain = series.dtype.is_numeric() or series.dtype == pl.Boolean
    if not plain or (_holds_codes(column) and not series.dtype.is_integer()):
        raise _wrong_kind(column, str(series.dtype))
    if series.null_count() > 0:
        raise _with_nulls(column, f"{series.null_count()} nulls")
    if _holds_codes(column):
        return _codes(series.to_numpy(), column)
    if series.dtype.is_integer() and not column.has(Tags.CONTINUOUS) and not column.has(Tags.TARGET):
        return series.cast(pl.Int64).to_numpy()
    values: npt.NDArray[np.float32] = series.cast(pl.Float32).to_numpy()
    if np.isnan(values).any():
        raise _with_nulls(column, f"{int(np.isnan(values).sum())} NaN")
    return values


def list_column(series: pl.Series, column: Column) -> Ragged:
    """Lists of codes, or float32 numbers where the column is tagged "continuous"; a null list is empty.

    Raises:
        SchemaError: not lists of integers (of numbers), a null inside a list, or a code outside the column's
            domain.
    """
    inner = getattr(series.dtype, "inner", None)
    numbers = column.has(Tags.CONTINUOUS)
    if inner is None or not (inner.is_integer() or inner == pl.Null or (numbers and inner.is_numeric())):
        raise _wrong_kind(column, str(series.dtype))
    lengths = series.list.len().fill_null(0).to_numpy().astype(np.int64)
    values = series.filter(pl.Series(lengths > 0)).explode().cast(pl.Float32 if numbers else pl.Int64)
    if values.null_count() > 0:
        raise _with_nulls(column, f"{values.null_count()} nulls inside lists")
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return Ragged(values.to_numpy() if numbers else _codes(values.to_numpy(), column), offsets)


def vector_column(series: pl.Series, column: Column) -> npt.NDArray[np.float32]:
    """Vectors ``[N, W]``.

    Raises:
        SchemaError: vectors of another width, or nulls or NaN.
    """
    if not isinstance(series.dtype, pl.Array) or series.dtype.shape != (column.shape.size,):
        raise _wrong_kind(column, str(series.dtype))
    values = series.cast(pl.Array(pl.Float32, series.dtype.shape)).to_numpy()
    if series.null_count() > 0 or np.isnan(values).any():
        raise _with_nulls(column, "vectors that are missing or hold NaN")
    return np.asarray(values, dtype=np.float32)


def _holds_codes(column: Column) -> bool:
    return not column.has(Tags.CONTINUOUS) and not column.tags.isdisjoint(_KINDS_OF_CODES)


def _codes(values: Array, column: Column) -> Array:
    size = None if column.domain is None else column.domain.size
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if low < 0 or (size is not None and high >= size):
        raise SchemaError(
            f"column {column.name!r}",
            received=f"codes from {low} to {high}",
            expected=f"codes from 0 to {'any' if size is None else size - 1}",
            remedy="encode the data with the workflow whose schema the model was built from",
        )
    return values.astype(np.int32 if high < 2**31 and size is not None else np.int64, copy=False)


def _wrong_kind(column: Column, received: str) -> SchemaError:
    wanted = "codes" if _holds_codes(column) else "numbers"
    return SchemaError(
        f"column {column.name!r}",
        received=f"values of type {received}",
        expected=f"lists of {wanted}" if column.is_list else wanted,
        remedy="transform the data with the fitted workflow first",
    )


def _with_nulls(column: Column, received: str) -> SchemaError:
    return SchemaError(
        f"column {column.name!r}",
        received=received,
        expected="a value in every row",
        remedy="codes: Categorify gives nulls a code; numbers: FillMissing",
    )
