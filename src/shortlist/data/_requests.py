"""What is asked: a batch of requests for recommendations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data._ragged import Array, Ragged
from shortlist.errors import ArgumentError

__all__ = ["Requests"]


@dataclass(frozen=True, slots=True)
class Requests:
    """A batch of Q requests. Unknown users, None for a user, and Q = 0 are ordinary.

    Attributes:
        users: Q raw user ids; None is an anonymous visitor.
        k: items wanted for each.
        times: int64 [Q], microseconds since 1970 UTC at which each is asked; None means the state's present.
        context: name -> Q raw values known only with the request.
        recent: raw item ids each visitor just saw, oldest first, newer than the store's; None for none.
        exclude: raw item ids not to be shown; None for none.
        ids: Q request ids, for logs and per-request randomness.

    >>> len(Requests(["u1", None], k=5))
    2
    """

    users: Sequence[Any]
    k: int = 10
    times: npt.NDArray[np.int64] | None = None
    context: Mapping[str, Sequence[Any] | Array] = field(default_factory=dict)
    recent: Ragged | None = None
    exclude: Ragged | None = None
    ids: Sequence[str] = ()

    def __post_init__(self) -> None:
        if isinstance(self.users, str | bytes):
            raise ArgumentError(
                "users", received=self.users, expected="a list of user ids", remedy=f"pass [{self.users!r}]"
            )
        if isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1:
            raise ArgumentError("k", received=self.k, expected="an integer >= 1", remedy="ask for k=10")
        parts = {"times": self.times, "recent": self.recent, "exclude": self.exclude, **self.context}
        for name, part in parts.items():
            if part is not None and len(part) != len(self.users):
                raise ArgumentError(
                    name,
                    received=f"{len(part)} rows for {len(self.users)} users",
                    expected="one row for each user",
                )

    def __len__(self) -> int:
        return len(self.users)

    def one(self, row: int) -> "Requests":
        """The batch that holds only one of the requests."""
        return self.rows(np.array([row]))

    def rows(self, rows: npt.NDArray[np.int64]) -> "Requests":
        """The batch that holds some of the requests, by place."""
        chosen = rows.tolist()
        return Requests(
            [self.users[row] for row in chosen],
            self.k,
            None if self.times is None else self.times[rows],
            {name: [values[row] for row in chosen] for name, values in self.context.items()},
            None if self.recent is None else self.recent.take(rows),
            None if self.exclude is None else self.exclude.take(rows),
            [self.ids[row] for row in chosen] if len(self.ids) else (),
        )
