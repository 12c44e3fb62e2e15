"""How often and how lately, as of each row's time."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl

from shortlist.data import Array, Entity, EventLog, Ragged, duration_us
from shortlist.errors import ArgumentError
from shortlist.features._key_table import KeyTable
from shortlist.features._source import Positions, Source
from shortlist.schema import Column, Domain, Schema, Tags

__all__ = ["AsOf"]

_DAY = 86400 * 10**6
_TAGS = {"user": Tags.USER, "item": Tags.ITEM, "pair": Tags.CROSS}
_EVER = -(2**62)


@dataclass(frozen=True)
class AsOf(Source):
    """Events of the row's user, item or pair of both strictly before the row's time.

    ``count`` is their number. ``days_since`` is the time from the last of them to the row,
    ``days_since_first`` that from the first, in days of 24 hours; null when there is none. An unknown user or
    item has no events.

    Attributes:
        of: whose events.
        stat: the number of events, or the days since the last or the first.
        window: how far to look back, such as "30d" (units s m h d w); None for ever.
        name: name of the new column; None for ``<of>_<stat>`` and the window.

    Raises:
        ArgumentError: an option has an unknown value.

    >>> AsOf("pair", "days_since").output, AsOf("item", window="30d").output
    ('pair_days_since', 'item_count_30d')
    """

    of: Entity = "user"
    stat: Literal["count", "days_since", "days_since_first"] = "count"
    window: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if self.of not in _TAGS:
            raise ArgumentError("AsOf.of", received=self.of, expected="'user', 'item' or 'pair'")
        if self.stat not in ("count", "days_since", "days_since_first"):
            raise ArgumentError(
                "AsOf.stat", received=self.stat, expected="'count', 'days_since' or 'days_since_first'"
            )
        _ = self._span

    @property
    def output(self) -> str:
        """Name of the column it makes."""
        window = "" if self.window is None else f"_{self.window}"
        return f"{self.of}_{self.stat}{window}" if self.name is None else self.name

    def column(self, schema: Schema) -> Column:
        """A continuous column about the user, the item, or both."""
        needed = {"user": ["user"], "item": ["item"], "pair": ["user", "item"]}[self.of]
        for entity in needed:
            schema.the(entity, Tags.ID)
        tags = frozenset({_TAGS[self.of], Tags.CONTINUOUS})
        return Column(self.output, "float64", tags, domain=Domain(self.output))

    def from_log(self, log: EventLog, users: Positions, items: Positions, times: Positions) -> Array | Ragged:
        """Float64 values, NaN for null."""
        since = np.full(len(times), _EVER) if self._span is None else times - self._span
        if self.stat == "count":
            return log.counts(self.of, users, items, since, times).astype(np.float64)
        ask = log.last if self.stat == "days_since" else log.first
        moment = ask(self.of, users, items, since, times)
        return np.where(moment == -1, np.nan, (times - moment) / _DAY)

    def series(self, values: Array | Ragged, items: KeyTable) -> pl.Series:  # noqa: ARG002
        """Float64 values, null for NaN."""
        assert not isinstance(values, Ragged)
        return pl.Series(self.output, values).fill_nan(None)

    @cached_property
    def _span(self) -> int | None:
        return None if self.window is None else duration_us(self.window, where="AsOf.window")
