"""The suite of every store: inside the process, over a plain source, and in a real Redis."""

from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from shortlist.data import Store
from shortlist.store import (
    EmbeddedStore,
    EventRow,
    Found,
    RedisOptions,
    RemoteStore,
    Row,
    fill_redis,
    redis_store,
)
from shortlist.testing._redis import RedisServer
from shortlist.testing._stores import ITEM_COLUMNS, STORE_CHECKS, USER_COLUMNS, StoreKind, Tables

checks = pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)


@checks
def test_embedded(check, tmp_path: Path) -> None:
    folder, live = tmp_path / "store", tmp_path / "live"

    def build(tables: Tables) -> EmbeddedStore:
        tables.embedded().save(folder)
        return EmbeddedStore.open(folder, live)

    def again(store: EmbeddedStore) -> EmbeddedStore:
        store.close()
        return EmbeddedStore.open(folder, live)

    check(StoreKind(build, again, lambda _: 0, keeps=("events", "items", "users")))


class PlainSource:
    """A source in dicts, shared by the stores that are given it."""

    keeps_events = True
    user_columns = frozenset(USER_COLUMNS)
    item_columns = frozenset(ITEM_COLUMNS)

    def __init__(self, tables: EmbeddedStore) -> None:
        log, ids = tables.parts.events(), tables.users.values.tolist()
        self.trips, self.failures, self.works = 0, Counter(), True
        self.users = {row[0]: Row(row[1], row[2]) for row in tables.parts.table("users").plain(0, len(ids))}
        self.items = {
            row[0]: Row(row[1], row[2]) for row in tables.parts.table("items").plain(0, len(tables.items))
        }
        self.log: list[tuple[str, EventRow]] = []
        for place in range(len(log)):
            columns = {
                name: tables.event_values(name, log.columns[name][[place]]).tolist()[0]
                for name in log.columns
            }
            item, user = tables.items.values[log.items[place]].item(), ids[log.users[place]]
            self.log.append((user, EventRow(int(log.times[place]), item, 1.0, columns)))
        self.new: list[EventRow] = []

    def read(self, users: list, items: list) -> Found | None:
        self.trips += 1
        if not self.works:
            self.failures["broken"] += 1
            return None
        return Found(
            [self._user(str(each)) for each in users], [self.items.get(each, Row()) for each in items]
        )

    def _user(self, user: str) -> Row:
        events = sorted((row for own, row in self.log if own == user), key=lambda row: row.time)
        known = self.users.get(user, Row())
        return Row(known.facts, known.updated, events)

    def append(self, events: list[EventRow]) -> None:
        self.log += [(str(event.user), event) for event in events]
        self.new += events

    def arrived(self) -> list[EventRow]:
        return []

    def forget(self, user: str) -> int:
        before = len(self.log)
        self.log = [(own, row) for own, row in self.log if own != user]
        self.users.pop(user, None)
        return before - len(self.log)

    def close(self) -> None:
        pass


class Later(PlainSource):
    """What another process would find: a source that has all of another one, and its new events to come."""

    def __init__(self, other: PlainSource) -> None:
        self.__dict__ |= other.__dict__

    def arrived(self) -> list[EventRow]:
        found, self.new = self.new, []
        return found


@checks
def test_over_a_plain_source(check) -> None:
    built = {}

    def build(tables: Tables) -> RemoteStore:
        embedded = tables.embedded()
        built["tables"] = tables
        return RemoteStore(embedded, PlainSource(embedded))

    def again(store: RemoteStore) -> RemoteStore:
        return RemoteStore(built["tables"].embedded(), Later(store.source))

    check(StoreKind(build, again, lambda store: store.source.trips))


_NAMES = count()


@pytest.mark.services
@checks
def test_redis(check, server: RedisServer) -> None:
    options = RedisOptions(namespace=f"suite-{next(_NAMES)}", items=True, timeout_ms=5000)
    held = {}

    def build(tables: Tables) -> Store:
        held["tables"] = tables
        fill_redis(server.url, tables.embedded(), options=options)
        return redis_store(server.url, tables.embedded(), options=options)

    def again(_: Store) -> Store:
        server.stop(kill=True)
        server.start()
        return redis_store(server.url, held["tables"].embedded(), options=options)

    check(StoreKind(build, again, lambda store: store.source.trips))
