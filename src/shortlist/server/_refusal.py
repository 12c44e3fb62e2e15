"""Requests that are not answered, and why."""

import re
from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from shortlist.errors import ShortlistError, near
from shortlist.server._messages import (
    Event,
    Events,
    Fault,
    Filter,
    Item,
    ItemIds,
    Items,
    Op,
    Recommend,
    Similar,
)

__all__ = ["Refusal", "fault_of", "malformed"]

_PLACE = re.compile(r"\.(\w+)|\[(\d+)\]")
_FIELDS: Mapping[type, tuple[type, ...]] = {
    Recommend: (Recommend, Filter),
    Events: (Events, Event),
    Items: (Items, Item),
    ItemIds: (ItemIds, ItemIds),
    Similar: (Similar, Filter),
}


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a failure of the server
    """An answer other than success.

    Args:
        status: of HTTP.
        fault: what to tell the client.
        retry_after_s: seconds after which to try again.
    """

    def __init__(self, status: int, fault: Fault, retry_after_s: int | None = None) -> None:
        super().__init__(fault.message)
        self.status = status
        self.fault = fault
        self.headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}


def fault_of(error: ShortlistError) -> Fault:
    """An error of the library as a fault."""
    received = None if error.received is None else str(error.received)
    return Fault(error.where, str(error), received, error.expected, error.remedy)


def malformed(error: msgspec.DecodeError, body: bytes, kind: type) -> Refusal:
    """What is wrong with a body that cannot be read as a message.

    >>> error = msgspec.ValidationError("Expected `int` <= 1000 - at `$.k`")
    >>> malformed(error, b'{"k": 5000}', Recommend).fault.message
    'k: expected int <= 1000; received 5000.'
    """
    if not isinstance(error, msgspec.ValidationError):
        return _refused("body", str(error), "a JSON object")
    text, _, place = str(error).partition(" - at ")
    path = place.strip("`").removeprefix("$")
    where = path.removeprefix(".") or "body"
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", text)
    if unknown is not None:
        known = _names(_FIELDS[kind][1 if path else 0])
        return _refused(where, unknown[1], "known keys", near(unknown[1], known))
    return _refused(where, _shown(body, path), _expected(text))


def _refused(where: str, received: object, expected: str, remedy: str | None = None) -> Refusal:
    error = ShortlistError(where, received=received, expected=expected, remedy=remedy)
    return Refusal(400, fault_of(error))


def _expected(text: str) -> str:
    """What a message of the JSON reader asks for."""
    if text.startswith("Invalid enum value"):
        return f"one of {', '.join(get_args(Op))}"
    if text.endswith("out of range"):
        return "a smaller number"
    wanted = text.partition(", got ")[0].replace("`", "").removeprefix("Expected ")
    return wanted.replace("Object missing required field", "the key")


def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in msgspec.structs.fields(kind))


def _shown(body: bytes, path: str) -> object:
    """The value at a path such as ``.filters[0].op``; long ones as JSON cut to 80 characters."""
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return "a value that cannot be read"
    for name, place in _PLACE.findall(path.partition("[...]")[0]):
        found = found[name] if name else found[int(place)]
    text = msgspec.json.encode(found).decode()
    return found if len(text) <= 80 else f"{text[:77]} ..."
