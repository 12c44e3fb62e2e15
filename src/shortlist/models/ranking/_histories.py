"""Which lists of the query are read event by event, and which column of the candidate each goes with."""

from shortlist.errors import SchemaError
from shortlist.models._inputs import cross_inputs, is_categorical, item_inputs, query_inputs, table_of
from shortlist.schema import Schema, Tags

__all__ = ["histories_of"]


def histories_of(where: str, schema: Schema) -> dict[str, str]:
    """List column of the query, tagged SEQUENCE -> the candidate's column of the same codes.

    Raises:
        SchemaError: there is none.

    >>> from shortlist.schema import LIST, Column, Domain
    >>> histories_of("DIN", Schema([
    ...     Column("taken", "int64", ("user", "sequence"), LIST, Domain("item", 20)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ... ]))
    {'taken': 'item'}
    """
    candidate = item_inputs(schema).merge(cross_inputs(schema))
    scalars = [column for column in candidate if is_categorical(column) and not column.is_list]
    by_table = {table_of(column): column.name for column in reversed(scalars)}
    lists = [column for column in query_inputs(schema) if column.is_list and column.has(Tags.SEQUENCE)]
    pairs = {column.name: by_table[table_of(column)] for column in lists if table_of(column) in by_table}
    if len(pairs) == 0:
        raise SchemaError(
            where,
            received=f"lists {[column.name for column in lists]}, candidate columns of codes "
            f"{list(by_table.values())}",
            expected="a list of the query, tagged sequence, of the codes of a column of the candidate",
            remedy="ops.History('item_id') >> ops.Categorify(like='item_id')",
        )
    return pairs
