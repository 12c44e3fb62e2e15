"""Raw values of item columns, as they come from outside, checked one by one."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from shortlist.errors import ArgumentError, near
from shortlist.io import moment
from shortlist.schema import Column, Schema

__all__ = ["ItemRow", "checked_row"]

ItemRow = tuple[Any, Mapping[str, Any]]
"""A raw item id, and raw values by item column."""

_START = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_S = 253402300800  # the year 10000


def checked_row(row: ItemRow, schema: Schema, where: str) -> dict[str, Any]:
    """The given columns of an item as values that a frame takes; None stays None.

    Numbers and texts are taken as they are, times as ISO 8601 (UTC where no zone is said), as seconds since
    1970 or as a `datetime`, lists and vectors as sequences of these.

    Args:
        row: the item.
        schema: columns of the item table.
        where: what to call the row in a message, such as ``"items[3]"``.

    Raises:
        ArgumentError: a column is unknown or the id's, or a value is of another type than its column.

    >>> from shortlist.schema import Column, Schema
    >>> schema = Schema([Column("id", "string", frozenset({"item", "id"})), Column("price", "float64")])
    >>> checked_row(("i9", {"price": 3}), schema, "items[0]")
    {'price': 3.0}
    """
    key, (_, columns) = schema.item.name, row
    for name in columns:
        if name not in schema or name == key:
            known = [other for other in schema.names if other != key]
            raise ArgumentError(
                f"{where}.columns",
                received=repr(name),
                expected="columns of the item table, but for its id",
                remedy=near(name, known),
            )
    return {name: _value(value, schema[name], f"{where}.columns.{name}") for name, value in columns.items()}


def _value(value: Any, column: Column, where: str) -> Any:
    if value is None:
        return None
    if column.shape.kind == "scalar":
        return _scalar(value, column.dtype, where)
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _refused(value, where, f"a list of {column.dtype}")
    size = column.shape.size
    if column.shape.kind == "vector" and size is not None and len(value) != size:
        raise _refused(f"{len(value)} numbers", where, f"a vector of {size} numbers")
    return [None if one is None else _scalar(one, column.dtype, where) for one in value]


def _scalar(value: Any, dtype: str, where: str) -> Any:
    if dtype == "datetime":
        return _time(value, where)
    if dtype in ("string", "bool"):
        if isinstance(value, str if dtype == "string" else bool):
            return value
        raise _refused(value, where, "text" if dtype == "string" else "true or false")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(value, where, "a number")
    return _float(value, dtype, where) if dtype.startswith("float") else _integer(value, dtype, where)


def _float(value: float, dtype: str, where: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    most = {"float16": 65504.0, "float32": 3.4e38}.get(dtype, 1.7e308)
    if not isfinite(number) or abs(number) > most:
        raise _refused(value, where, f"a finite number of type {dtype}")
    return number


def _integer(value: float, dtype: str, where: str) -> int:
    bits, unsigned = int(dtype.lstrip("uint")), dtype.startswith("u")
    least, most = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if not isfinite(value) or value != int(value) or not least <= value <= most:
        raise _refused(value, where, f"an integer from {least} to {most}")
    return int(value)


def _time(value: Any, where: str) -> datetime:
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            microseconds = moment(value)
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LATEST_S:
            microseconds = round(value * 1_000_000)
        else:
            raise _refused(value, where, "a time")
        return (_START + timedelta(microseconds=microseconds)).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise _refused(value, where, "a time") from error


def _refused(value: Any, where: str, expected: str) -> ArgumentError:
    shown = repr(value)
    remedy = "write ISO 8601, or seconds since 1970" if expected == "a time" else None
    return ArgumentError(
        where, received=shown if len(shown) <= 80 else f"{shown[:77]}...", expected=expected, remedy=remedy
    )
