"""Whom a column of several members is about."""

from collections.abc import Iterable, Sequence

from shortlist.data import Of
from shortlist.errors import ArgumentError, SchemaError
from shortlist.schema import Column, Schema, Tags

__all__ = ["entity_of", "key_column", "side_of"]

_QUERY = (Tags.USER, Tags.SESSION, Tags.CONTEXT)


def entity_of(where: str, given: str | Sequence[str]) -> Of:
    """An option that says whose events are asked about: one word or column, or a tuple of different ones.

    Raises:
        ArgumentError: it is empty, or has one twice.
    """
    of = given if isinstance(given, str) else tuple(given)
    parts = (of,) if isinstance(of, str) else of
    if not parts or not all(parts) or len(set(parts)) < len(parts):
        raise ArgumentError(where, received=given, expected="'user', 'item', 'pair', or different columns")
    return of


def side_of(schema: Schema, members: Iterable[str]) -> str:
    """The tag of what is known of all members: USER, ITEM, CROSS, or CONTEXT with the request.

    Args:
        schema: columns of the rows.
        members: "user", "item", and names of columns.

    Raises:
        SchemaError: there is no such column, or no user or item.
    """
    found = {_side(schema, member) for member in members}
    if Tags.CROSS in found or (Tags.ITEM in found and len(found) > 1):
        return Tags.CROSS
    return found.pop() if len(found) == 1 else Tags.CONTEXT


def key_column(op: str, schema: Schema, name: str) -> None:
    """Refuse a column whose values cannot be keys of events.

    Raises:
        SchemaError: it is no scalar of integers, flags or text; or the user's or item's id, which has a word.
    """
    if name in ("user", "item"):
        return
    column = schema[name]
    words = [side for side in (Tags.USER, Tags.ITEM) if column.has(side, Tags.ID)]
    keyed = column.dtype.rstrip("0123456789") in ("int", "uint", "bool", "string")
    if words or not keyed or column.shape.kind != "scalar":
        raise SchemaError(
            f"{op} of column {name!r}",
            received=f"a {column.shape.kind} of {column.dtype}",
            expected='"user", "item", or columns of integers, flags or text',
            remedy=f'write "{words[0]}"' if words else "put it into intervals first",
        )


def _side(schema: Schema, member: str) -> str:
    if member in ("user", "item"):
        schema.the(member, Tags.ID)
        return Tags(member)
    return _side_of_column(schema[member])


def _side_of_column(column: Column) -> str:
    for side in (Tags.ITEM, Tags.CROSS, *_QUERY):
        if column.has(side):
            return side
    return Tags.CONTEXT
