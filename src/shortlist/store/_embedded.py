"""The store that lives inside the process."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, ArrayLog, Keys, Of, Ragged
from shortlist.errors import ArgumentError, SchemaError, near
from shortlist.io import Dataset, item_table, user_table
from shortlist.schema import Column, Schema
from shortlist.store._event_columns import EventColumns, event_schema
from shortlist.store._events import events_log, ids_of, time_after
from shortlist.store._files import Contents, read_contents, write_contents
from shortlist.store._forget import without_user
from shortlist.store._journal import Journal
from shortlist.store._layered_log import LayeredLog
from shortlist.store._newcomers import Newcomers
from shortlist.store._table import table_of
from shortlist.store._windows import Windows

__all__ = ["EmbeddedStore"]

Positions = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Columns = Mapping[str, Positions]

_NOTHING: Columns = {}


@final
class EmbeddedStore:
    """Users, items and events in memory, columns as arrays; a `shortlist.data.Store`.

    Positions of items are those of the item table, then those of items that only events mention. Events that
    are appended are seen by the next question. They are durable when the store was opened with a ``live``
    file, otherwise they last as long as the process. Memory: 28 bytes an event, 8 more for each column of
    events, and 16 for each of the orders by time, user, item and pair (see `ArrayLog`) once it has been asked
    for.

    Questions about events may name columns of their own (``columns`` of `build`), whose values are those at
    the event, and columns of the item or the user table, whose values are those of the table. An event of
    weight 0 or less is not positive: it counts in `totals` and `recent` only.

    Args:
        contents: tables and events; made by `build` or `open`.
    """

    def __init__(self, contents: Contents) -> None:
        self._items = contents.items
        self._users = contents.users
        self._columns = contents.columns
        self._known = Newcomers(contents.users.keys)
        self._log = LayeredLog(contents.events)
        self._windows = Windows(self._log)
        self._until = contents.until
        self._journal: Journal | None = None
        self._lock = Lock()
        self._unknown_items = int((contents.events.items < 0).sum())

    @classmethod
    def build(
        cls,
        events: Dataset,
        items: Dataset | None = None,
        users: Dataset | None = None,
        *,
        columns: Sequence[str] = (),
    ) -> "EmbeddedStore":
        """Read event, item and user tables into memory.

        Args:
            events: the log; without ``columns`` only its positive rows (`shortlist.io.positive`) are read.
            items: one row an item; None derives it from the log (the last known values).
            users: one row a user; None derives it from the log.
            columns: columns of the log to keep with each event, such as the price paid or a click: numbers,
                flags and text.

        Raises:
            SchemaError: a column cannot be one of events, or ids have different types.
        """
        own = EventColumns(event_schema(events.schema, columns))
        catalogue = item_table(events, before=None) if items is None else items
        people = user_table(events, before=None) if users is None else users
        item_rows = table_of(catalogue, catalogue.schema.item.name, ids_of(events, events.schema.item.name))
        user_rows = table_of(people, people.schema.user.name, ids_of(events, events.schema.user.name))
        log = events_log(events, user_rows, item_rows, own)
        return cls(Contents(item_rows, user_rows, log, time_after(events), own))

    @classmethod
    def open(cls, folder: Path | str, live: Path | str | None = None) -> "EmbeddedStore":
        """Open a saved store; its numbers are mapped into memory, not read.

        Args:
            folder: what `save` wrote.
            live: file that appended events are kept in; read again when the store is opened again. It belongs
                to this store: begin a new one when the store is built anew from a log with those events.

        Raises:
            DataError: the folder or the file is missing or damaged, or the file is in use.
        """
        store = cls(read_contents(Path(folder)))
        if live is not None:
            journal = Journal(Path(live))
            for record in journal.open():
                store._add(record["u"], record["i"], record["t"], record["w"], record.get("c", {}))
            store._journal = journal
        return store

    def save(self, folder: Path | str) -> None:
        """Write tables and events, those appended since included, as a folder that appears whole.

        Appended events whose item is unknown have no position: they stay in the ``live`` file only.
        """
        with self._lock:
            users, log = self._users.extended(self._known.ids), self._log.flattened()
            write_contents(Contents(self._items, users, log, self._until, self._columns), Path(folder))

    def without_user(self, user: Any) -> tuple["EmbeddedStore", int]:
        """Another store without the events and the facts of a user, and how many events went.

        The user's position stays taken, under an id that stands for nobody, so learners go on fitting. Events
        that came since the store was built are those of the new one's tables; its ``live`` file is another
        matter, see `forget_live`.
        """
        with self._lock:
            users, log = self._users.extended(self._known.ids), self._log.flattened()
            contents = Contents(self._items, users, log, self._until, self._columns)
        kept, gone = without_user(contents, user)
        return EmbeddedStore(kept), gone

    def close(self) -> None:
        """Let go of the ``live`` file."""
        if self._journal is not None:
            self._journal.close()

    @property
    def items(self) -> Keys:
        """The raw item ids in order of their positions."""
        return self._items.keys

    @property
    def users(self) -> Keys:
        """The users that were known when the store was built."""
        return self._users.keys

    @property
    def listed(self) -> npt.NDArray[np.bool_]:
        """Bool [items]: whether an item is of the item table, and so may be shown."""
        return np.arange(len(self._items)) < self._items.listed

    @property
    def item_schema(self) -> Schema:
        """Columns of the item table."""
        return self._items.schema

    @property
    def user_schema(self) -> Schema:
        """Columns of the user table."""
        return self._users.schema

    @property
    def until(self) -> int:
        """One microsecond after the newest event; 0 when there is none."""
        return self._until

    @property
    def unknown_items(self) -> int:
        """How many events name an item that the store does not know."""
        return self._unknown_items

    @property
    def cut_bytes(self) -> int:
        """Bytes of a half-written record that were cut off the ``live`` file when it was opened."""
        return 0 if self._journal is None else self._journal.cut_bytes

    def user_positions(self, ids: Any) -> Positions:
        """Positions of raw user ids, users met since the store was built included; -1 for unknown."""
        return self._known.positions(ids)

    def item_columns(self, items: Positions, names: tuple[str, ...]) -> Mapping[str, Array | Ragged]:
        """Raw values of item columns; null where the position is -1."""
        return self._items.rows(items, names)

    def user_columns(self, users: Positions, names: tuple[str, ...]) -> Mapping[str, Array | Ragged]:
        """Raw values of user columns; null where the position is -1 or the user is new."""
        return self._users.rows(users, names)

    @property
    def event_schema(self) -> Schema:
        """Columns of their own that events have beside user, item, time and weight."""
        return self._columns.schema

    def event_column(self, name: str) -> Column:
        """A column that questions about events may name: one of theirs, or of the item or the user table.

        Raises:
            SchemaError: there is none of this name, or it holds lists or dates.
        """
        tables = (self._columns.schema, self._items.schema, self._users.schema)
        for schema in tables:
            if name in schema:
                return event_schema(schema, (name,))[name]
        known = near(name, [other for schema in tables for other in schema.names])
        raise SchemaError(
            "columns of events",
            received=f"no column {name!r}",
            expected="a column of the events, the items or the users",
            remedy=f"build the store with columns=({name!r},); {known}",
        )

    def event_codes(self, name: str, values: Any) -> Array:
        """Raw values of such a column as the log has them; text that it never met is NULL."""
        return self._columns.codes(self._asked(name), values)

    def event_values(self, name: str, codes: Array) -> Array:
        """What the log has in such a column as raw values, None or NaN for null."""
        return self._columns.values(self._asked(name), codes)

    def append_events(
        self,
        users: Any,
        items: Any,
        times: Positions,
        weights: Weights | None = None,
        columns: Mapping[str, Any] = _NOTHING,
    ) -> int:
        """Add events by raw ids; durable when it returns if there is a ``live`` file.

        Args:
            users: N raw ids; None for an anonymous visitor, whose events count for items only.
            items: N raw ids; events of unknown items are kept in the file and counted, but seen by nobody.
            times: int64 [N], microseconds since 1970 UTC, in any order.
            weights: float32 [N]; ones by default.
            columns: N raw values by event column; those left out are taken from the item or the user table
                where it has them, else null.

        Returns:
            How many events were kept: all of them.

        Raises:
            ArgumentError: the lengths differ, or the store keeps no such column or values.
            DataError: the file could not be written; nothing was kept.
        """
        people, things = _plain(users), _plain(items)
        when = np.asarray(times, dtype=np.int64)
        strength = np.ones(len(when), np.float32) if weights is None else np.asarray(weights, np.float32)
        if len({len(people), len(things), len(when), len(strength)}) > 1:
            raise ArgumentError(
                "append_events",
                received=f"lengths {len(people)}, {len(things)}, {len(when)}, {len(strength)}",
                expected="as many users, items, times and weights",
            )
        given = self._columns.plain(columns, len(when))
        if len(when) == 0:
            return 0
        with self._lock:
            own = self._columns.plain(self._known_values(people, things, given), len(when)) | given
            if self._journal is not None:
                record = {"u": people, "i": things, "t": when.tolist(), "w": strength.tolist()}
                self._journal.append({**record, "c": own} if own else record, version=2 if own else 1)
            self._add(people, things, when, strength, own)
        return len(when)

    def events(self) -> ArrayLog:
        """All positive events, in the order they came."""
        return self._log.flattened().positives()

    def history(
        self, users: Positions, before: Positions, limit: int, names: tuple[str, ...] = ()
    ) -> tuple[Ragged, ...]:
        """The last ``limit`` items of each user before a time, oldest first, their times, further columns."""
        return self._log.history(users, before, limit, names)

    def recent(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        before: Positions,
        limit: int,
        *,
        names: tuple[str, ...],
        columns: Columns = _NOTHING,
    ) -> tuple[Ragged, ...]:
        """Columns of the last ``limit`` events, positive or not, of each before a time, oldest first."""
        return self._log.recent(of, users, items, before, limit, names=names, columns=columns)

    def counts(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Columns = _NOTHING,
    ) -> Positions:
        """How many positive events each entity had in [since, before)."""
        return self._log.counts(of, users, items, since, before, columns=columns)

    def first(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Columns = _NOTHING,
    ) -> Positions:
        """Time of the first positive event of each entity in [since, before), -1 for none."""
        return self._log.first(of, users, items, since, before, columns=columns)

    def last(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Columns = _NOTHING,
    ) -> Positions:
        """Time of the last positive event of each entity in [since, before), -1 for none."""
        return self._log.last(of, users, items, since, before, columns=columns)

    def totals(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        name: str,
        columns: Columns = _NOTHING,
    ) -> tuple[Positions, Floats]:
        """How many numbers the events of each entity in [since, before) have in a column, and their sum."""
        return self._log.totals(of, users, items, since, before, name=name, columns=columns)

    def popularity(self, since: int, before: int) -> npt.NDArray[np.float64]:
        """Float64 [items], read-only: weighted number of events of every item in [since, before)."""
        return self._windows.counts(since, before)

    def _asked(self, name: str) -> Column:
        """`event_column`, ready to be asked about."""
        column = self.event_column(name)
        if name not in self._columns.schema:
            _ = self._log.attributes[name]
        return column

    def _known_values(
        self, users: list[Any], items: list[Any], given: Mapping[str, Any]
    ) -> dict[str, list[Any]]:
        """What the tables say now of event columns that were not given."""
        found: dict[str, list[Any]] = {}
        for name in self._columns.schema.names:
            table, keys, ids = (self._items, self.items, items)
            if name not in table.schema:
                table, keys, ids = (self._users, self.users, users)
            if name in table.schema and name not in given:
                values = table.rows(keys.positions(ids), (name,))[name]
                found[name] = values.to_lists() if isinstance(values, Ragged) else values.tolist()
        return found

    def _add(
        self, users: Any, items: Any, times: Any, weights: Any, columns: Mapping[str, list[Any]]
    ) -> None:
        when, strength = np.asarray(times, dtype=np.int64), np.asarray(weights, dtype=np.float32)
        places = self.items.positions(items)
        own = self._columns.met(columns, len(when))
        self._log.append(self._known.meet(users), places, when, strength, own)
        self._windows.forget_from(int(when.min()))
        self._unknown_items += int((places < 0).sum())
        self._until = max(self._until, int(when.max()) + 1)


def _plain(ids: Any) -> list[Any]:
    return ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
