"""What each user took before."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from shortlist.data import Array, EventLog, Ragged
from shortlist.errors import SchemaError
from shortlist.features._source import NOTHING, Given, Needs, Positions, Source
from shortlist.features.ops._checks import column_type, positive
from shortlist.schema import Column, Domain, Schema, Shape, Tags

__all__ = ["History"]

_DAY = 86400 * 10**6


@dataclass(frozen=True)
class History(Source):
    """The last positive events of the row's user strictly before the row's time, oldest first, as lists.

    Of each event the list holds the raw item id, or a column of the event such as its category or the price
    paid (null where the event has none), or with ``"time"`` the days of 24 hours from the event to the row.
    Lists of one ``max_length`` are of the same events, element by element. An unknown user has empty lists.

    In serving, columns are those that the store keeps with each event (``columns`` of
    `shortlist.store.EmbeddedStore.build`), or else columns of the item table, as they are now. Items that a
    request says were just seen stand at the end: 0 days ago, event columns null.

    Attributes:
        of: name of the item id column, or "item"; a column of numbers, flags or text; or "time".
        max_length: most events kept; the newest stay.
        name: name of the new column; None for ``<of>_history``.

    Raises:
        ArgumentError: ``max_length`` is no positive integer.

    >>> import polars as pl
    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> events = Dataset.of(pl.DataFrame({
    ...     "user": ["ann", "ann", "ann"], "item": [1, 2, 1], "price": [5.0, None, 6.0],
    ...     "time": [0, 86_400, 172_800],
    ... })).tag("user", "user", "id").tag("item", "item", "id").tag("time", "time")
    >>> flow = Workflow([History("item"), History("price"), History("time")]).fit(events)
    >>> flow.transform(events).collect().select(pl.selectors.ends_with("history")).row(2)
    ([1, 2], [5.0, None], [2.0, 1.0])
    """

    of: str = "item_id"
    max_length: int = 50
    name: str | None = None

    def __post_init__(self) -> None:
        positive("History.max_length", self.max_length)

    @property
    def output(self) -> str:
        """Name of the column it makes."""
        return f"{self.of}_history" if self.name is None else self.name

    @property
    def needs(self) -> Needs:
        """The user, and a column of its events."""
        if self.of == "time":
            return Needs()
        return Needs(codes="item") if self.of == "item" else Needs(events=(self.of,), codes=self.of)

    def named(self, items: Collection[str]) -> "History":
        """The same op in the words of a log whose items are in columns of these names."""
        return replace(self, of="item", name=self.output) if self.of in items else self

    def column(self, schema: Schema) -> Column:
        """Lists that share the domain of the items, or of the column they are of."""
        schema.the(Tags.USER, Tags.ID)
        shape, tags = Shape("list", self.max_length), {Tags.USER, Tags.SEQUENCE}
        if self.of == "time":
            return Column(self.output, "float64", frozenset({*tags, Tags.CONTINUOUS}), shape)
        found = schema.item if self.of == "item" else schema[self.of]
        if found.has(Tags.TIME) or found.has(Tags.USER, Tags.ID) or found.shape.kind != "scalar":
            raise SchemaError(
                f"History of column {self.of!r}",
                received=f"a {found.shape.kind} tagged {sorted(found.tags)}",
                expected="the column of item ids, or one value an event",
                remedy=f"write History(of={'time' if found.has(Tags.TIME) else schema.item.name!r})",
            )
        if found.has(Tags.ITEM, Tags.ID):
            return Column(
                self.output, found.dtype, frozenset(tags), shape, found.domain or Domain(found.name)
            )
        column_type("History", found, "int", "uint", "float", "bool", "string", remedy="take another column")
        kind = found.tags & {Tags.CATEGORICAL, Tags.CONTINUOUS, Tags.TEXT}
        domain = None if found.has(Tags.CONTINUOUS) else found.domain or Domain(found.name)
        return Column(self.output, found.dtype, frozenset({*tags, *kind}), shape, domain)

    def from_log(
        self,
        log: EventLog,
        users: Positions,
        items: Positions,  # noqa: ARG002
        times: Positions,
        columns: Given = NOTHING,  # noqa: ARG002
    ) -> Array | Ragged:
        """Lists of item positions, of values of a column, or of days."""
        if self.of == "item":
            return log.history(users, times, self.max_length)[0]
        if self.of == "time":
            when = log.history(users, times, self.max_length)[1]
            asked = np.broadcast_to(times, len(users))
            return when.with_values((asked[when.row_of] - when.values) / _DAY)
        return log.history(users, times, self.max_length, (self.of,))[2]
