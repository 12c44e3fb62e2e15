"""A schema for any table, with roles or without."""

from collections.abc import Mapping

import polars as pl

from shortlist.io._infer import IGNORED, infer
from shortlist.io._roles import ROLE_TAGS, is_log
from shortlist.schema import Column, Schema, Tags

__all__ = ["propose_schema"]

_DETERMINED = 0.98
_LARGEST_EXACT = 2**53


def propose_schema(
    sample: pl.DataFrame, roles: Mapping[str, str], *, one_row_each: bool
) -> tuple[Schema, dict[str, str]]:
    """Tags for every column, as `shortlist.io.scan` infers them for logs and for tables of items or users.

    Where rows are neither, as in a log without users or in a survey, a column belongs to the one entity there
    is if that determines it in 98 % of the rows, and not only since one value is common everywhere; otherwise
    it belongs to the context of the row.

    Args:
        sample: rows with ids, times and values in the types that `shortlist.io.scan` gives them.
        roles: role -> column; may be empty.
        one_row_each: whether every item (user) has one row.

    Returns:
        The schema, and why columns are ignored.

    >>> schema, _ = propose_schema(pl.DataFrame({"age": [30.5, 41.0]}), {}, one_row_each=False)
    >>> sorted(schema["age"].tags)
    ['context', 'continuous']
    """
    schema, ignored = infer(sample, roles)
    schema = schema.merge(_named(column, sample) for column in schema if column.has(Tags.CONTINUOUS))
    if is_log(roles) or (one_row_each and roles):
        return schema, ignored
    entity = next((role for role in ("item", "user") if role in roles), None)
    mine = [] if entity is None else _determined(sample, roles[entity])
    for column in schema:
        if column.name not in mine and column.name not in roles.values() and not column.has(IGNORED):
            kinds = column.tags - {Tags.ITEM, Tags.USER}
            schema = schema.tag(column.name, Tags.CONTEXT, *kinds)
    tags = {name: ROLE_TAGS[role] for role, name in roles.items()}
    return schema.merge(column.tagged(*tags.get(column.name, ())) for column in schema), ignored


def _named(column: Column, sample: pl.DataFrame) -> Column:
    """Whole numbers beyond what a float can hold are names, not amounts."""
    values = sample[column.name]
    if values.dtype.is_integer() and not values.abs().fill_null(0).le(_LARGEST_EXACT).all():
        return column.untagged(Tags.CONTINUOUS).tagged(Tags.CATEGORICAL)
    return column


def _determined(sample: pl.DataFrame, key: str) -> list[str]:
    """Columns that hold, in nearly all rows of a key that occurs again, the key's commonest value."""
    again = sample.filter(pl.col(key).is_duplicated() & pl.col(key).is_not_null())
    if again.is_empty():
        return []
    found = []
    for name in again.columns:
        rows = again.select(key=key, value=pl.struct(name).hash())
        most = rows.group_by("key", "value").len().group_by("key").agg(pl.col("len").max())["len"].sum()
        common = rows["value"].value_counts(sort=True)["count"][0] / again.height
        share = most / again.height
        if name != key and share >= _DETERMINED and 1 - share <= (1 - common) / 2:
            found.append(name)
    return found
