"""Users, items and events in Redis."""

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final

from shortlist.data import duration_us
from shortlist.store._redis_link import RedisLink
from shortlist.store._redis_options import RedisOptions
from shortlist.store._redis_records import (
    DAMAGED,
    member,
    pack_event,
    pack_facts,
    read_event,
    read_events,
    read_facts,
)
from shortlist.store._source import EventRow, Found, Row
from shortlist.store._time_to_live import TimeToLive

__all__ = ["RedisSource"]

_HOUR_MS = 3_600_000
_PAGE = 10_000


@final
class RedisSource:
    """A `Source` in a Redis server.

    ``NS:user:ID`` and ``NS:item:ID`` are MessagePack of ``[updated, {column: value}]``. ``NS:events:ID`` is a
    sorted set, scored by time, of a user's newest events. ``NS:log`` is a stream of the newest events of all.

    Args:
        link: the server.
        options: names and limits.
        columns: columns of "users" and "items" that may be kept there.
        ttl: keys are given so long from when they were written last.
        since: time of the first event that the tables may not have, microseconds since 1970.
        version: what tells the tables from others; events written with the same ones are read again.
    """

    keeps_events = True

    def __init__(
        self,
        link: RedisLink,
        options: RedisOptions,
        columns: Mapping[str, Iterable[str]],
        *,
        ttl: TimeToLive,
        since: int,
        version: str,
    ) -> None:
        self.user_columns = frozenset(columns["users"])
        self.item_columns = frozenset(columns["items"] if options.items else ())
        self.link, self.options, self.version = link, options, version
        self._since, self._writer = since, secrets.token_hex(6)
        self._seconds = {name: _seconds(getattr(ttl, name)) for name in ("users", "items", "events")}
        # Events come no more than an hour before their time.
        self._last = f"{max(0, since // 1000 - _HOUR_MS)}-0"
        self._replaying = True

    @property
    def trips(self) -> int:
        """How often the server was asked."""
        return self.link.trips

    @property
    def failures(self) -> Counter[str]:
        """How often it did not answer, or a record was damaged ("damaged"), by reason."""
        return self.link.failures

    def read(self, users: Sequence[Any], items: Sequence[Any]) -> Found | None:
        """One pipeline: a command for the facts of all, and one for the events of each user."""

        def question(client: Any) -> list[Any]:
            with client.pipeline(transaction=False) as pipe:
                if users:
                    pipe.mget([self.key("user", each) for each in users])
                for each in users:
                    pipe.zrange(self.key("events", each), -self.options.history, -1)
                if items:
                    pipe.mget([self.key("item", each) for each in items])
                return list(pipe.execute())

        answers = self.link.ask(question, wait=False)
        if answers is None:
            return None
        facts = answers[0] if users else []
        events = answers[1 : 1 + len(users)] if users else []
        return Found(
            [self._row(fact, members) for fact, members in zip(facts, events, strict=True)],
            [self._row(fact, ()) for fact in answers[-1]] if items else [],
        )

    def append(self, events: Sequence[EventRow]) -> None:
        """One transaction for all of them."""
        keys = {event.user: self.key("events", event.user) for event in events if event.user is not None}
        members = [member(event) for event in events]
        packed = [pack_event(event, self._writer, self.version) for event in events]

        def question(client: Any) -> None:
            with client.pipeline(transaction=True) as pipe:
                for event, own, plain in zip(events, members, packed, strict=True):
                    if event.user is not None:
                        pipe.zadd(keys[event.user], {own: event.time})
                    pipe.xadd(self.name("log"), {"e": plain}, maxlen=self.options.log, approximate=True)
                for key in keys.values():
                    self.trim(pipe, key)
                pipe.execute()

        remedy = "the events were not kept and may be sent again"
        self.link.must(question, "a server that keeps the events", remedy)

    def arrived(self) -> list[EventRow]:
        """Events of others since the last call; at the first one, those that the tables lack."""
        found: list[EventRow] = []
        while True:
            page = self.link.ask(self._page, wait=False)
            if page is None:
                return found
            for place, fields in page:
                self._last = place
                self._take(fields, found)
            if len(page) < _PAGE:
                self._replaying = False
                return found

    def forget(self, user: Any) -> int:
        """Delete the keys of a user, and their events from the stream."""

        def question(client: Any) -> int:
            log, gone = self.name("log"), int(client.zcard(self.key("events", user)))
            client.unlink(self.key("user", user), self.key("events", user))
            first = "-"
            while page := client.xrange(log, first, "+", count=_PAGE):
                theirs = [place for place, fields in page if _user_of(fields) == str(user)]
                if theirs:
                    client.xdel(log, *theirs)
                first = b"(" + page[-1][0]
            return gone

        return self.link.must(question, "a server that deletes the user", "do it again")

    def put(self, side: str, rows: Sequence[tuple[Any, Mapping[str, Any], int | None]]) -> None:
        """Write the facts of "users" or "items": raw id, columns, from when on they are true.

        Raises:
            DataError: the server did not take them.
        """
        lasts = self._seconds[side]

        def question(client: Any) -> None:
            with client.pipeline(transaction=False) as pipe:
                for each, facts, updated in rows:
                    pipe.set(self.key(side.removesuffix("s"), each), pack_facts(facts, updated), ex=lasts)
                pipe.execute()

        self.link.must(question, "a server that keeps the facts", "do it again")

    def trim(self, pipe: Any, key: str) -> None:
        """Keep no more of a user's events than are asked for, and none for ever that has a time to live."""
        pipe.zremrangebyrank(key, 0, -self.options.history - 1)
        if self._seconds["events"] is not None:
            pipe.expire(key, self._seconds["events"])

    def name(self, what: str) -> str:
        """A key of the namespace."""
        return f"{self.options.namespace}:{what}"

    def key(self, what: str, each: Any) -> str:
        """The key of a user or an item."""
        return f"{self.options.namespace}:{what}:{each}"

    def close(self) -> None:
        """Let go of the connections."""
        self.link.close()

    def _page(self, client: Any) -> list[tuple[Any, Mapping[bytes, bytes]]]:
        return _entries(client.xread({self.name("log"): self._last}, count=_PAGE))

    def _row(self, facts: bytes | None, members: Sequence[bytes]) -> Row:
        try:
            known, updated = ({}, None) if facts is None else read_facts(facts)
            return Row(known, updated, read_events(members) if members else ())
        except DAMAGED:
            self.link.count("damaged")
            return Row()

    def _take(self, fields: Mapping[bytes, bytes], found: list[EventRow]) -> None:
        try:
            event, writer, version = read_event(fields[b"e"])
        except (*DAMAGED, KeyError):
            self.link.count("damaged")
            return
        known = self._replaying and event.time < self._since and version != self.version
        if writer != self._writer and not known:
            found.append(event)


def _entries(page: Any) -> list[tuple[Any, Mapping[bytes, bytes]]]:
    """The entries of one stream out of an answer, in either version of the protocol."""
    if not page:
        return []
    streams = page.values() if isinstance(page, dict) else [entries for _, entries in page]
    (entries,) = streams
    return list(entries[0] if entries and isinstance(entries[0], list) else entries)


def _user_of(fields: Mapping[bytes, bytes]) -> str | None:
    try:
        user = read_event(fields[b"e"])[0].user
    except (*DAMAGED, KeyError):
        return None
    return None if user is None else str(user)


def _seconds(text: str | None) -> int | None:
    return None if text is None else max(1, -(-duration_us(text, where="time to live") // 1_000_000))
