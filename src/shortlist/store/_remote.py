"""A store whose users, events or items are kept elsewhere, for several processes."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from threading import Lock
from time import monotonic
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, ArrayLog, EventLog, Keys, Of, Ragged, members_of
from shortlist.schema import Column, Schema
from shortlist.store._appended import as_appended
from shortlist.store._columns import column_of
from shortlist.store._embedded import EmbeddedStore
from shortlist.store._local_attributes import LocalAttributes
from shortlist.store._reads import Reads
from shortlist.store._source import EventRow, Row, Source
from shortlist.store._time_to_live import EVER, TimeToLive
from shortlist.store._visitors import FIRST_VISITOR, Visitors

__all__ = ["RemoteStore"]

Positions = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Columns = Mapping[str, Positions]

_NOTHING: Columns = {}


@final
class RemoteStore:
    """A `shortlist.data.Store` over the tables of a bundle and a source that is read when it is asked.

    Of the source come the columns it has and, if it keeps events, whatever concerns a user: histories,
    counts, last times. Each `reading` asks for all its users in one trip and for all its items in another.
    What concerns items alone (popularity, counts of items) is worked out of the bundle's log and the events
    that arrived since, those of other processes at most ``refresh_s`` later. When the source does not answer,
    a reading goes on with the bundle's own tables, and `failures` says how often and why.

    Args:
        tables: the bundle's store; its keys, schemas and positions are those of this one.
        source: users, items, events by raw id.
        defaults: column -> value where the source has none; null by default.
        ttl: how long facts and events hold; None is that of the tables.
        refresh_s: seconds between looks for the events of others.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        tables: EmbeddedStore,
        source: Source,
        *,
        defaults: Mapping[str, Any] | None = None,
        ttl: TimeToLive | None = None,
        refresh_s: float = 1.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.catalogue = tables
        self.source = source
        self._tables = tables
        self._defaults = dict(defaults or {})
        self._ttl = tables.ttl if ttl is None else ttl
        self._visitors = Visitors()
        self._refresh_s, self._clock, self._looked = refresh_s, clock, float("-inf")
        self._looking = Lock()
        self._since = {"users": EVER, "items": EVER}
        self._reads: Reads | None = None
        self._pin: RemoteStore | None = None

    @property
    def items(self) -> Keys:
        """The raw item ids in order of their positions."""
        return self._tables.items

    @property
    def users(self) -> Keys:
        """The users that the tables know."""
        return self._tables.users

    @property
    def listed(self) -> npt.NDArray[np.bool_]:
        """Bool [items]: whether an item is of the item table, and so may be shown."""
        return self._tables.listed

    @property
    def item_schema(self) -> Schema:
        """Columns of the item table."""
        return self._tables.item_schema

    @property
    def user_schema(self) -> Schema:
        """Columns of the user table."""
        return self._tables.user_schema

    @property
    def event_schema(self) -> Schema:
        """Columns of their own that events have beside user, item, time and weight."""
        return self._tables.event_schema

    @property
    def until(self) -> int:
        """One microsecond after the newest event that this process knows; 0 when there is none."""
        return self.catalogue.until

    @property
    def failures(self) -> Mapping[str, int]:
        """How often the source did not answer, by reason."""
        return dict(self.source.failures)

    def reading(self, now: int) -> "RemoteStore":
        """The store as one batch of requests sees it: it reads each once, and nothing that is too old."""
        self.refresh()
        store = self._opened(self._ttl.since("events", now))
        store._tables = self._tables.reading(now)
        store._since = {side: self._ttl.since(side, now) for side in ("users", "items")}
        return store

    def pinned(self) -> "RemoteStore":
        """The store with the bundle's catalogue as it is now; the same object until an edit."""
        tables = self.catalogue.pinned()
        if self._pin is None or self._pin._tables is not tables:
            store = copy(self)
            store._tables, store._pin = tables, None
            self._pin = store
        return self._pin

    @property
    def edits(self) -> tuple[EmbeddedStore, Positions]:
        """The bundle's store before its item table was edited, and the positions that were, rising."""
        return self._tables.edits

    def lasting(self, side: str) -> Any:
        """The table of "users" or "items", see `EmbeddedStore.lasting`; None where the source has columns."""
        there = self.source.user_columns if side == "users" else self.source.item_columns
        return None if there else self._tables.lasting(side)

    def refresh(self, *, now: bool = False) -> None:
        """Look for the events of others, if it is time to."""
        if not self.source.keeps_events or not (now or self._clock() >= self._looked + self._refresh_s):
            return
        with self._looking:
            self._looked = self._clock()
            self._count(list(self.source.arrived()))

    def user_positions(self, ids: Any) -> Positions:
        """Positions of raw user ids; those that no table has get numbers of their own. -1 for None."""
        plain = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
        found = self._tables.user_positions(plain)
        new = np.flatnonzero(found < 0)
        if len(new):
            found[new] = self._visitors.meet([plain[row] for row in new])
        return found

    def item_columns(self, items: Positions, names: tuple[str, ...]) -> Mapping[str, Array | Ragged]:
        """Raw values of item columns; null where the position is -1."""
        return self._columns("items", items, names, self.source.item_columns, self.item_schema)

    def user_columns(self, users: Positions, names: tuple[str, ...]) -> Mapping[str, Array | Ragged]:
        """Raw values of user columns; null where the position is -1 or nothing is known."""
        return self._columns("users", users, names, self.source.user_columns, self.user_schema)

    def event_column(self, name: str) -> Column:
        """A column that questions about events may name; see `EmbeddedStore.event_column`."""
        return self._tables.event_column(name)

    def event_codes(self, name: str, values: Any) -> Array:
        """Raw values of such a column as the log has them; text that it never met is NULL."""
        return self._tables.event_codes(name, values)

    def event_values(self, name: str, codes: Array) -> Array:
        """What the log has in such a column as raw values, None or NaN for null."""
        return self._tables.event_values(name, codes)

    def append_events(
        self,
        users: Any,
        items: Any,
        times: Positions,
        weights: Weights | None = None,
        columns: Mapping[str, Any] = _NOTHING,
    ) -> int:
        """Add events by raw ids, all or none; see `EmbeddedStore.append_events`. As durable as the source.

        Raises:
            ArgumentError: the lengths differ, or the store keeps no such column or values.
            DataError: the source could not keep them; they may be sent again.
        """
        people, things, when, strength = as_appended(users, items, times, weights)
        if len(when) == 0 or not self.source.keeps_events:
            return self.catalogue.append_events(people, things, when, strength, columns)
        own = self.catalogue.parts.own_columns(people, things, columns)
        rows = [
            EventRow(time, item, weight, {name: own[name][row] for name in own}, user)
            for row, (user, item, time, weight) in enumerate(
                zip(people, things, when.tolist(), strength.tolist(), strict=True)
            )
        ]
        self.source.append(rows)
        self._count(rows)
        return len(rows)

    def events(self) -> ArrayLog:
        """The positive events of the tables; see `EmbeddedStore.events`."""
        return self._tables.events()

    def history(
        self, users: Positions, before: Positions, limit: int, names: tuple[str, ...] = ()
    ) -> tuple[Ragged, ...]:
        """The last ``limit`` items of each user before a time, oldest first, their times, further columns."""
        log, people = self._log("user", users)
        return log.history(people, before, limit, names)

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
        log, people = self._log(of, users)
        return log.recent(of, people, items, before, limit, names=names, columns=columns)

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
        log, people = self._log(of, users)
        return log.counts(of, people, items, since, before, columns=columns)

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
        log, people = self._log(of, users)
        return log.first(of, people, items, since, before, columns=columns)

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
        log, people = self._log(of, users)
        return log.last(of, people, items, since, before, columns=columns)

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
        log, people = self._log(of, users)
        return log.totals(of, people, items, since, before, name=name, columns=columns)

    def popularity(self, since: int, before: int) -> Floats:
        """Float64 [items], read-only: weighted number of events of every item in [since, before)."""
        return self._tables.popularity(since, before)

    def without_user(self, user: Any) -> tuple["RemoteStore", int]:
        """Delete the facts and events of a user from the source; gives the store and how many events went.

        The tables are another matter: see `EmbeddedStore.without_user`.

        Raises:
            DataError: the source did not answer.
        """
        gone = self.source.forget(user)
        return self._opened(EVER), gone

    def save(self, folder: Any) -> None:
        """Write the tables; see `EmbeddedStore.save`. What the source keeps stays there."""
        self.catalogue.save(folder)

    def close(self) -> None:
        """Let go of the source."""
        self.source.close()
        self.catalogue.close()

    def _opened(self, since: int) -> "RemoteStore":
        """The same store that from now on reads everything once."""
        store = copy(self)
        ids = {"users": self._user_ids, "items": self._item_ids}
        store._reads = Reads(self.source, ids, self._logged, since)
        return store

    def _now(self) -> Reads:
        """What is read: of a batch of requests, or of a single question."""
        reads = self._reads if self._reads is not None else self._opened(EVER)._reads
        assert reads is not None
        return reads

    def _log(self, of: Of, users: Positions) -> tuple[EventLog, Positions]:
        """The log that answers about an entity, and the users' positions in it."""
        known = np.where(users < FIRST_VISITOR, users, -1)
        if not self.source.keeps_events or "user" not in members_of(of):
            return self._tables, known
        return self._now().log(users) or (self._tables, known)

    def _columns(
        self, side: str, positions: Positions, names: tuple[str, ...], there: frozenset[str], schema: Schema
    ) -> dict[str, Array | Ragged]:
        elsewhere = tuple(name for name in names if name in there)
        rows = self._now().rows(side, positions) if elsewhere else None
        known = np.where(positions < FIRST_VISITOR, positions, -1)
        read = self._tables.user_columns if side == "users" else self._tables.item_columns
        here = dict(read(known, names if rows is None else tuple(n for n in names if n not in there)))
        if rows is not None:
            fresh = [self._fresh(row, side) for row in rows]
            for name in elsewhere:
                values, other = [facts.get(name) for facts in fresh], self._defaults.get(name)
                here[name] = column_of([other if v is None else v for v in values], schema[name])
        return {name: here[name] for name in names}

    def _fresh(self, row: Row, side: str) -> Mapping[str, Any]:
        return {} if row.updated is not None and row.updated < self._since[side] else row.facts

    def _logged(self, positions: Positions, users: Positions, events: Sequence[EventRow]) -> EventLog:
        """A log of events, each with the number of its user."""
        known = np.where(positions < FIRST_VISITOR, positions, -1)
        items, times, weights, columns = self._taken_apart(events)
        codes = self.catalogue.parts.met(columns, len(events))
        attributes = LocalAttributes(self.catalogue.parts.attributes, known)
        places = self.items.positions(items)
        return ArrayLog(users, places, times, weights, len(self.items), codes, attributes)

    def _taken_apart(
        self, events: Sequence[EventRow]
    ) -> tuple[list[Any], Positions, Weights, dict[str, Any]]:
        """Items, times, weights and columns of events."""
        times, items, weights = ([event[place] for event in events] for place in range(3))
        columns = {name: [event.columns.get(name) for event in events] for name in self.event_schema.names}
        return items, np.array(times, np.int64), np.array(weights, np.float32), columns

    def _count(self, events: Sequence[EventRow]) -> None:
        """Count events for the items: who did it is the source's matter."""
        if events:
            self.catalogue.append_events([None] * len(events), *self._taken_apart(events))

    def _user_ids(self, positions: list[int]) -> list[Any]:
        known = self.catalogue.parts.user_ids([place for place in positions if place < FIRST_VISITOR])
        visitors = iter(self._visitors.ids([place for place in positions if place >= FIRST_VISITOR]))
        tables = iter(known)
        return [next(tables if place < FIRST_VISITOR else visitors) for place in positions]

    def _item_ids(self, positions: list[int]) -> list[Any]:
        return list(self.items.take(np.array(positions, dtype=np.int64)).tolist())
