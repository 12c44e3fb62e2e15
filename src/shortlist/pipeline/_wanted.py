"""Which raw columns a workflow reads, and from where they come."""

from dataclasses import dataclass
from typing import Any

from shortlist.data import Flow, Store
from shortlist.schema import Column, Schema, Tags

__all__ = ["LookBack", "Wanted", "wanted_by"]

_QUERY_TAGS = (Tags.USER, Tags.SESSION, Tags.CONTEXT, Tags.TIME)
_NOT_INPUTS = (Tags.TARGET, "weight", "event", "value", "request")


@dataclass(frozen=True, slots=True)
class LookBack:
    """A history op, and the column it makes.

    Attributes:
        op: has ``needs``, ``output`` and ``from_log``; its names are those of the store.
        made: its column.
    """

    op: Any
    made: Column


@dataclass(frozen=True, slots=True)
class Wanted:
    """The raw columns of a workflow by where they come from, those that history ops are asked with included.

    Attributes:
        user_ids: columns that hold the user's id.
        item_ids: columns that hold the item's id.
        times: columns that hold the time of the request.
        user_table: columns of the user table.
        item_table: columns of the item table.
        context: query columns that only the request can bring.
        others: columns of candidates, or null item columns.
        of_query: history ops of what is known with the request.
        of_item: history ops of items.
        of_pair: history ops of a query and an item.
    """

    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    times: tuple[str, ...]
    user_table: tuple[str, ...]
    item_table: tuple[str, ...]
    context: tuple[Column, ...]
    others: tuple[Column, ...]
    of_query: tuple[LookBack, ...]
    of_item: tuple[LookBack, ...]
    of_pair: tuple[LookBack, ...]


def wanted_by(flow: Flow, store: Store) -> Wanted:
    """Sort the columns of a workflow's input schema.

    Raises:
        SchemaError: a history op reads a column that the events of the store do not have.
    """
    back = _looking_back(flow, store)
    made = {one.made.name for one in back}
    columns = [column for column in flow.input_schema if _is_input(column) and column.name not in made]
    columns += _asked_with(back, flow, store, {column.name for column in columns})
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
        of_query=tuple(one for one in back if not one.made.tags & {Tags.ITEM, Tags.CROSS}),
        of_item=tuple(one for one in back if one.made.has(Tags.ITEM)),
        of_pair=tuple(one for one in back if one.made.has(Tags.CROSS)),
    )


def _looking_back(flow: Flow, store: Store) -> list[LookBack]:
    """The history ops that a request needs: not those that make targets."""
    schema, found = flow.input_schema, []
    # The table of items may call its ids otherwise than the log that the workflow was fitted on.
    items = {store.item_schema.item.name, *schema.tagged(Tags.ITEM, Tags.ID).names}
    for op in getattr(flow, "histories", ()):
        made = schema[op.output] if op.output in schema else op.column(schema)
        if _is_input(made):
            found.append(LookBack(op.named(items) if hasattr(op, "named") else op, made))
            for name in found[-1].op.needs.events:
                store.event_column(name)
    return found


def _asked_with(back: list[LookBack], flow: Flow, store: Store, known: set[str]) -> list[Column]:
    """Further columns that history ops are asked with, each by the first table that has it."""
    names = dict.fromkeys(name for one in back for name in one.op.needs.row)
    tables = (flow.input_schema, store.item_schema, store.user_schema)
    found = []
    for name in names:
        if name not in known and name not in {"user", "item"}:
            given = next((schema[name] for schema in tables if name in schema), None)
            found.append(store.event_column(name) if given is None else given)
    return found


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
