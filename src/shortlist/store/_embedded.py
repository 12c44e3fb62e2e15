"""The store that lives inside the process."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any, final

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, ArrayLog, Entity, Keys, Ragged
from shortlist.errors import ArgumentError, SchemaError
from shortlist.io import Dataset, item_table, user_table
from shortlist.schema import Schema, Tags
from shortlist.store._events import events_log, ids_of, time_after
from shortlist.store._files import Contents, read_contents, write_contents
from shortlist.store._journal import Journal
from shortlist.store._layered_log import LayeredLog
from shortlist.store._newcomers import Newcomers
from shortlist.store._table import Table
from shortlist.store._windows import Windows

__all__ = ["EmbeddedStore"]

Positions = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]


@final
class EmbeddedStore:
    """Users, items and events in memory, columns as arrays; a `shortlist.data.Store`.

    Positions of items are those of the item table, then those of items that only events mention. Events that
    are appended are seen by the next question. They are durable when the store was opened with a ``live``
    file, otherwise they last as long as the process. Memory: 28 bytes an event, and 16 more for each of the
    orders by time, user, item and pair (see `ArrayLog`) once it has been asked for.

    Args:
        contents: tables and events; made by `build` or `open`.
    """

    def __init__(self, contents: Contents) -> None:
        self._items = contents.items
        self._users = contents.users
        self._known = Newcomers(contents.users.keys)
        self._log = LayeredLog(contents.events)
        self._windows = Windows(self._log)
        self._until = contents.until
        self._journal: Journal | None = None
        self._lock = Lock()
        self._unknown_items = int((contents.events.items < 0).sum())

    @classmethod
    def build(
        cls, events: Dataset, items: Dataset | None = None, users: Dataset | None = None
    ) -> "EmbeddedStore":
        """Read event, item and user tables into memory.

        Args:
            events: the log; with a column tagged "weight" only rows of positive weight become events.
            items: one row an item; None derives it from the log (the last known values).
            users: one row a user; None derives it from the log.
        """
        catalogue = item_table(events, before=None) if items is None else items
        people = user_table(events, before=None) if users is None else users
        item_rows = _table(catalogue, catalogue.schema.item.name, ids_of(events, events.schema.item.name))
        user_rows = _table(people, people.schema.user.name, ids_of(events, events.schema.user.name))
        log = events_log(events, user_rows, item_rows)
        return cls(Contents(item_rows, user_rows, log, time_after(events)))

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
                store._add(record["u"], record["i"], record["t"], record["w"])
            store._journal = journal
        return store

    def save(self, folder: Path | str) -> None:
        """Write tables and events, those appended since included, as a folder that appears whole.

        Appended events whose item is unknown have no position: they stay in the ``live`` file only.
        """
        with self._lock:
            users, log = _extended(self._users, self._known.ids), self._log.flattened()
            write_contents(Contents(self._items, users, log, self._until), Path(folder))

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

    def append_events(self, users: Any, items: Any, times: Positions, weights: Weights | None = None) -> int:
        """Add positive events by raw ids; durable when it returns if there is a ``live`` file.

        Args:
            users: N raw ids; None for an anonymous visitor, whose events count for items only.
            items: N raw ids; events of unknown items are kept in the file and counted, but seen by nobody.
            times: int64 [N], microseconds since 1970 UTC, in any order.
            weights: float32 [N]; ones by default.

        Returns:
            How many events were kept: all of them.

        Raises:
            ArgumentError: the lengths differ.
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
        if len(when) == 0:
            return 0
        with self._lock:
            if self._journal is not None:
                record = {"u": people, "i": things, "t": when.tolist(), "w": strength.tolist()}
                self._journal.append(record)
            self._add(people, things, when, strength)
        return len(when)

    def events(self) -> ArrayLog:
        """All events, in the order they came."""
        return self._log.flattened()

    def history(self, users: Positions, before: Positions, limit: int) -> tuple[Ragged, Ragged]:
        """The last ``limit`` items of each user before a time, oldest first, and their times."""
        return self._log.history(users, before, limit)

    def counts(
        self, of: Entity, users: Positions, items: Positions, since: Positions, before: Positions
    ) -> Positions:
        """How many events each user, item or pair had in [since, before)."""
        return self._log.counts(of, users, items, since, before)

    def first(
        self, of: Entity, users: Positions, items: Positions, since: Positions, before: Positions
    ) -> Positions:
        """Time of the first event of each in [since, before), -1 for none."""
        return self._log.first(of, users, items, since, before)

    def last(
        self, of: Entity, users: Positions, items: Positions, since: Positions, before: Positions
    ) -> Positions:
        """Time of the last event of each in [since, before), -1 for none."""
        return self._log.last(of, users, items, since, before)

    def popularity(self, since: int, before: int) -> npt.NDArray[np.float64]:
        """Float64 [items], read-only: weighted number of events of every item in [since, before)."""
        return self._windows.counts(since, before)

    def _add(self, users: Any, items: Any, times: Any, weights: Any) -> None:
        when, strength = np.asarray(times, dtype=np.int64), np.asarray(weights, dtype=np.float32)
        places = self.items.positions(items)
        self._log.append(self._known.meet(users), places, when, strength)
        self._windows.forget_from(int(when.min()))
        self._unknown_items += int((places < 0).sum())
        self._until = max(self._until, int(when.max()) + 1)


def _plain(ids: Any) -> list[Any]:
    return ids.tolist() if isinstance(ids, np.ndarray) else list(ids)


def _table(given: Dataset, id_name: str, mentioned: pl.Series) -> Table:
    """The given rows, then one row of nulls for each id that only events mention."""
    schema = Schema(column for column in given.schema if Tags.TIME not in column.tags)
    frame = given.collect().select(schema.names)
    if frame.schema[id_name] != mentioned.dtype:
        raise SchemaError(
            f"column {id_name!r} of a table",
            received=str(frame.schema[id_name]),
            expected=f"{mentioned.dtype}, the type of the ids in the events",
            remedy="cast one of them",
        )
    return _extended(
        Table(frame, schema, id_name), mentioned.filter(~mentioned.is_in(frame[id_name].implode()))
    )


def _extended(table: Table, ids: pl.Series | list[Any]) -> Table:
    if len(ids) == 0:
        return table
    frame, schema = table.frame, table.schema
    more = pl.Series(table.id_name, ids, strict=False).cast(frame.schema[table.id_name], strict=False)
    if more.null_count():
        frame = frame.cast({table.id_name: pl.String})
        more = pl.Series(table.id_name, [str(value) for value in ids])
        schema = schema.merge([replace(schema[table.id_name], dtype="string")])
    frame = pl.concat([frame, more.to_frame()], how="diagonal").rechunk()
    return Table(frame, schema, table.id_name, table.listed)
