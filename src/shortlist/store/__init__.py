"""The feature store: what users, items and events were, at any time."""

from shortlist.store._columns import to_array, to_series
from shortlist.store._embedded import EmbeddedStore
from shortlist.store._forget import forget_live
from shortlist.store._item_log import EditedItem, ItemLog, rows_of
from shortlist.store._item_rows import ItemRow
from shortlist.store._journal import Journal

__all__ = [
    "EditedItem",
    "EmbeddedStore",
    "ItemLog",
    "ItemRow",
    "Journal",
    "forget_live",
    "rows_of",
    "to_array",
    "to_series",
]
