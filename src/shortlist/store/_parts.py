"""What a store elsewhere asks of the tables under it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

from shortlist.data import Array, ArrayLog, Attribute
from shortlist.store._catalogue import Catalogue
from shortlist.store._event_columns import EventColumns, known_values
from shortlist.store._layered_log import LayeredLog
from shortlist.store._newcomers import Newcomers
from shortlist.store._table import Table

__all__ = ["StoreParts"]


@dataclass(frozen=True, slots=True)
class StoreParts:
    """The parts of an embedded store.

    Attributes:
        catalogue: the items.
        users: the user table.
        known: positions of users, those met since included.
        columns: codes of event columns.
        log: the events.
        lock: held while texts are met.
    """

    catalogue: Catalogue
    users: Table
    known: Newcomers
    columns: EventColumns
    log: LayeredLog
    lock: Lock

    def own_columns(
        self, users: list[Any], items: list[Any], given: Mapping[str, Any]
    ) -> dict[str, list[Any]]:
        """Event columns as plain lists: those given, checked, and what the tables say now of the others.

        Raises:
            ArgumentError: there is no such column, or it cannot hold a value.
        """
        plain = self.columns.plain(given, len(items))
        tables = (self.catalogue, self.users)
        known = known_values(self.columns.schema, tables, (items, users), plain)
        return self.columns.plain(known, len(items)) | plain

    def met(self, columns: Mapping[str, list[Any]], count: int) -> dict[str, Array]:
        """Event columns of so many events as the log has them; texts are met."""
        with self.lock:
            return self.columns.met(columns, count)

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """Columns that follow from the user or the item of an event."""
        return self.log.attributes

    def user_ids(self, positions: Sequence[int]) -> list[Any]:
        """Raw ids of positions of users."""
        return self.known.ids_at(positions)

    def table(self, side: Literal["users", "items"]) -> Table:
        """The user table, or the item table as it is now."""
        return self.users if side == "users" else self.catalogue.flattened()

    def events(self) -> ArrayLog:
        """All events, positive or not, in the order they came."""
        return self.log.flattened()
