"""Which of several bundles answers whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import accumulate

from shortlist.errors import ArgumentError

__all__ = ["Traffic"]

_SPACE = 2**64


@dataclass(frozen=True, slots=True)
class Traffic:
    """Shares of the users for several bundles.

    A user keeps a bundle: it follows from a hash of the raw id and the salt alone, on every replica and after
    every restart. Anonymous visitors are dealt out by request id.

    Attributes:
        shares: name of a bundle -> its share of the users, in any unit; 0 answers only those who name it.
        shadows: bundles that are asked the same beside the one that answers; their answers are compared and
            logged, never shown.
        salt: another text deals the users out anew.

    Raises:
        ArgumentError: there is no share above 0, or one is below 0.

    >>> split = Traffic({"old": 90, "new": 10})
    >>> [split.bundle_of(user, "") for user in ("ann", "bob", "cid")]
    ['old', 'old', 'old']
    """

    shares: Mapping[str, float]
    shadows: tuple[str, ...] = ()
    salt: str = ""
    _ends: tuple[tuple[float, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        total = sum(self.shares.values())
        if not self.shares or min(self.shares.values()) < 0 or not 0 < total < float("inf"):
            raise ArgumentError(
                "Traffic.shares", received=dict(self.shares), expected="shares >= 0, at least one above 0"
            )
        ends = accumulate(share / total for share in self.shares.values())
        named = tuple(
            (end, name) for end, name in zip(ends, self.shares, strict=True) if self.shares[name] > 0
        )
        object.__setattr__(self, "_ends", named)

    def bundle_of(self, user: str | int | None, request_id: str) -> str:
        """The bundle that answers a user, or, for None, a request."""
        key = f"{self.salt}\0{request_id if user is None else user}\0{user is None}"
        place = int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) / _SPACE
        return next((name for end, name in self._ends if place < end), self._ends[-1][1])
