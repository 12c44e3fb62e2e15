"""Facts and events as Redis keeps them."""

import os
import struct
import time
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import msgspec

from shortlist.store._source import EventRow

__all__ = [
    "DAMAGED",
    "member",
    "pack_event",
    "pack_facts",
    "place_of",
    "read_event",
    "read_events",
    "read_facts",
]

DAMAGED = (msgspec.MsgspecError, TypeError, ValueError, IndexError)
"""What reading a damaged record raises."""

_PLACE = struct.Struct(">QQ")  # sorts events of one time in the order they came
_WRITE = msgspec.msgpack.Encoder()
_READ = msgspec.msgpack.Decoder()
_NUMBERS = count()


def pack_facts(facts: Mapping[str, Any], updated: int | None) -> bytes:
    """Columns that are not null, and from when on they are true."""
    return _WRITE.encode([updated, {name: value for name, value in facts.items() if value is not None}])


def read_facts(data: bytes) -> tuple[dict[str, Any], int | None]:
    """What `pack_facts` packed."""
    updated, facts = _READ.decode(data)
    return dict(facts), updated


def place_of(number: int) -> bytes:
    """The place, among events of one time, of an event that a bundle brings: before all that came since."""
    return _PLACE.pack(0, number)


def member(event: EventRow, place: bytes | None = None) -> bytes:
    """An event among those of its user: one that comes now, or one that has a place."""
    first = _PLACE.pack(time.time_ns(), (os.getpid() & 0xFFFFFF) << 40 | next(_NUMBERS) & 0xFFFFFFFFFF)
    return (first if place is None else place) + _WRITE.encode(_plain(event))


def read_events(members: Sequence[bytes]) -> list[EventRow]:
    """Events of one user, in the order of the members."""
    rows = [_READ.decode(each[_PLACE.size :]) for each in members]
    return [EventRow(row[0], row[1], row[2], row[3] if len(row) > 3 else _NOTHING) for row in rows]


def pack_event(event: EventRow, writer: str, version: str) -> bytes:
    """An event among those of all users, who wrote it, and which tables the writer had."""
    return _WRITE.encode([event.user, writer, version, *_plain(event)])


def read_event(data: bytes) -> tuple[EventRow, str, str]:
    """What `pack_event` packed."""
    user, writer, version, moment, item, weight, *columns = _READ.decode(data)
    return EventRow(moment, item, weight, columns[0] if columns else _NOTHING, user), writer, version


def _plain(event: EventRow) -> list[Any]:
    columns = {name: value for name, value in event.columns.items() if value is not None}
    return [event.time, event.item, event.weight, *([columns] if columns else [])]


_NOTHING: Mapping[str, Any] = {}
