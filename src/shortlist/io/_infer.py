"""What the columns are, judged from a sample of the rows."""

from collections.abc import Mapping

import polars as pl

from shortlist.io._roles import ROLE_TAGS, is_log
from shortlist.io._types import TIME_DTYPE, column_of
from shortlist.schema import Column, Schema, Tags

__all__ = ["IGNORED", "infer"]

IGNORED = "ignored"

_DETERMINED = 0.98
_FEW_VALUES = 100
_ENOUGH_ROWS = 50


def infer(
    sample: pl.DataFrame, roles: Mapping[str, str], weight: str | None = None
) -> tuple[Schema, dict[str, str]]:
    """Tag the columns of a log or a table.

    Roles give the ids, the time, the event, the value. Another column of a log belongs to the item (user)
    when, among rows of items (users) that occur twice or more, at least 98 % equal the commonest value of
    their item (user), and this is not so only because one value is common everywhere; the rest is context.
    In a table every column belongs to its entity. Text of several words that hardly two ids (or rows of
    context) share is TEXT; other text, bools, integers of at most 100 values and those named as an id, a
    code, a category or a type are CATEGORICAL; other numbers CONTINUOUS; vectors EMBEDDING. Columns that hold
    one value only, a value of its own in every row, or the id of the event (such as an invoice number: it
    determines both the user and the time) are tagged "ignored".

    Args:
        sample: rows, cleaned.
        roles: role -> column.
        weight: name of the column of weights, if there is one.

    Returns:
        The schema, and why columns are ignored.
    """
    named = {name: ROLE_TAGS[role] for role, name in roles.items()} | (
        {weight: ("weight",)} if weight else {}
    )
    columns, ignored = list[Column](), dict[str, str]()
    for name, dtype in sample.schema.items():
        column = column_of(name, dtype)
        if name in named:
            columns.append(column.tagged(*named[name]))
            continue
        entity = _entity(sample, name, roles)
        owners = sample[roles[entity]].n_unique() if entity in roles else sample.height
        text = _is_text(sample[name].drop_nulls(), owners)
        why = _useless(sample, name, roles, text=text)
        if why:
            ignored[name] = why
            columns.append(column.tagged(IGNORED))
        else:
            columns.append(column.tagged(entity, Tags.TEXT if text else _kind(sample[name])))
    return Schema(columns), ignored


def _entity(sample: pl.DataFrame, name: str, roles: Mapping[str, str]) -> str:
    if not is_log(roles):
        return Tags.ITEM if "item" in roles else Tags.USER
    shares = {role: _determined(sample, roles[role], name) for role in ("item", "user")}
    best = max(shares, key=lambda role: shares[role])
    commonest = _commonest(sample[name])
    informed = 1 - shares[best] <= (1 - commonest) / 2
    return Tags(best) if shares[best] >= _DETERMINED and informed else Tags.CONTEXT


def _determined(sample: pl.DataFrame, key: str, name: str) -> float:
    """Share of rows that hold the commonest value of their key, over keys of two or more rows; 0 if none."""
    pairs = sample.select(key, name).drop_nulls()
    pairs = pl.DataFrame({"key": pairs.select(key).hash_rows(), "value": pairs.select(name).hash_rows()})
    keys = (
        pairs.group_by("key", "value")
        .len()
        .group_by("key")
        .agg(pl.col("len").sum().alias("rows"), pl.col("len").max())
    )
    keys = keys.filter(pl.col("rows") > 1)
    return float(int(keys["len"].sum()) / int(keys["rows"].sum())) if keys.height else 0.0


def _commonest(column: pl.Series) -> float:
    known = column.drop_nulls()
    counts = known.to_frame("value").hash_rows().value_counts()["count"]
    largest = counts.max()
    return largest / len(known) if isinstance(largest, int) else 1.0


def _useless(sample: pl.DataFrame, name: str, roles: Mapping[str, str], *, text: bool) -> str:
    known = sample[name].drop_nulls()
    if known.is_empty() and sample.height:
        return "it has no values"
    values = known.to_frame("value").hash_rows().n_unique()
    if values == 1 and len(known) == sample.height > 1:
        return f"every row holds {str(known[0])[:40]!r}"
    discrete = known.dtype.is_integer() or known.dtype == pl.String()
    if not discrete or text:
        return ""
    if len(known) >= _ENOUGH_ROWS and values >= _DETERMINED * len(known):
        return "nearly every row has a value of its own"
    owners = [roles[role] for role in ("user", "time") if role in roles]
    if len(owners) == 2 and all(_determined(sample, name, owner) >= _DETERMINED for owner in owners):
        return "it is an id of the event: it determines the user and the time"
    return ""


def _kind(column: pl.Series) -> str:
    dtype = column.dtype
    if isinstance(dtype, pl.Array):
        return Tags.EMBEDDING
    if isinstance(dtype, pl.List):
        floats = isinstance(dtype.inner, pl.DataType) and dtype.inner.is_float()
        return Tags.CONTINUOUS if floats else Tags.CATEGORICAL
    if dtype == TIME_DTYPE:
        return "date"
    if dtype.is_integer():
        named = column.name.lower().endswith(("id", "code", "category", "type"))
        return Tags.CATEGORICAL if named or column.n_unique() <= _FEW_VALUES else Tags.CONTINUOUS
    return Tags.CONTINUOUS if dtype.is_float() else Tags.CATEGORICAL


def _is_text(known: pl.Series, owners: int) -> bool:
    """Whether strings are names or sentences rather than categories: of several words, few of them shared."""
    if known.dtype != pl.String() or known.is_empty():
        return False
    spaces, values = known.str.count_matches(r"\s+").mean(), known.n_unique()
    assert isinstance(spaces, float)
    shared = values < max(_FEW_VALUES, owners / 2)
    return not shared and (spaces >= 1.5 or (values >= _DETERMINED * len(known) and spaces >= 0.5))
