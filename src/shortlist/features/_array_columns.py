"""How columns enter a workflow from a `Batch`, pass through an op, and leave it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Ragged
from shortlist.errors import SchemaError
from shortlist.schema import Column, Tags

__all__ = ["KINDS", "accept", "as_floats", "is_missing", "on_values", "release"]

Floats = npt.NDArray[np.float64]

KINDS = {
    "int": "iufbO",
    "uint": "iufbO",
    "float": "fiubO",
    "bool": "biufO",
    "string": "OUT",
    "datetime": "iMO",
}


def accept(column: Column, value: Array | Ragged) -> Array | Ragged:
    """Check a raw column of a batch against the schema; values stay as they are.

    Raises:
        SchemaError: lists where one value a row is expected or the reverse, arrays of another kind, or
            vectors of another width.
    """
    if isinstance(value, Ragged):
        if not column.is_list:
            raise _refused(column, "lists", "one value a row")
        array = value.values
    elif column.is_list:
        raise _refused(column, "one value a row", "a Ragged of lists", "build it with Ragged.of")
    else:
        array = value
    if column.shape.kind == "vector":
        return _matrix(column, array)
    if array.ndim != 1:
        raise _refused(column, f"an array of shape {array.shape}", "one value a row")
    kind = array.dtype.kind
    if kind not in KINDS[column.dtype.rstrip("0123456789")] and len(array):
        raise _refused(column, f"an array of {array.dtype}", f"values of type {column.dtype}")
    if kind == "M":
        return array.astype("datetime64[us]").view(np.int64)
    if kind in "UT":
        plain = array.astype(object)
        return plain if not isinstance(value, Ragged) else value.with_values(plain)
    return value


def release(column: Column, value: Array | Ragged) -> Array | Ragged:
    """A finished column: continuous ones are float32, NaN for null; vectors are of their schema's type."""
    if column.shape.kind == "vector":
        return on_values(value, lambda x: x.astype(column.dtype, copy=False))
    return on_values(value, _as_float32) if Tags.CONTINUOUS in column.tags else value


def on_values(value: Array | Ragged, change: Callable[[Array], Array]) -> Array | Ragged:
    """Apply an elementwise change to an array, or to the values of lists."""
    return value.with_values(change(value.values)) if isinstance(value, Ragged) else change(value)


def as_floats(values: Array, name: str) -> Floats:
    """Numbers of a column as float64, NaN for None.

    Raises:
        SchemaError: an object array holds something that is no number.
    """
    if values.dtype.kind != "O":
        return values.astype(np.float64, copy=False)
    try:
        return np.array(values.tolist(), dtype=np.float64)
    except (TypeError, ValueError) as error:
        odd = next(value for value in values.tolist() if not _is_number(value))
        where = f"column {name!r} of the batch"
        raise SchemaError(where, received=odd, expected="numbers, None for a missing one") from error


def is_missing(value: Any) -> bool:
    """Whether a raw value is null: None or NaN."""
    return value is None or value != value  # noqa: PLR0124 - only NaN differs from itself


def _matrix(column: Column, rows: Array) -> Array:
    """Vectors as a matrix [B, D], or [B, D, ...]; objects are stacked, None is a vector of NaN."""
    width, inner = column.shape.size, column.shape.inner
    if rows.dtype.kind == "O" and rows.ndim == 1 and width is not None:
        missing = np.full((width, *inner), np.nan).tolist()
        given = [missing if row is None else row for row in rows.tolist()]
        try:
            rows = np.array(given or np.zeros((0, width, *inner)), dtype=column.dtype)
        except (TypeError, ValueError) as error:
            raise _refused(column, "vectors of several widths", f"vectors of {width} numbers") from error
    known = (*(rows.shape[1:2] if width is None else (width,)), *inner)
    if rows.ndim < 2 or rows.shape[1:] != known or rows.dtype.kind not in "fiub":
        received = f"an array of {rows.dtype} of shape {rows.shape}"
        sizes = ", ".join(map(str, ("B", "D" if width is None else width, *inner)))
        raise _refused(column, received, f"numbers of shape [{sizes}]")
    return rows


def _as_float32(values: Array) -> Array:
    with np.errstate(over="ignore"):  # beyond the range of float32 is infinite, as in a frame
        return values.astype(np.float32, copy=False)


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, int | float)


def _refused(column: Column, received: str, expected: str, remedy: str | None = None) -> SchemaError:
    return SchemaError(
        f"column {column.name!r} of the batch", received=received, expected=expected, remedy=remedy
    )
