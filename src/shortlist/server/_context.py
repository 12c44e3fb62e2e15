"""Values that come with a request, checked before models read them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shortlist.errors import ArgumentError
from shortlist.pipeline import Stage, leaves
from shortlist.schema import Column

__all__ = ["check_context", "context_columns"]


def context_columns(stages: Iterable[Stage]) -> dict[str, Column]:
    """Name -> column of everything that the workflows of the stages read."""
    columns: dict[str, Column] = {}
    for part in (part for stage in stages for part in leaves(stage)):
        columns |= {
            column.name: column for column in getattr(getattr(part, "flow", None), "input_schema", ())
        }
    return columns


def check_context(context: Mapping[str, Sequence[Any]], columns: Mapping[str, Column]) -> None:
    """Look at one value a user of each name; null is welcome, names that are not read are not looked at.

    Raises:
        ArgumentError: a value is of another type than its column.
    """
    for name in context.keys() & columns.keys():
        column = columns[name]
        for value in context[name]:
            several = isinstance(value, list)
            values = value if several else [value]
            if (several != column.is_list and value is not None) or not all(
                _fits(v, column.dtype) for v in values
            ):
                raise ArgumentError(
                    f"context.{name}",
                    received=repr(value),
                    expected=f"{'a list of ' if column.is_list else ''}{column.dtype}",
                )


def _fits(value: object, dtype: str) -> bool:
    if value is None:
        return True
    if dtype in ("string", "bool"):
        return isinstance(value, str if dtype == "string" else bool)
    return isinstance(value, int | float) and not isinstance(value, bool)
