"""Columns of a frame as arrays of the request path, and back."""

from dataclasses import replace

import numpy as np
import polars as pl
import pyarrow as pa

from shortlist.data import Array, Ragged
from shortlist.errors import SchemaError
from shortlist.features._array_columns import is_missing
from shortlist.features._frame_columns import polars_type
from shortlist.schema import SCALAR, Column

__all__ = ["to_array", "to_series"]


def to_series(column: Column, values: Array | Ragged) -> pl.Series:
    """An array, matrix or lists as a series of the column's type: None, NaN and NaT are null.

    Raises:
        SchemaError: a value is not of the column's type.

    >>> to_series(Column("n", "int64"), np.array([1.0, np.nan])).to_list()
    [1, None]
    """
    if isinstance(values, Ragged):
        elements = to_series(replace(column, shape=SCALAR), values.values).to_arrow()
        lists = pa.LargeListArray.from_arrays(pa.array(values.offsets), elements)
        return pl.Series(column.name, lists)
    wanted = polars_type(column)
    try:
        series = _flat(column.name, values, wanted)
        return series if series.dtype == wanted else series.cast(wanted)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise SchemaError(
            f"column {column.name!r}",
            received=f"an array of {values.dtype} of shape {values.shape} ({str(error).splitlines()[0]})",
            expected=f"values of type {wanted}",
        ) from error


def to_array(column: Column, values: pl.Series) -> Array | Ragged:
    """A series as the request path has it: lists as `Ragged`, vectors as a matrix, times as microseconds.

    Null is NaN among numbers and None among others; whole numbers and booleans without null keep their type.

    >>> to_array(Column("n", "int64"), pl.Series([1, None])).tolist()
    [1.0, nan]
    """
    if column.is_list:
        offsets = np.zeros(len(values) + 1, dtype=np.int64)
        np.cumsum(values.list.len().fill_null(0).to_numpy(), out=offsets[1:])
        elements = values.explode(empty_as_null=False, keep_nulls=False)
        flat = to_array(replace(column, shape=SCALAR), elements)
        assert not isinstance(flat, Ragged)
        return Ragged(flat, offsets)
    if values.dtype == pl.Datetime("us"):
        values = values.to_physical()
    if values.dtype in (pl.String, pl.Boolean) and (values.null_count() or values.dtype == pl.String):
        out = np.empty(len(values), dtype=object)
        out[:] = values.to_list()
        return out
    return np.asarray(values.to_numpy())


def _flat(name: str, values: Array, wanted: pl.DataType) -> pl.Series:
    if values.dtype.kind == "M":
        return pl.Series(name, values.astype("datetime64[us]"))
    if values.dtype.kind in "OUT" and values.ndim == 1:
        plain = [None if is_missing(value) else value for value in values.tolist()]
        whole = pl.Int64() if wanted.is_temporal() else wanted
        return pl.Series(name, plain, dtype=whole)
    return pl.Series(name, values, nan_to_null=values.ndim == 1)
