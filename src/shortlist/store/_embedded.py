"""The store that lives inside the process."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, ArrayLog, EventLog, Keys, Of, Ragged
from shortlist.io import Dataset
from shortlist.schema import Column, Schema
from shortlist.store._appended import Came, as_appended, within
from shortlist.store._catalogue import Catalogue
from shortlist.store._contents import contents_of
from shortlist.store._event_columns import Attributes, event_column
from shortlist.store._files import Contents, read_contents, write_contents
from shortlist.store._forget import without_user
from shortlist.store._item_rows import ItemRow
from shortlist.store._journal import Journal
from shortlist.store._layered_log import LayeredLog
from shortlist.store._log_since import LogSince
from shortlist.store._newcomers import Newcomers
from shortlist.store._parts import StoreParts
from shortlist.store._time_to_live import EVER, TimeToLive
from shortlist.store._windows import Windows

__all__ = ["EmbeddedStore"]

Positions = npt.NDArray[np.int64]
Ints = Positions
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
    events, and 16 for each of the orders by time, user, item and pair (see `ArrayLog`) once asked for.

    Questions about events may name columns of their own (``columns`` of `build`), whose values are those at
    the event, and columns of the item or the user table, whose values are those of the table. An event of
    weight 0 or less is not positive: it counts in `totals` and `recent` only.

    Args:
        contents: tables and events; made by `build` or `open`.
    """

    def __init__(self, contents: Contents) -> None:
        self._catalogue = Catalogue(contents.items, contents.listed)
        self._users = contents.users
        self._columns = contents.columns
        self._known = Newcomers(contents.users.keys)
        self._log = LayeredLog(contents.events)
        self._seen: EventLog = self._log
        self._ttl, self._since = contents.ttl, EVER
        self._windows = Windows(self._log)
        self._came = Came(contents.until, int((contents.events.items < 0).sum()))
        self._journal: Journal | None = None
        self._lock = Lock()
        self._first: EmbeddedStore | None = None
        self._present: EmbeddedStore | None = None
        self._first = self._present = copy(self)

    @classmethod
    def build(
        cls,
        events: Dataset,
        items: Dataset | None = None,
        users: Dataset | None = None,
        *,
        columns: Sequence[str] = (),
        ttl: TimeToLive | None = None,
    ) -> "EmbeddedStore":
        """Read event, item and user tables into memory.

        Args:
            events: the log; without ``columns`` only its positive rows (`shortlist.io.positive`) are read.
            items: one row an item; None derives it from the log (the last known values).
            users: one row a user; None derives it from the log.
            columns: numbers, flags and text of the log to keep with each event, such as the price paid.
            ttl: how long rows and events hold, see `reading`; None for ever.

        Raises:
            SchemaError: a column cannot be one of events, ids have different types, or rows have no time.
        """
        return cls(contents_of(events, items, users, columns, ttl))

    @classmethod
    def open(cls, folder: Path | str, live: Path | str | None = None) -> "EmbeddedStore":
        """Open a saved store; its numbers are mapped into memory, not read.

        Args:
            folder: what `save` wrote.
            live: file that appended events are kept in; read again when the store is opened again. Begin a
                new one when the store is built anew from a log with those events.

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
        """Write tables and events as a folder that appears whole; events of unknown items are left out."""
        with self._lock:
            write_contents(self._contents(), Path(folder))

    def without_user(self, user: Any) -> tuple["EmbeddedStore", int]:
        """Another store without the events and the facts of a user, and how many events went.

        The user's position stays taken, so learners go on fitting; of the ``live`` file see `forget_live`.
        """
        with self._lock:
            contents = self._contents()
        kept, gone = without_user(contents, user)
        return EmbeddedStore(kept), gone

    def reading(self, now: int) -> "EmbeddedStore":
        """The store without what has outlived its time to live."""
        if not self._ttl:
            return self
        store = copy(self)
        store._catalogue = self._catalogue.at(self._ttl.since("items", now))
        store._users = self._users.at(self._ttl.since("users", now))
        store._since = self._ttl.since("events", now)
        store._seen = LogSince(self._log, store._since)
        return store

    @property
    def ttl(self) -> TimeToLive:
        """How long rows and events hold."""
        return self._ttl

    @property
    def parts(self) -> StoreParts:
        """What a store elsewhere asks of these tables."""
        return StoreParts(self._catalogue, self._users, self._known, self._columns, self._log, self._lock)

    def pinned(self) -> "EmbeddedStore":
        """The store with its catalogue as it is now; events go on arriving. The same object until an edit."""
        return self if self._present is None else self._present

    @property
    def edits(self) -> tuple["EmbeddedStore", Positions]:
        """The store before its item table was edited, and the positions that were, rising; see `pinned`."""
        return self if self._first is None else self._first, self._catalogue.places

    def upserted(self, rows: Sequence[ItemRow], where: str = "upsert_items") -> "EmbeddedStore":
        """What `pinned` will give after `upsert_items`; nothing changes until it is handed to `adopt`.

        Args:
            rows: raw item ids with raw values by column; what is not given stays, or is null where the item
                is new. An item that was taken out is shown again.
            where: what messages call the rows.

        Raises:
            ArgumentError: an id is none of the table's type, or a value none of its column's.
        """
        return self._edited(self._catalogue.upserted(rows, where))

    def without_items(self, ids: Iterable[Any]) -> "EmbeddedStore":
        """What `pinned` will give after `delete_items`, see `upserted`."""
        return self._edited(self._catalogue.without(ids))

    def adopt(self, edited: "EmbeddedStore") -> None:
        """Make the catalogue of `upserted` or `without_items` this store's; edits come one at a time."""
        with self._lock:
            catalogue = edited._catalogue
            if len(catalogue) > len(self._catalogue):
                self._log.grow(len(catalogue), catalogue.added)
            self._catalogue, self._present = catalogue, edited

    def upsert_items(self, rows: Sequence[ItemRow]) -> None:
        """Add items and change columns of known ones, see `upserted`; they last as long as the process."""
        self.adopt(self.upserted(rows))

    def delete_items(self, ids: Iterable[Any]) -> None:
        """Take items out of what may be shown; their rows and events stay. Unknown ids are passed over."""
        self.adopt(self.without_items(ids))

    def close(self) -> None:
        """Let go of the ``live`` file."""
        if self._journal is not None:
            self._journal.close()

    @property
    def items(self) -> Keys:
        """The raw item ids in order of their positions."""
        return self._catalogue.keys

    @property
    def users(self) -> Keys:
        """The users that were known when the store was built."""
        return self._users.keys

    @property
    def listed(self) -> npt.NDArray[np.bool_]:
        """Bool [items]: whether an item is of the item table, and so may be shown."""
        return self._catalogue.listed

    @property
    def item_schema(self) -> Schema:
        """Columns of the item table."""
        return self._catalogue.schema

    @property
    def user_schema(self) -> Schema:
        """Columns of the user table."""
        return self._users.schema

    @property
    def until(self) -> int:
        """One microsecond after the newest event; 0 when there is none."""
        return self._came.until

    @property
    def unknown_items(self) -> int:
        """How many events name an item that the store does not know."""
        return self._came.unknown_items

    @property
    def cut_bytes(self) -> int:
        """Bytes of a half-written record that were cut off the ``live`` file when it was opened."""
        return 0 if self._journal is None else self._journal.cut_bytes

    def lasting(self, side: str) -> Any:
        """A table, "users" or "items": what is made of a row that is not `Table.odd` may be kept."""
        return None if self._ttl else self._users if side == "users" else self._catalogue

    def user_positions(self, ids: Any) -> Positions:
        """Positions of raw user ids, users met since the store was built included; -1 for unknown."""
        return self._known.positions(ids)

    def item_columns(self, items: Positions, names: tuple[str, ...]) -> Mapping[str, Array | Ragged]:
        """Raw values of item columns; null where the position is -1."""
        return self._catalogue.rows(items, names)

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
        return event_column((self._columns.schema, self.item_schema, self._users.schema), name)

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
        """Add events by raw ids, and give how many; durable when it returns if there is a ``live`` file.

        Args:
            users: N raw ids; None for an anonymous visitor, whose events count for items only.
            items: N raw ids; events of unknown items are kept in the file and counted, but seen by nobody.
            times: int64 [N], microseconds since 1970 UTC, in any order.
            weights: float32 [N]; ones by default.
            columns: N raw values by event column; those left out are taken from the tables, else null.

        Raises:
            ArgumentError: the lengths differ, or the store keeps no such column or values.
            DataError: the file could not be written; nothing was kept.
        """
        people, things, when, strength = as_appended(users, items, times, weights)
        with self._lock:
            own = self.parts.own_columns(people, things, columns)
            if len(when) == 0:
                return 0
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
        return within(self._seen.history(users, before, limit, names), ("item",), len(self.items))

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
        found = self._seen.recent(of, users, items, before, limit, names=names, columns=columns)
        return within(found, names, len(self.items))

    def counts(
        self, of: Of, users: Ints, items: Ints, since: Ints, before: Ints, *, columns: Columns = _NOTHING
    ) -> Ints:
        """How many positive events each entity had in [since, before)."""
        return self._seen.counts(of, users, items, since, before, columns=columns)

    def first(
        self, of: Of, users: Ints, items: Ints, since: Ints, before: Ints, *, columns: Columns = _NOTHING
    ) -> Ints:
        """Time of the first positive event of each entity in [since, before), -1 for none."""
        return self._seen.first(of, users, items, since, before, columns=columns)

    def last(
        self, of: Of, users: Ints, items: Ints, since: Ints, before: Ints, *, columns: Columns = _NOTHING
    ) -> Ints:
        """Time of the last positive event of each entity in [since, before), -1 for none."""
        return self._seen.last(of, users, items, since, before, columns=columns)

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
        return self._seen.totals(of, users, items, since, before, name=name, columns=columns)

    def popularity(self, since: int, before: int) -> npt.NDArray[np.float64]:
        """Float64 [items], read-only: weighted number of events of every item in [since, before)."""
        return self._windows.counts(max(since, self._since), before, len(self.items))

    def _edited(self, catalogue: Catalogue) -> "EmbeddedStore":
        if catalogue is self._catalogue:
            return self.pinned()
        edited = copy(self)
        edited._catalogue, edited._first, edited._present = catalogue, self.edits[0], None
        return edited

    def _contents(self) -> Contents:
        users, log = self._users.extended(self._known.ids), self._log.flattened()
        items, listed = self._catalogue.flattened(), self._catalogue.listed
        if items is not self._catalogue.table:
            log = replace(log, attributes=Attributes(items, self._users, self._columns))
        return Contents(items, users, log, self._came.until, self._columns, listed, self._ttl)

    def _asked(self, name: str) -> Column:
        """`event_column`, ready to be asked about."""
        column = self.event_column(name)
        if name not in self._columns.schema:
            _ = self._log.attributes[name]
        return column

    def _add(
        self, users: Any, items: Any, times: Any, weights: Any, columns: Mapping[str, list[Any]]
    ) -> None:
        when, strength = np.asarray(times, dtype=np.int64), np.asarray(weights, dtype=np.float32)
        places = self.items.positions(items)
        own = self._columns.met(columns, len(when))
        self._log.append(self._known.meet(users), places, when, strength, own)
        self._windows.forget_from(int(when.min()))
        self._came.meet(when, places)
