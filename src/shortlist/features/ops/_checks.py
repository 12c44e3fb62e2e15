"""What ops ask of their input columns and options."""

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import TypeVar

from shortlist.errors import ArgumentError, SchemaError, near
from shortlist.schema import Column

__all__ = ["column_type", "known_columns", "list_column", "number", "of_column", "positive"]

T = TypeVar("T")


def column_type(op: str, column: Column, *kinds: str, remedy: str) -> None:
    """Refuse a column whose elements are of another kind (a dtype without its width), or that holds vectors.

    Raises:
        SchemaError: the column cannot go through the op.
    """
    if column.dtype.rstrip("0123456789") not in kinds or column.shape.kind == "vector":
        raise SchemaError(
            f"{op} of column {column.name!r}",
            received=f"a {column.shape.kind} of {column.dtype}",
            expected=f"values of type {' or '.join(kinds)}",
            remedy=remedy,
        )


def list_column(op: str, column: Column) -> None:
    """Refuse a column that does not hold lists.

    Raises:
        SchemaError: it holds one value a row, or vectors.
    """
    if not column.is_list:
        raise SchemaError(
            f"{op} of column {column.name!r}",
            received=f"a {column.shape.kind} of {column.dtype}",
            expected="lists",
            remedy="leave the column out, or choose its branch by select.name",
        )


def known_columns(where: str, option: object, names: Iterable[str]) -> None:
    """Refuse an option by column that names a column which the op does not get.

    Raises:
        ArgumentError: it does; the message says which name is near.
    """
    known = tuple(names)
    for name in option if isinstance(option, Mapping) else ():
        if name not in known:
            raise ArgumentError(
                where, received=f"column {name!r}", expected="columns of its branch", remedy=near(name, known)
            )


def of_column(option: T | Mapping[str, T], names: Iterable[str], default: T) -> T:
    """An option that holds for all columns, or by column: the first of the names that it mentions."""
    if not isinstance(option, Mapping):
        return option
    return next((option[name] for name in names if name in option), default)


def positive(where: str, option: int | Mapping[str, int] | None, least: int = 1) -> None:
    """Refuse an option, or a value of it by column, that is no integer of at least ``least``.

    Raises:
        ArgumentError: it is not.
    """
    values = option.values() if isinstance(option, Mapping) else (option,)
    for value in values:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
            raise ArgumentError(where, received=value, expected=f"an integer >= {least}")


def number(where: str, option: object) -> None:
    """Refuse an option that is no number; None is for the caller to judge.

    Raises:
        ArgumentError: it is something else, or NaN.
    """
    plain = isinstance(option, Real) and not isinstance(option, bool)
    if option is not None and not (plain and option == option):  # noqa: PLR0124 - only NaN differs from itself
        raise ArgumentError(where, received=option, expected="a number")
