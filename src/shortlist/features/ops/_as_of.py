"""How often and how lately, as of each row's time."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from shortlist.data import Array, EventLog, Ragged
from shortlist.errors import ArgumentError
from shortlist.features._key_table import KeyTable
from shortlist.features._source import Positions, Source
from shortlist.schema import Column, Domain, Schema, Tags

__all__ = ["AsOf"]

_MICROSECONDS = {"s": 10**6, "m": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6, "w": 7 * 86400 * 10**6}
_ENTITY = {"user": Tags.USER, "item": Tags.ITEM, "pair": Tags.CROSS}
_EVER = -(2**62)


@dataclass(frozen=True)
class AsOf(Source):
    """Events of the row's user, item or pair of both strictly before the row's time.

    ``count`` is their number. ``days_since`` is the time from the last of them to the row, in days of 24
    hours; null when there is none. An unknown user or item has no events.

    Attributes:
        of: whose events.
        stat: the number of events, or the days since the last.
        window: how far to look back, such as "30d" (units s m h d w); None for ever.
        name: name of the new column; None for ``<of>_<stat>`` and the window.

    Raises:
        ArgumentError: an option has an unknown value.

    >>> AsOf("pair", "days_since").output, AsOf("item", window="30d").output
    ('pair_days_since', 'item_count_30d')
    """

    of: Literal["user", "item", "pair"] = "user"
    stat: Literal["count", "days_since"] = "count"
    window: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if self.of not in _ENTITY:
            raise ArgumentError("AsOf.of", received=self.of, expected="'user', 'item' or 'pair'")
        if self.stat not in ("count", "days_since"):
            raise ArgumentError("AsOf.stat", received=self.stat, expected="'count' or 'days_since'")
        if self.window is not None and not self._span() > 0:
            raise ArgumentError(
                "AsOf.window",
                received=self.window,
                expected="a number and a unit of s, m, h, d or w",
                remedy='write window="30d"',
            )

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
        tags = frozenset({_ENTITY[self.of], Tags.CONTINUOUS})
        return Column(self.output, "float64", tags, domain=Domain(self.output))

    def from_log(self, log: EventLog, users: Positions, items: Positions, times: Positions) -> Array | Ragged:
        """Float64 values, NaN for null."""
        since = np.full(len(times), _EVER) if self.window is None else times - self._span()
        if self.stat == "count":
            return self._count(log, users, items, (since, times)).astype(np.float64)
        newest = self._last(log, users, items, times)
        seen = (newest != -1) & (newest >= since)
        return np.where(seen, (times - newest) / _MICROSECONDS["d"], np.nan)

    def series(self, values: Array | Ragged, items: KeyTable) -> pl.Series:  # noqa: ARG002
        """Float64 values, null for NaN."""
        assert not isinstance(values, Ragged)
        return pl.Series(self.output, values).fill_nan(None)

    def _count(
        self, log: EventLog, users: Positions, items: Positions, span: tuple[Positions, Positions]
    ) -> Positions:
        if self.of == "pair":
            return log.pair_counts(users, items, *span)
        return log.user_counts(users, *span) if self.of == "user" else log.item_counts(items, *span)

    def _last(self, log: EventLog, users: Positions, items: Positions, times: Positions) -> Positions:
        if self.of == "pair":
            return log.pair_last(users, items, times)
        return log.user_last(users, times) if self.of == "user" else log.item_last(items, times)

    def _span(self) -> int:
        number, unit = str(self.window)[:-1], str(self.window)[-1:]
        return int(number) * _MICROSECONDS.get(unit, 0) if number.isascii() and number.isdigit() else 0
