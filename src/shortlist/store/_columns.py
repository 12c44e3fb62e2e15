"""The border between frames and the arrays of the request path."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, Ragged
from shortlist.schema import Column

__all__ = ["column_of", "null_rows", "to_array", "to_series"]

_TYPES: dict[str, Any] = {"string": pl.String, "bool": pl.Boolean, "datetime": pl.Datetime("us")}


def to_array(series: pl.Series) -> Array | Ragged:
    """A column of a frame as raw values.

    Floats keep their type with NaN for null; integers and booleans stay so when nothing is null; datetimes
    become int64 microseconds; a vector column becomes a matrix [N, D]; lists become `Ragged`, a null list an
    empty one; all else, and integers, booleans and datetimes with nulls, become objects with None for null.

    >>> to_array(pl.Series([1, None])).tolist(), to_array(pl.Series([[1, 2], None])).to_lists()
    ([1, None], [[1, 2], []])
    """
    kind = series.dtype
    if isinstance(kind, pl.List):
        lengths = series.list.len().fill_null(0).cast(pl.Int64).to_numpy()
        offsets = np.zeros(len(series) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        inner = series.filter(series.list.len() > 0).explode(empty_as_null=False)
        values = to_array(inner)
        assert not isinstance(values, Ragged)
        return Ragged(values, offsets)
    if isinstance(kind, pl.Array):
        return np.asarray(series.to_numpy())
    if isinstance(kind, pl.Datetime | pl.Date):
        series = series.cast(pl.Datetime("us")).cast(pl.Int64)
    if kind.is_float():
        return np.asarray(series.fill_null(float("nan")).to_numpy())
    if (series.dtype.is_integer() or kind == pl.Boolean) and series.null_count() == 0:
        return np.asarray(series.to_numpy())
    if series.dtype.is_integer() or kind in (pl.Boolean, pl.String):
        return _objects(series.to_list())
    return _objects(series.cast(pl.String).to_list())


def to_series(values: Array | Ragged, column: Column) -> pl.Series:
    """What `to_array` takes apart: raw values as a column of a frame, NaN as null.

    >>> to_series(np.array([1, None], dtype=object), Column("n", "int32")).to_list()
    [1, None]
    """
    kind = _TYPES.get(column.dtype) or getattr(pl, column.dtype.capitalize().replace("Ui", "UI"))
    if isinstance(values, Ragged):
        return pl.Series(column.name, values.to_lists(), dtype=pl.List(kind), strict=False)
    if values.ndim > 1:
        return pl.Series(column.name, values, dtype=pl.Array(kind, values.shape[1]))
    plain = values.tolist() if values.dtype == object else values
    series = pl.Series(column.name, plain, strict=False)
    series = series.fill_nan(None) if series.dtype.is_float() else series
    return series.cast(pl.Int64).cast(kind) if kind == _TYPES["datetime"] else series.cast(kind)


def column_of(values: Sequence[Any], column: Column) -> Array | Ragged:
    """Plain values, None for null, in the form that `to_array` gives; what is of another type is null.

    >>> number, count = Column("n", "float32"), Column("n", "int8")
    >>> column_of([1, None], number).tolist(), column_of(["7", "x"], count).tolist()
    ([1.0, nan], [7, None])
    """
    if column.is_list:
        lists = [value if isinstance(value, list | tuple) else [] for value in values]
        flat = _typed([each for row in lists for each in row], column.dtype)
        return Ragged(flat, np.concatenate([[0], np.cumsum([len(row) for row in lists])]).astype(np.int64))
    if column.shape.kind == "vector":
        wide = np.full((len(values), column.shape.size or 0), np.nan, dtype=column.dtype)
        for row, value in enumerate(values):
            if isinstance(value, list | tuple) and len(value) == wide.shape[1]:
                wide[row] = value
        return wide
    return _typed(values, column.dtype)


def null_rows(column: Array | Ragged, rows: npt.NDArray[np.int64], count: int) -> Array | Ragged:
    """So many rows: the column's own at ``rows`` and null elsewhere.

    >>> null_rows(np.array([7]), np.array([1]), 2).tolist()
    [None, 7]
    """
    if isinstance(column, Ragged):
        lengths = np.zeros(count, dtype=np.int64)
        lengths[rows] = column.lengths
        return Ragged(column.values, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]))
    if column.dtype.kind == "f":
        wide = np.full((count, *column.shape[1:]), np.nan, dtype=column.dtype)
    else:
        wide = np.full((count, *column.shape[1:]), None, dtype=object)
        column = column.astype(object)
    wide[rows] = column
    return wide


def _typed(values: Sequence[Any], dtype: str) -> Array:
    if dtype == "string":
        return _objects([None if value is None else str(value) for value in values])
    kind: Any = "int64" if dtype == "datetime" else dtype
    floats = dtype.startswith("float")
    try:
        if floats or None not in values:
            return np.array([np.nan if value is None else value for value in values], dtype=kind)
    except (TypeError, ValueError, OverflowError):
        pass
    plain = [_one(value, kind) for value in values]
    if floats:
        return np.array([np.nan if value is None else value for value in plain], dtype=kind)
    return np.array(plain, dtype=kind) if None not in plain else _objects(plain)


def _one(value: Any, kind: str) -> Any:
    try:
        return None if value is None else np.array(value, dtype=kind).item()
    except (TypeError, ValueError, OverflowError):
        return None


def _objects(values: list[Any]) -> Array:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out
