"""One request of a client in the terms of the pipeline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, final
from uuid import uuid4

import numpy as np

from shortlist.data import Ragged, Requests
from shortlist.errors import ArgumentError
from shortlist.pipeline import Rule
from shortlist.server._messages import Filter, Id, Recommend
from shortlist.server._moments import moment_of

__all__ = ["Ask", "condition", "together"]


@final
@dataclass(frozen=True, slots=True)
class Ask:
    """Users and what is asked for them; one row a user in ``context``, ``recent`` and ``exclude``.

    Attributes:
        users: U raw user ids, None for an anonymous visitor.
        k: items wanted for each.
        time: microseconds since 1970 UTC; None is the present.
        context: name -> U values.
        recent: U lists of raw item ids; None for none.
        exclude: U lists of raw item ids; None for none.
        conditions: on item columns, as a `Rule` reads them.
        columns: item columns to return.
        trace: whether to say what each stage did.
        request_id: the client's, or a fresh one.
    """

    users: list[Id | None]
    k: int
    time: int | None
    context: dict[str, list[Any]]
    recent: list[list[Id]] | None
    exclude: list[list[Id]] | None
    conditions: tuple[str, ...]
    columns: tuple[str, ...]
    trace: bool
    request_id: str

    @classmethod
    def of(cls, message: Recommend, max_users: int) -> Self:
        """Read a message.

        Raises:
            ArgumentError: it asks for too many users, or its parts do not fit together.
        """
        many = message.users is not None
        users = [message.user] if message.users is None else message.users
        if many and message.user is not None:
            raise ArgumentError("users", received="both user and users", expected="one of them")
        if len(users) > max_users:
            raise ArgumentError(
                "users",
                received=f"{len(users)} users",
                expected=f"at most {max_users}",
                remedy="ask in several requests",
            )
        return cls(
            users,
            message.k,
            None if message.time is None else moment_of(message.time, "time"),
            {
                name: _spread(value, len(users), name) if many else [value]
                for name, value in message.context.items()
            },
            _lists(message.recent, len(users), "recent"),
            _lists(message.exclude, len(users), "exclude"),
            tuple(condition(each, f"filters[{place}]") for place, each in enumerate(message.filters)),
            tuple(dict.fromkeys(message.columns)),
            message.trace,
            message.request_id or uuid4().hex,
        )

    def part(self, places: Sequence[int]) -> "Ask":
        """The same for some of the users, by place."""
        context = {name: [values[place] for place in places] for name, values in self.context.items()}
        recent = None if self.recent is None else [self.recent[place] for place in places]
        exclude = None if self.exclude is None else [self.exclude[place] for place in places]
        users = [self.users[place] for place in places]
        return replace(self, users=users, context=context, recent=recent, exclude=exclude)

    @property
    def kind(self) -> tuple[Any, ...]:
        """Asks of one kind can be run together; the trace of a request is its own."""
        return (
            self.k,
            self.time is None,
            frozenset(self.context),
            self.recent is None,
            self.exclude is None,
            self.conditions,
            self.request_id if self.trace else None,
        )


def together(asks: Sequence[Ask]) -> Requests:
    """The users of asks of one kind, one after the other."""
    first = asks[0]
    users = [user for ask in asks for user in ask.users]
    times = None
    if first.time is not None:
        times = np.repeat(np.array([ask.time for ask in asks], np.int64), [len(ask.users) for ask in asks])
    context = {name: [value for ask in asks for value in ask.context[name]] for name in first.context}
    ids = [ask.request_id for ask in asks for _ in ask.users]
    recent = None if first.recent is None else _ragged(asks, lambda ask: ask.recent)
    exclude = None if first.exclude is None else _ragged(asks, lambda ask: ask.exclude)
    return Requests(users, first.k, times, context, recent, exclude, ids)


def _ragged(asks: Sequence[Ask], part: Callable[[Ask], list[list[Id]] | None]) -> Ragged:
    rows = [row for ask in asks for row in part(ask) or ()]
    values = np.empty(sum(map(len, rows)), dtype=object)
    values[:] = [value for row in rows for value in row]
    return Ragged(values, np.cumsum([0, *map(len, rows)], dtype=np.int64))


def _spread(value: Any, users: int, name: str) -> list[Any]:
    if not isinstance(value, list):
        return [value] * users
    if len(value) != users:
        raise ArgumentError(
            f"context.{name}",
            received=f"{len(value)} values for {users} users",
            expected="one value for all, or one a user",
        )
    return value


def _lists(value: list[Id | list[Id]], users: int, where: str) -> list[list[Id]] | None:
    if not value:
        return None
    rows = [each for each in value if isinstance(each, list)]
    if not rows:
        return [[each for each in value if not isinstance(each, list)]] * users
    if len(rows) != len(value) or len(rows) != users:
        raise ArgumentError(
            where,
            received=f"{len(rows)} lists among {len(value)} values for {users} users",
            expected="a list of ids, or one list of ids a user",
        )
    return rows


def condition(each: Filter, where: str) -> str:
    """A filter as a `Rule` reads it.

    Raises:
        ArgumentError: it cannot be read.
    """
    several = isinstance(each.value, list)
    if (each.op in ("in", "not in")) != several:
        expected = "one value" if several else "a list of values"
        raise ArgumentError(
            f"{where}.value", received=repr(each.value), expected=f"{expected} for {each.op!r}"
        )
    rule = Rule(each.column, each.op, tuple(each.value) if isinstance(each.value, list) else each.value)
    if Rule.parse(str(rule)) != rule:
        raise ArgumentError(
            f"{where}.column", received=each.column, expected="a name without signs of comparison"
        )
    return str(rule)
