"""What each user took before."""

from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from shortlist.data import Array, EventLog, Ragged
from shortlist.errors import SchemaError
from shortlist.features._key_table import KeyTable
from shortlist.features._source import Positions, Source
from shortlist.features.ops._checks import positive
from shortlist.schema import Column, Domain, Schema, Shape, Tags

__all__ = ["History"]


@dataclass(frozen=True)
class History(Source):
    """The last items of the row's user strictly before the row's time, oldest first, as lists of raw ids.

    Attributes:
        of: name of the item id column.
        max_length: most items kept; the newest stay.
        name: name of the new column; None for ``<of>_history``.

    Raises:
        ArgumentError: ``max_length`` is no positive integer.

    >>> History("item_id").output
    'item_id_history'
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

    def column(self, schema: Schema) -> Column:
        """Lists of item ids that share the items' domain."""
        item = schema[self.of]
        if not item.has(Tags.ITEM, Tags.ID):
            raise SchemaError(
                f"History of column {self.of!r}",
                received=f"tags {sorted(item.tags)}",
                expected="the column of item ids",
                remedy=f"write History(of={schema.item.name!r})",
            )
        domain = item.domain or Domain(item.name)
        tags = frozenset({Tags.USER, Tags.SEQUENCE})
        return Column(self.output, item.dtype, tags, Shape("list", self.max_length), domain)

    def from_log(self, log: EventLog, users: Positions, items: Positions, times: Positions) -> Array | Ragged:  # noqa: ARG002
        """Lists of item positions."""
        return log.history(users, times, self.max_length)[0]

    def series(self, values: Array | Ragged, items: KeyTable) -> pl.Series:
        """Lists of raw ids."""
        assert isinstance(values, Ragged)
        ids = items.frame[items.keys[0]].gather(values.values)
        return pl.Series(self.output, pa.LargeListArray.from_arrays(pa.array(values.offsets), ids.to_arrow()))
