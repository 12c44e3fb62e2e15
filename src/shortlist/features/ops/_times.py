"""Times of columns as microseconds, along both paths."""

from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import NULL, Array
from shortlist.errors import SchemaError
from shortlist.features._array_columns import is_missing
from shortlist.features._event_rows import microseconds
from shortlist.features.ops._checks import column_type
from shortlist.schema import Column

__all__ = ["array_times", "frame_times", "time_column"]

Integers = npt.NDArray[np.int64]


def time_column(op: str, column: Column) -> None:
    """Refuse a column that holds no times.

    Raises:
        SchemaError: its elements are neither datetimes nor integers.
    """
    column_type(op, column, "datetime", "int", "uint", remedy="parse it, or read the data with sl.scan")


def frame_times(column: Column, value: pl.Expr) -> pl.Expr:
    """Int64 microseconds since 1970 UTC: datetimes, or integers read by their size (s, ms or us)."""
    return microseconds(column, value)


def array_times(column: Column, values: Array) -> Integers:
    """Int64 microseconds since 1970 UTC, NULL for None and NaN; integers are read by their size.

    Raises:
        SchemaError: an object array holds something that is no time.
    """
    if values.dtype.kind == "O":
        values = _from_objects(column.name, values)
    if values.dtype.kind == "f":
        missing = np.isnan(values)
        values = np.where(missing, NULL, np.where(missing, 0, values).astype(np.int64))
    times = values.astype(np.int64, copy=False)
    if column.dtype == "datetime":
        return times
    size = np.abs(np.where(times == NULL, 0, times))
    unit = np.where(size < 10**11, 10**6, np.where(size < 10**14, 10**3, 1))
    return np.where(times == NULL, NULL, times * unit)


def _from_objects(name: str, values: Array) -> Integers:
    plain = values.tolist()
    try:
        return np.array([_one(value) for value in plain], dtype=np.int64)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            f"column {name!r} of the batch",
            received=next(value for value in plain if not isinstance(value, int | float | None | datetime)),
            expected="datetimes or integers, None for a missing one",
        ) from error


def _one(value: Any) -> int:
    if is_missing(value):
        return NULL
    if isinstance(value, datetime):
        return int(np.datetime64(value.replace(tzinfo=None), "us").astype(np.int64))
    return int(value)
