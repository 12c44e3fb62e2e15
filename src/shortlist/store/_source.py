"""What a store elsewhere must be able to do."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

__all__ = ["EventRow", "Found", "Row", "Source"]


class EventRow(NamedTuple):
    """An event as it is kept elsewhere.

    Attributes:
        time: microseconds since 1970.
        item: raw id.
        weight: how strong it is; 0 or less is not positive.
        columns: its own columns by name, plain values.
        user: raw id; None where it is known from the question, and for an anonymous visitor.
    """

    time: int
    item: Any
    weight: float = 1.0
    columns: Mapping[str, Any] = {}
    user: Any = None


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of a user or an item.

    Attributes:
        facts: columns by name, plain values; what is not there is null.
        updated: from when on they are true, microseconds since 1970; None for always.
        events: of a user, oldest first, as far as they are kept.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    updated: int | None = None
    events: Sequence[EventRow] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Rows in the order asked for; unknown ids have empty ones."""

    users: Sequence[Row]
    items: Sequence[Row]


class Source(Protocol):
    """Facts and events by raw id, read in few trips.

    Attributes:
        keeps_events: whether it keeps what users do; else the store's own tables do.
        user_columns: columns of the user table that it has.
        item_columns: columns of the item table that it has.
    """

    keeps_events: bool
    user_columns: frozenset[str]
    item_columns: frozenset[str]

    @property
    def trips(self) -> int:
        """How often it was asked, so far."""

    @property
    def failures(self) -> Counter[str]:
        """How often it did not answer, by reason."""

    def read(self, users: Sequence[Any], items: Sequence[Any]) -> Found | None:
        """One trip for all of them; None when it failed, which is counted with its reason."""

    def append(self, events: Sequence[EventRow]) -> None:
        """Keep events, all of them or none; as durable as the source when it returns.

        Raises:
            DataError: they could not be kept.
        """

    def arrived(self) -> Iterable[EventRow]:
        """Events that others kept since the last call; none when it failed, which is counted."""

    def forget(self, user: Any) -> int:
        """Delete a user's facts and events; gives how many events went.

        Raises:
            DataError: the source did not answer.
        """

    def close(self) -> None:
        """Let go of connections."""
