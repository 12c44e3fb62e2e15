"""How long what a store holds is true."""

from dataclasses import dataclass, fields

from shortlist.data import duration_us

__all__ = ["EVER", "TimeToLive"]

EVER = -(2**62)
"""A time before every other."""


@dataclass(frozen=True, slots=True)
class TimeToLive:
    """Lengths of time such as ``"30d"`` or ``"12h"``, None for ever; what is just so old still holds.

    Attributes:
        users: of a row of the user table, from the time in it on; then its columns are null.
        items: likewise of a row of the item table; the item itself stays.
        events: of an event; then no question sees it.

    Raises:
        ArgumentError: a text is no length of time.

    >>> TimeToLive(users="1d").since("users", 86_400_000_007), TimeToLive().since("events", 7) == EVER
    (7, True)
    """

    users: str | None = None
    items: str | None = None
    events: str | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            text = getattr(self, field.name)
            if text is not None:
                duration_us(text, where=f"TimeToLive.{field.name}")

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) is not None for field in fields(self))

    def since(self, what: str, now: int) -> int:
        """The time from which "users", "items" or "events" still hold at a moment."""
        text = getattr(self, what)
        return EVER if text is None else now - duration_us(text, where=what)
