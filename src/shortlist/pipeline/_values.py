"""Values of a request as columns of the request path."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from shortlist.data import Array, Keys, Ragged
from shortlist.schema import Column

__all__ = ["id_column", "null_column", "value_column"]

_FOREIGN = np.iinfo(np.int64).min


def id_column(ids: Sequence[Any], keys: Keys) -> Array:
    """Raw ids in the notation of the known ones; an id that is no number stands as the smallest integer.

    >>> id_column(["7", 8], Keys([7])).tolist(), id_column([7, None], Keys(["7"])).tolist()
    ([7, 8], ['7', None])
    """
    plain = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
    if keys.values.dtype == object:
        return _objects([value if value is None or isinstance(value, str) else str(value) for value in plain])
    numbers = [value if value is None else _number(value) for value in plain]
    return _objects(numbers) if None in numbers else np.array(numbers, dtype=np.int64)


def null_column(column: Column, rows: int) -> Array | Ragged:
    """So many nulls."""
    if column.is_list:
        return Ragged.empty(rows)
    if column.shape.kind == "vector":
        return np.full((rows, column.shape.size or 0), np.nan, dtype=np.float32)
    if column.dtype.startswith("float"):
        return np.full(rows, np.nan, dtype=column.dtype)
    return np.full(rows, None, dtype=object)


def value_column(values: Sequence[Any] | Array, column: Column | None) -> Array | Ragged:
    """Values of a request as a column: NaN or None for null, datetimes as int64 microseconds."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "iubf":
        return values
    plain = values.tolist() if isinstance(values, np.ndarray) else list(values)
    if column is not None and column.is_list:
        return Ragged.of([[] if row is None else row for row in plain])
    if column is not None and column.dtype.startswith("float"):
        return np.array([np.nan if value is None else value for value in plain], dtype=column.dtype)
    plain = [_microseconds(value) if isinstance(value, datetime) else value for value in plain]
    if plain and all(isinstance(value, int) and not isinstance(value, bool) for value in plain):
        return np.array(plain, dtype=np.int64)
    return _objects(plain)


def _microseconds(value: datetime) -> int:
    return int(np.datetime64(value.replace(tzinfo=None), "us").astype(np.int64))


def _number(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return _FOREIGN
    return number if -(2**63) <= number < 2**63 else _FOREIGN


def _objects(values: list[Any]) -> Array:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out
