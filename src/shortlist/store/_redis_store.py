"""A store in Redis: opened over a bundle's tables, filled with what they hold."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from shortlist.data import Array, ArrayLog
from shortlist.errors import DataError
from shortlist.store._embedded import EmbeddedStore
from shortlist.store._redis_link import RedisLink
from shortlist.store._redis_options import RedisOptions, parted
from shortlist.store._redis_records import member, place_of
from shortlist.store._redis_source import RedisSource
from shortlist.store._remote import RemoteStore
from shortlist.store._source import EventRow
from shortlist.store._time_to_live import TimeToLive

__all__ = ["Filled", "fill_redis", "redis_store"]

_LOG = logging.getLogger("shortlist.store")
_FORMAT = 1
_USERS_AT_ONCE = 500
_PATIENT_MS = 10_000


@dataclass(frozen=True, slots=True)
class Filled:
    """What was written.

    Attributes:
        users: users with facts.
        items: items with facts.
        events: events of users.
    """

    users: int
    items: int
    events: int


def redis_store(
    url: str,
    tables: EmbeddedStore,
    *,
    options: RedisOptions | None = None,
    defaults: Mapping[str, Any] | None = None,
    ttl: TimeToLive | None = None,
) -> RemoteStore:
    """The users and events that a Redis server keeps, over the tables of a bundle.

    Users' columns, their newest events and, if asked for, columns of items are read from Redis; several
    processes share them, and events that one appends are seen by the next request to any. As durable as the
    server: with ``appendonly yes`` and ``appendfsync always`` what was acknowledged survives a kill. A server
    that does not answer is waited for as long as the options say; then the bundle's own tables answer.

    Args:
        url: such as ``redis://127.0.0.1:6379/0``; `RedisOptions` may stand in its query, ``?namespace=shop``.
        tables: the bundle's store.
        options: names and limits; None takes those of the query.
        defaults: column -> value where a user or an item has none; null by default.
        ttl: how long facts and events hold; None is that of the tables.

    Raises:
        MissingExtraError: the package is not installed (``pip install 'shortlist[redis]'``).
        DataError: nothing is kept there under that name, or by a newer version.
        ArgumentError: the query names an option with a wrong value.
    """
    source = _source(url, tables, options, ttl)
    about = source.link.ask(lambda client: client.hgetall(source.name("about")))
    if about is None:
        _LOG.warning("Redis at %s does not answer; the tables of the bundle do", source.link.address)
    else:
        _check(about, source)
    store = RemoteStore(
        tables, source, defaults=defaults, ttl=ttl, refresh_s=source.options.refresh_ms / 1000
    )
    store.refresh(now=True)
    return store


def fill_redis(
    url: str,
    tables: EmbeddedStore,
    *,
    options: RedisOptions | None = None,
    ttl: TimeToLive | None = None,
) -> Filled:
    """Write what a bundle's store holds to Redis, beside servers that read and append there.

    Users and items get the columns of their tables. Each user's events become those of the tables and those
    that came later than the tables reach; doing it again changes nothing. Users that the tables do not know
    keep what they have.

    Raises:
        DataError: the server did not take it; do it again.
    """
    chosen = _options(url, options)[1]
    source = _source(url, tables, chosen, ttl, patient=True)
    known = source.link.must(lambda client: client.hgetall(source.name("about")), "a server")
    sides: tuple[Literal["users", "items"], ...] = ("users", "items") if chosen.items else ("users",)
    rows = {side: _facts(source, tables, side) for side in sides}
    renewed = known.get(b"version", b"").decode() != source.version
    written = sum(_events(source, tables, renewed))
    about = {"format": _FORMAT, "version": source.version, "items": int(chosen.items)}
    source.link.must(lambda client: client.hset(source.name("about"), mapping=about), "a server")
    source.close()
    return Filled(rows["users"], rows.get("items", 0), written)


def _options(url: str, options: RedisOptions | None) -> tuple[str, RedisOptions]:
    address, own = parted(url)
    return address, own if options is None else options


def _source(
    url: str,
    tables: EmbeddedStore,
    options: RedisOptions | None,
    ttl: TimeToLive | None,
    *,
    patient: bool = False,
) -> RedisSource:
    address, chosen = _options(url, options)
    link = RedisLink(
        address, max(_PATIENT_MS, chosen.timeout_ms) if patient else chosen.timeout_ms, chosen.retry_ms
    )
    columns = {
        "users": set(tables.user_schema.names) - {tables.user_schema.user.name},
        "items": set(tables.item_schema.names) - {tables.item_schema.item.name},
    }
    version = f"{tables.until}-{len(tables.parts.events())}-{len(tables.items)}-{len(tables.users)}"
    lasting = tables.ttl if ttl is None else ttl
    return RedisSource(link, chosen, columns, ttl=lasting, since=tables.until, version=version)


def _check(about: Mapping[bytes, bytes], source: RedisSource) -> None:
    where = f"Redis at {source.link.address}, namespace {source.options.namespace!r}"
    if not about:
        raise DataError(
            where,
            received="nothing",
            expected="users and events",
            remedy="write them with shortlist load-store BUNDLE URL, or fill_redis",
        )
    if int(about[b"format"]) > _FORMAT:
        raise DataError(
            where,
            received=f"format {int(about[b'format'])}",
            expected=f"format {_FORMAT} or older",
            remedy="install a newer shortlist",
        )
    if source.options.items and about.get(b"items") != b"1":
        raise DataError(
            where,
            received="no items",
            expected="columns of items, as items=true asks for",
            remedy="write them with shortlist load-store and items=true",
        )


def _facts(source: RedisSource, tables: EmbeddedStore, side: Literal["users", "items"]) -> int:
    table = tables.parts.table(side)
    for start in range(0, len(table), _USERS_AT_ONCE):
        source.put(side, table.plain(start, start + _USERS_AT_ONCE))
    return len(table)


def _events(source: RedisSource, tables: EmbeddedStore, renewed: bool) -> Iterator[int]:
    """Write the events of all users, and give how many there were of each."""
    log = tables.parts.events()
    order = np.lexsort((log.times, log.users))  # stable: among equal times, the order they came in
    first = np.searchsorted(log.users[order], np.arange(len(tables.users) + 1))
    ids, items = tables.users.values.tolist(), tables.items.values.tolist()
    for start in range(0, len(ids), _USERS_AT_ONCE):
        users = range(start, min(start + _USERS_AT_ONCE, len(ids)))
        rows = [_rows(log, tables, order[first[user] : first[user + 1]], items, source) for user in users]

        def question(client: Any, users: range = users, rows: list[dict[bytes, int]] = rows) -> None:
            with client.pipeline(transaction=True) as pipe:
                for user, members in zip(users, rows, strict=True):
                    key = source.key("events", ids[user])
                    if renewed:
                        pipe.zremrangebyscore(key, "-inf", f"({tables.until}")
                    if members:
                        pipe.zadd(key, members)
                        source.trim(pipe, key)
                pipe.execute()

        source.link.must(question, "a server that keeps the events", "do it again")
        yield from map(len, rows)


def _rows(
    log: ArrayLog, tables: EmbeddedStore, events: Array, items: list[Any], source: RedisSource
) -> dict[bytes, int]:
    """The newest events of a user, each with its place, by time."""
    newest = events[log.items[events] >= 0][-source.options.history :]
    columns = {
        name: tables.event_values(name, log.columns[name][newest]).tolist()
        for name in tables.event_schema.names
    }
    weights = log.weights[newest].tolist() if len(log.weights) else [1.0] * len(newest)
    rows = {}
    for row, event in enumerate(newest.tolist()):
        own = {name: None if values[row] != values[row] else values[row] for name, values in columns.items()}
        found = EventRow(int(log.times[event]), items[log.items[event]], weights[row], own)
        rows[member(found, place_of(event))] = found.time
    return rows
