"""Which raw columns a workflow reads, and from where they come."""

from dataclasses import dataclass
from typing import Any

from shortlist.data import Flow, Store
from shortlist.schema import Column, Schema, Tags

__all__ = ["Wanted", "wanted_by"]

_QUERY_TAGS = (Tags.USER, Tags.SESSION, Tags.CONTEXT, Tags.TIME)
_NOT_INPUTS = (Tags.TARGET, "weight", "event", "value")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The raw columns of a workflow by where they come from.

    Attributes:
        user_ids: columns that hold the user's id.
        item_ids: columns that hold the item's id.
        times: columns that hold the time of the request.
        user_table: columns of the user table.
        item_table: columns of the item table.
        context: query columns that only the request can bring.
        others: columns of candidates, or null item columns.
        histories: lists of the user's items (ops with ``output``, ``max_length``, ``from_log``).
        as_of: counts and ages as of the request (ops with ``output``, ``of``, ``stat``, ``from_log``).
    """

    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    times: tuple[str, ...]
    user_table: tuple[str, ...]
    item_table: tuple[str, ...]
    context: tuple[Column, ...]
    others: tuple[Column, ...]
    histories: tuple[Any, ...]
    as_of: tuple[Any, ...]


def wanted_by(flow: Flow, store: Store) -> Wanted:
    """Sort the columns of a workflow's input schema."""
    ops = tuple(getattr(flow, "histories", ()))
    made = {op.output for op in ops}
    columns = [column for column in flow.input_schema if _is_input(column) and column.name not in made]
    query = [column for column in columns if _is_query(column, store)]
    candidate = [column for column in columns if column not in query]
    ids = {column.name for column in columns if column.has(Tags.ID) and not column.is_list}
    plain_query = [column for column in query if column.name not in ids or not column.has(Tags.USER)]
    plain_item = [column for column in candidate if column.name not in ids or not column.has(Tags.ITEM)]
    times = _names(column for column in plain_query if column.has(Tags.TIME))
    return Wanted(
        user_ids=_names(column for column in query if column not in plain_query),
        item_ids=_names(column for column in candidate if column not in plain_item),
        times=times,
        user_table=_within(plain_query, store.user_schema, times),
        item_table=_within(plain_item, store.item_schema),
        context=tuple(c for c in plain_query if c.name not in store.user_schema and c.name not in times),
        others=tuple(column for column in plain_item if column.name not in store.item_schema),
        histories=tuple(op for op in ops if not hasattr(op, "stat")),
        as_of=tuple(op for op in ops if hasattr(op, "stat")),
    )


def _is_input(column: Column) -> bool:
    return column.tags.isdisjoint(_NOT_INPUTS)


def _is_query(column: Column, store: Store) -> bool:
    if not column.tags.isdisjoint(_QUERY_TAGS):
        return True
    return column.name in store.user_schema and not column.has(Tags.ITEM)


def _names(columns: Any) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


def _within(columns: list[Column], table: Schema, but: tuple[str, ...] = ()) -> tuple[str, ...]:
    return tuple(column.name for column in columns if column.name in table and column.name not in but)
