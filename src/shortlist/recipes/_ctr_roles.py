"""Which columns of labelled rows are of the user, of the item, or of neither."""

import re
from collections.abc import Iterable

from shortlist.recipes._ctr_file import CtrColumn, hour_names
from shortlist.schema import Schema, Tags

__all__ = ["role_tags", "suits"]

_USER = re.compile(r"^(user|uid|customer|member|visitor|nick|msno)(_|id|$)")
_ITEM = re.compile(r"^(item|iid|ad|adgroup|product|movie|song|video|article|news|goods|sku)(_|id|$)")


def role_tags(columns: Iterable[CtrColumn]) -> dict[str, tuple[str, ...]]:
    """Tags of each column that is read.

    The first category named like a user's id is the user, the first named like an item's the item; categories
    that a list shares its values with are of the item, so that histories can be seen from it. All others are
    context.

    >>> columns = [
    ...     CtrColumn("user_id", "category", ""), CtrColumn("item_id", "category", ""),
    ...     CtrColumn("item_history", "list", "", like="item_id"), CtrColumn("price", "number", ""),
    ... ]
    >>> for name, tags in role_tags(columns).items(): print(name, tags)
    user_id ('user', 'id', 'categorical')
    item_id ('item', 'id', 'categorical')
    item_history ('context', 'categorical', 'sequence')
    price ('context', 'continuous')
    """
    known = list(columns)
    names = [column.name for column in known if column.kind == "category"]
    user = next((name for name in names if _USER.match(name.lower())), None)
    item = next((name for name in names if _ITEM.match(name.lower())), None)
    told_of = {column.like for column in known if column.like is not None}
    tags: dict[str, tuple[str, ...]] = {}
    for column in known:
        if column.kind == "number":
            tags[column.name] = ("context", "continuous")
        elif column.kind == "list":
            tags[column.name] = ("context", "categorical", "sequence")
        elif column.kind == "category" and column.name == user:
            tags[column.name] = ("user", "id", "categorical")
        elif column.kind == "category" and column.name == item:
            tags[column.name] = ("item", "id", "categorical")
        elif column.kind == "category":
            side = "item" if column.name in told_of else "context"
            tags[column.name] = (side, "categorical")
    return tags | dict.fromkeys(hour_names(known), ("context", "categorical"))


def suits(name: str, schema: Schema) -> bool:
    """Whether a model can read the columns: one of ids wants a user and an item, one of histories a list."""
    if name == "neumf":
        return len(schema.tagged(Tags.USER, Tags.ID)) == len(schema.tagged(Tags.ITEM, Tags.ID)) == 1
    if name in ("din", "bst"):
        domains = {column.domain and column.domain.name for column in schema.tagged(Tags.ITEM)}
        lists = [column for column in schema.tagged(Tags.SEQUENCE) if column.is_list]
        return any(column.domain is not None and column.domain.name in domains for column in lists)
    return True
