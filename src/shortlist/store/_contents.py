"""What a store holds, read from data sets."""

from collections.abc import Sequence

from shortlist.io import Dataset, item_table, user_table
from shortlist.store._event_columns import EventColumns, event_schema
from shortlist.store._events import events_log, ids_of, time_after
from shortlist.store._files import Contents
from shortlist.store._table import table_of
from shortlist.store._time_to_live import TimeToLive

__all__ = ["contents_of"]


def contents_of(
    events: Dataset,
    items: Dataset | None,
    users: Dataset | None,
    columns: Sequence[str],
    ttl: TimeToLive | None = None,
) -> Contents:
    """Read event, item and user tables into memory; see `EmbeddedStore.build`."""
    own = EventColumns(event_schema(events.schema, columns))
    catalogue = item_table(events, before=None) if items is None else items
    people = user_table(events, before=None) if users is None else users
    lasting = TimeToLive() if ttl is None else ttl
    things, persons = (ids_of(events, one.name) for one in (events.schema.item, events.schema.user))
    item_rows = table_of(catalogue, catalogue.schema.item.name, things, timed=lasting.items is not None)
    user_rows = table_of(people, people.schema.user.name, persons, timed=lasting.users is not None)
    log = events_log(events, user_rows, item_rows, own)
    return Contents(item_rows, user_rows, log, time_after(events), own, None, lasting)
