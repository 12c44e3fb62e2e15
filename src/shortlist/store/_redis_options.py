"""How a Redis server is used as a store."""

from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from shortlist.errors import ArgumentError

__all__ = ["RedisOptions", "parted"]

_AT_LEAST = {"history": 1, "log": 1, "timeout_ms": 1, "retry_ms": 0, "refresh_ms": 0}


@dataclass(frozen=True, slots=True)
class RedisOptions:
    """Names and limits.

    Attributes:
        namespace: first part of every key, so that several catalogues can share a server.
        items: whether columns of the item table are read from Redis too, in one more trip a request: for
            what changes while serving, such as prices and stock.
        history: newest events kept of each user; questions about users see no others.
        log: newest events of all kept for the statistics of items; a process that starts later counts these.
        timeout_ms: most time that a trip may take before the bundle's own tables answer.
        retry_ms: time after a failure in which Redis is not asked again.
        refresh_ms: time between looks for the events of other processes, for the statistics of items.

    Raises:
        ArgumentError: a number is too small, or the namespace is empty.
    """

    namespace: str = "shortlist"
    items: bool = False
    history: int = 1000
    log: int = 1_000_000
    timeout_ms: int = 50
    retry_ms: int = 1000
    refresh_ms: int = 1000

    def __post_init__(self) -> None:
        for name, least in _AT_LEAST.items():
            if getattr(self, name) < least:
                raise ArgumentError(
                    f"RedisOptions.{name}", received=getattr(self, name), expected=f"{least} or more"
                )
        if not self.namespace:
            raise ArgumentError("RedisOptions.namespace", received="nothing", expected="a name")


def parted(url: str) -> tuple[str, RedisOptions]:
    """The address of a server, and the options that its query names.

    Raises:
        ArgumentError: an option has a value of another type.

    >>> address, options = parted("redis://127.0.0.1:6379/0?namespace=shop&items=true&protocol=3")
    >>> address, options.namespace, options.items
    ('redis://127.0.0.1:6379/0?protocol=3', 'shop', True)
    """
    parts = urlsplit(url)
    known = {field.name: field for field in fields(RedisOptions)}
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    own = {name: _value(name, given.pop(name)) for name in list(given) if name in known}
    return urlunsplit(parts._replace(query=urlencode(given))), RedisOptions(**own)


def _value(name: str, text: str) -> Any:
    if name == "namespace":
        return text
    if name == "items" and text.lower() in ("true", "false", "1", "0"):
        return text.lower() in ("true", "1")
    if name != "items" and text.lstrip("-").isdigit():
        return int(text)
    expected = "true or false" if name == "items" else "an integer"
    raise ArgumentError(f"{name} in the address of Redis", received=text, expected=expected)
