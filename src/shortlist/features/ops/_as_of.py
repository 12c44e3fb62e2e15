"""How often, how lately and how well, as of each row's time."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from shortlist.data import Array, EventLog, Of, Ragged, duration_us, members_of
from shortlist.errors import ArgumentError
from shortlist.features._source import NOTHING, Given, Needs, Positions, Source
from shortlist.features.ops._checks import column_type
from shortlist.features.ops._sides import entity_of, key_column, side_of
from shortlist.schema import Column, Domain, Schema, Tags

__all__ = ["AsOf"]

Stat = Literal["count", "rate", "share", "days_since", "days_since_first", "mean", "sum"]

_DAY = 86400 * 10**6
_EVER = -(2**62)


@dataclass(frozen=True)
class AsOf(Source):
    """What happened with the row's user, item, category .. strictly before the row's time.

    Of the positive events of the row's entity (`shortlist.io.positive`):

    - ``count``: their number.
    - ``rate``: their number for each day of the window; without a window, for each day since the first of
      them, null when there is none.
    - ``share``: their number out of those of the user alone, or of the first member of ``of`` where no user
      is among them: ``AsOf("pair", "share")`` is the share of the user's events that are of this item. Null
      where there are none to have a share of.
    - ``days_since``, ``days_since_first``: from the last of them, or the first, to the row, in days of 24
      hours; null when there is none.

    Of all events of the entity that have a finite number in the column ``value``, positive or not:

    - ``mean``: their mean, null when there is none. The mean of a click is a click-through rate.
    - ``sum``: their sum, 0 when there is none.

    An unknown user, item or value has no events, nor has a null. In serving, ``value`` and the columns of
    ``of`` are columns that the store keeps with each event (``columns`` of
    `shortlist.store.EmbeddedStore.build`), or else columns of the item or the user table.

    Attributes:
        of: whose events: "user", "item", "pair" for both, a column of integers, flags or text such as
            "category", or several of these, such as ``("user", "category")``.
        stat: what is asked of them.
        window: how far to look back, such as "30d" (units s m h d w); None for ever.
        name: name of the new column; None for ``<of>_<value>_<stat>_<window>``, without what is not there.
        value: column of events that ``mean`` and ``sum`` are of.

    Raises:
        ArgumentError: an option has an unknown value, or options do not go together.

    >>> AsOf("pair", "days_since").output, AsOf("item", "mean", "30d", value="click").output
    ('pair_days_since', 'item_click_mean_30d')

    Ann had seen one red item before her second event:

    >>> import polars as pl
    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> events = Dataset.of(pl.DataFrame({
    ...     "user": ["ann", "ann", "bob"], "item": [1, 2, 1], "color": ["red", "red", "red"],
    ...     "time": [0, 10, 20],
    ... })).tag("user", "user", "id").tag("item", "item", "id").tag("color", "item").tag("time", "time")
    >>> flow = Workflow([AsOf(("user", "color")), AsOf("color")]).fit(events)
    >>> flow.transform(events).collect().select("user_color_count", "color_count").rows()
    [(0.0, 0.0), (1.0, 1.0), (0.0, 2.0)]
    """

    of: str | Sequence[str] = "user"
    stat: Stat = "count"
    window: str | None = None
    name: str | None = None
    value: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", entity_of("AsOf.of", self.of))
        if self.stat not in get_args(Stat):
            raise ArgumentError("AsOf.stat", received=self.stat, expected=f"one of {get_args(Stat)}")
        if (self.value is not None) != (self.stat in ("mean", "sum")):
            raise ArgumentError(
                "AsOf.value",
                received=f"{self.value!r} beside stat={self.stat!r}",
                expected="a column of events for mean and sum, none for others",
            )
        if self.stat == "share" and len(members_of(self._of)) == 1:
            raise ArgumentError(
                "AsOf.of",
                received=f"{self.of!r} beside stat='share'",
                expected="'pair' or several columns, of whose first the share is",
            )
        _ = self._span

    @property
    def output(self) -> str:
        """Name of the column it makes."""
        of = self.of if isinstance(self.of, str) else "_".join(self.of)
        parts = (of, self.value, self.stat, self.window)
        return "_".join(part for part in parts if part is not None) if self.name is None else self.name

    @property
    def needs(self) -> Needs:
        """Its entity, and the column that it sums."""
        members = members_of(self._of)
        events = [member for member in members if member not in ("user", "item")]
        summed = () if self.value is None else (self.value,)
        return Needs(members, (*events, *summed), positive=self.value is None)

    def column(self, schema: Schema) -> Column:
        """A continuous column about the user, the item, both, or the request."""
        members = members_of(self._of)
        for member in members:
            key_column("AsOf", schema, member)
        if self.value is not None and self.value in schema:
            column_type(
                "AsOf", schema[self.value], "int", "uint", "float", "bool", remedy="take another column"
            )
        tags = frozenset({side_of(schema, members), Tags.CONTINUOUS})
        return Column(self.output, "float64", tags, domain=Domain(self.output))

    def from_log(
        self, log: EventLog, users: Positions, items: Positions, times: Positions, columns: Given = NOTHING
    ) -> Array | Ragged:
        """Float64 values, NaN for null."""
        since = np.full(len(times), _EVER) if self._span is None else times - self._span
        keys = {name: columns[name] for name in members_of(self._of) if name not in ("user", "item")}
        asked: Any = (users, items, since, times)
        if self.value is not None:
            found, total = log.totals(self._of, *asked, name=self.value, columns=keys)
            return total if self.stat == "sum" else _ratio(total, found)
        if self.stat in ("days_since", "days_since_first"):
            ask = log.last if self.stat == "days_since" else log.first
            return _days(times, ask(self._of, *asked, columns=keys))
        count = log.counts(self._of, *asked, columns=keys)
        if self.stat == "count":
            return count.astype(np.float64)
        if self.stat == "share":
            return _ratio(count, log.counts(members_of(self._of)[0], *asked, columns=keys))
        if self._span is not None:
            return np.asarray(count / (self._span / _DAY), np.float64)
        return np.asarray(count / _days(times, log.first(self._of, *asked, columns=keys)), np.float64)

    @property
    def _of(self) -> Of:
        return self.of if isinstance(self.of, str) else tuple(self.of)

    @cached_property
    def _span(self) -> int | None:
        return None if self.window is None else duration_us(self.window, where="AsOf.window")


def _days(times: Positions, moments: Positions) -> Array:
    return np.where(moments == -1, np.nan, (times - moments) / _DAY)


def _ratio(part: Array, whole: Positions) -> Array:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
