"""What columns of rows are as columns of groups."""

from dataclasses import replace

from shortlist.errors import SchemaError
from shortlist.schema import Column, Domain, Schema, Shape, Tags

__all__ = ["listed", "owner_of", "summed", "taken"]

_KINDS = frozenset({Tags.CATEGORICAL, Tags.CONTINUOUS, Tags.TEXT})
_COUNTS = ("count", "nunique")
_SAME = ("min", "max")


def owner_of(keys: Schema) -> str | None:
    """Whom a group of these keys is about."""
    return next((side for side in (Tags.SESSION, Tags.USER, Tags.ITEM) if keys.tagged(side).names), None)


def listed(column: Column, name: str, owner: str | None, length: int | None) -> Column:
    """A column of the values of a group's rows in order.

    Raises:
        SchemaError: there is more than one value a row.
    """
    if column.shape.kind != "scalar":
        raise SchemaError(
            f"Groupby.lists of column {column.name!r}",
            received=f"a {column.shape.kind} a row",
            expected="one value a row: lists of lists are no columns",
            remedy="take its first or last",
        )
    tags = (column.tags & _KINDS) | {Tags.SEQUENCE} | ({owner} if owner else set())
    domain = column.domain if column.has(Tags.CONTINUOUS) else column.domain or Domain(column.name)
    return Column(name, column.dtype, frozenset(tags), Shape("list", length), domain)


def taken(column: Column, name: str, *, plain: bool) -> Column:
    """A column of one row's value; plain: not the id or the time of the group, which another column is."""
    domain = column.domain if column.has(Tags.CONTINUOUS) else column.domain or Domain(column.name)
    kept = column.untagged(Tags.ID, Tags.TIME) if plain else column
    return replace(kept.renamed(name), domain=domain)


def summed(column: Column, name: str, statistic: str, owner: str | None) -> Column:
    """A number about the values of a group's rows.

    Raises:
        SchemaError: they are no numbers, and the statistic is no count.
    """
    kind = column.dtype.rstrip("0123456789")
    numbers = kind in ("int", "uint", "float", "bool")
    if column.shape.kind != "scalar" or not (numbers or statistic in _COUNTS):
        raise SchemaError(
            f"Groupby.aggregates of column {column.name!r}",
            received=f"{statistic} of a {column.shape.kind} of {column.dtype}",
            expected="one number a row",
            remedy="take its count, first or last",
        )
    whole = statistic in _COUNTS or (statistic == "sum" and kind != "float")
    dtype = column.dtype if statistic in _SAME else "int64" if whole else "float64"
    tags = {Tags.CONTINUOUS} | ({owner} if owner else set())
    return Column(name, dtype, frozenset(tags), domain=Domain(name))
