"""The feature store: what users, items and events were, at any time."""

from shortlist.store._columns import to_array, to_series
from shortlist.store._embedded import EmbeddedStore
from shortlist.store._feast_source import feast_store
from shortlist.store._forget import forget_live
from shortlist.store._item_log import EditedItem, ItemLog, rows_of
from shortlist.store._item_rows import ItemRow
from shortlist.store._journal import Journal
from shortlist.store._open_store import keeps_events, open_store
from shortlist.store._redis_options import RedisOptions
from shortlist.store._redis_store import Filled, fill_redis, redis_store
from shortlist.store._remote import RemoteStore
from shortlist.store._source import EventRow, Found, Row, Source
from shortlist.store._time_to_live import TimeToLive

__all__ = [
    "EditedItem",
    "EmbeddedStore",
    "EventRow",
    "Filled",
    "Found",
    "ItemLog",
    "ItemRow",
    "Journal",
    "RedisOptions",
    "RemoteStore",
    "Row",
    "Source",
    "TimeToLive",
    "feast_store",
    "fill_redis",
    "forget_live",
    "keeps_events",
    "open_store",
    "redis_store",
    "rows_of",
    "to_array",
    "to_series",
]
