"""What the parts expect of one another. For type checking: nothing needs to inherit from these."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from shortlist.data._array_log import ArrayLog
from shortlist.data._batch import Batch
from shortlist.data._candidates import Candidates
from shortlist.data._entities import Of
from shortlist.data._keys import Keys
from shortlist.data._ragged import Array, Ragged
from shortlist.data._requests import Requests
from shortlist.schema import Column, Schema

__all__ = ["Encoder", "EventLog", "Flow", "Index", "Ranker", "Recommender", "Store"]

Vectors = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int64]


class Encoder(Protocol):
    """Two towers: arrays in, vectors out; B = 0 and lists of any length work."""

    @property
    def dim(self) -> int:
        """Width D of the vectors."""

    def encode_query(self, batch: Batch) -> Any:
        """Float32 [B, D]."""

    def encode_item(self, batch: Batch) -> Any:
        """Float32 [B, D]."""


class Ranker(Protocol):
    """A model of the chance that a candidate is taken."""

    def score(self, batch: Batch) -> Vectors:
        """Float32 [N]: probability for each candidate of a ranking batch."""


class Index(Protocol):
    """Vectors of items, searched by inner product."""

    @property
    def keys(self) -> Keys:
        """Raw item ids, in the order of the rows."""

    @property
    def dim(self) -> int:
        """Width D of the vectors."""

    def search(
        self, queries: Vectors, k: int, *, allowed: npt.NDArray[np.bool_] | None = None
    ) -> tuple[Positions, Vectors]:
        """Rows int64 [Q, k] and scores float32 [Q, k], best first; -1 and -inf where fewer."""

    def vectors(self, rows: Positions) -> Vectors:
        """Float32 [N, D]: the vectors of rows; zeros for -1."""


class Flow(Protocol):
    """A fitted workflow on the request path."""

    @property
    def input_schema(self) -> Schema:
        """The raw columns it reads."""

    @property
    def schema(self) -> Schema:
        """The columns it gives."""

    def transform_batch(self, batch: Batch) -> Batch:
        """Raw columns to encoded ones."""


class EventLog(Protocol):
    """Events by time: what histories and as-of features are read from.

    Users and items are positions in the store's tables, -1 for unknown. Times are microseconds since 1970.
    "Before" is strict: an event at the very time asked for is not seen. Events have columns of their own:
    floats with NaN for null, or integers with `NULL`, which for text are codes of the store.

    An entity is "user", "item", "pair" (of both), the name of a column, or several of these at once;
    ``columns`` holds the values of those that are columns. Questions that do not name users do not read
    ``users``, and likewise with ``items``. Where many are asked about at one time, ``since`` and ``before``
    may be [1].
    """

    def history(
        self, users: Positions, before: Positions, limit: int, names: tuple[str, ...] = ()
    ) -> tuple[Ragged, ...]:
        """The last ``limit`` items of each user before a time, oldest first, their times, further columns.

        Positive events only.
        """

    def recent(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        before: Positions,
        limit: int,
        *,
        names: tuple[str, ...],
        columns: Mapping[str, Positions] = ...,
    ) -> tuple[Ragged, ...]:
        """Columns of the last ``limit`` events, positive or not, of each before a time, oldest first."""

    def counts(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Mapping[str, Positions] = ...,
    ) -> Positions:
        """How many positive events each entity had in [since, before)."""

    def first(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Mapping[str, Positions] = ...,
    ) -> Positions:
        """Time of the first positive event of each entity in [since, before), -1 for none."""

    def last(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Mapping[str, Positions] = ...,
    ) -> Positions:
        """Time of the last positive event of each entity in [since, before), -1 for none."""

    def totals(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        name: str,
        columns: Mapping[str, Positions] = ...,
    ) -> tuple[Positions, npt.NDArray[np.float64]]:
        """How many numbers the events of each entity in [since, before) have in a column, and their sum.

        Events that are not positive count too; nulls, NaN and infinite numbers do not.
        """

    def popularity(self, since: int, before: int) -> npt.NDArray[np.float64]:
        """Weighted number of positive events of every item in [since, before)."""


class Store(EventLog, Protocol):
    """User, item and event tables behind one door."""

    @property
    def items(self) -> Keys:
        """The catalogue: raw item ids in order of their positions."""

    @property
    def users(self) -> Keys:
        """The known users."""

    @property
    def listed(self) -> npt.NDArray[np.bool_]:
        """Bool [items]: whether an item may be shown, or is only known from events."""

    @property
    def item_schema(self) -> Schema:
        """Columns of the item table."""

    @property
    def user_schema(self) -> Schema:
        """Columns of the user table."""

    @property
    def until(self) -> int:
        """One microsecond after the newest event: the present of a frozen state."""

    def reading(self, now: int) -> "Store":
        """The store as one batch of requests sees it whose present is ``now``.

        What has outlived its time to live is not there, and of a store elsewhere each user is read once.
        """

    def user_positions(self, ids: Any) -> Positions:
        """Positions of raw user ids, users met since the store was built included; -1 for unknown."""

    def item_columns(self, items: Positions, names: tuple[str, ...]) -> Mapping[str, Array | Ragged]:
        """Raw values of item columns; null (None or NaN) where the position is -1."""

    def user_columns(self, users: Positions, names: tuple[str, ...]) -> Mapping[str, Array | Ragged]:
        """Raw values of user columns; null (None or NaN) where the position is -1."""

    @property
    def event_schema(self) -> Schema:
        """Columns of their own that events have beside user, item, time and weight."""

    def event_column(self, name: str) -> Column:
        """A column that questions about events may name: one of theirs, or of the item or the user table."""

    def event_codes(self, name: str, values: Any) -> Array:
        """Raw values of such a column as the log has them; what it never met is NULL."""

    def event_values(self, name: str, codes: Array) -> Array:
        """What the log has in such a column as raw values, None or NaN for null."""

    def events(self) -> ArrayLog:
        """All positive events, in the order they came."""

    def append_events(
        self,
        users: Any,
        items: Any,
        times: Positions,
        weights: Vectors | None = None,
        columns: Mapping[str, Any] = ...,
    ) -> int:
        """Add events by raw ids; durable when it returns. Gives how many were kept."""


class Recommender(Protocol):
    """Whatever answers requests: what evaluation reads."""

    def run(self, requests: Requests) -> Candidates:
        """At most ``k`` candidates for each request."""
