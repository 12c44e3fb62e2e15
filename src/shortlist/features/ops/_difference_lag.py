"""How a value differs from that at an earlier event."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shortlist.data import Array, ArrayLog, EventLog, Of, Ragged, as_numbers, members_of
from shortlist.errors import ArgumentError
from shortlist.features._source import NOTHING, Given, Needs, Positions, Source
from shortlist.features.ops._checks import column_type
from shortlist.features.ops._sides import entity_of, key_column, side_of
from shortlist.schema import Column, Domain, Schema, Tags

__all__ = ["DifferenceLag"]


@dataclass(frozen=True)
class DifferenceLag(Source):
    """The row's value minus that at the event ``shift`` events before, of the same user, item, ..

    Events are those of the log strictly before the row's time, positive or not, so that rows of one moment do
    not see each other. Null where there are fewer events, or where the row's or the event's value is null.

    A negative shift is the difference to a later event, strictly after the row's time. It is known in
    training only: the column is a REGRESSION TARGET, which the request path never asks for.

    In serving, ``of`` is read from the request, the item or the user table for the row itself; for the events
    it is a column that the store keeps with each (``columns`` of `shortlist.store.EmbeddedStore.build`), or
    else one of the tables.

    Attributes:
        of: column of numbers, in the rows and in the log.
        by: whose events: "user", "item", "pair" for both, a column of integers, flags or text, or several.
        shift: how many events before; below 0, how many after; several make a column each.
        name: name of the new column; None for ``<of>_difference_lag``. ``_<shift>`` follows in any case.

    Raises:
        ArgumentError: a shift is 0 or no integer, or is given twice; or ``by`` names nothing, or one column
            twice.

    >>> import polars as pl
    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> events = Dataset.of(pl.DataFrame({
    ...     "user": ["ann", "ann", "bob", "ann"], "item": [1, 2, 1, 1], "price": [5.0, 7.0, 5.0, 4.0],
    ...     "time": [0, 10, 20, 30],
    ... })).tag("user", "user", "id").tag("item", "item", "id").tag("time", "time")
    >>> flow = Workflow([DifferenceLag("price"), DifferenceLag("price", shift=-1)]).fit(events)
    >>> flow.transform(events).collect()["price_difference_lag_1"].to_list()
    [None, 2.0, None, -3.0]
    >>> flow.transform(events).collect()["price_difference_lag_-1"].to_list()
    [-2.0, 3.0, None, None]
    """

    of: str
    by: str | Sequence[str] = "user"
    shift: int | Sequence[int] = 1
    name: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "by", entity_of("DifferenceLag.by", self.by))
        if not isinstance(self.shift, int):
            object.__setattr__(self, "shift", tuple(self.shift))
        shifts = self._shifts
        whole = all(isinstance(shift, int) and not isinstance(shift, bool) and shift != 0 for shift in shifts)
        if not whole or not shifts or len(set(shifts)) < len(shifts):
            raise ArgumentError(
                "DifferenceLag.shift", received=self.shift, expected="an integer but 0, or different ones"
            )

    def each(self) -> tuple["DifferenceLag", ...]:
        """One op for each shift."""
        return tuple(replace(self, shift=shift) for shift in self._shifts)

    @property
    def output(self) -> str:
        """Name of the column it makes."""
        return f"{f'{self.of}_difference_lag' if self.name is None else self.name}_{self._shifts[0]}"

    @property
    def needs(self) -> Needs:
        """The entity, and the value in the row and in the log."""
        members = members_of(self._by)
        keys = [member for member in members if member not in ("user", "item")]
        events = dict.fromkeys((*keys, self.of))
        return Needs(tuple(dict.fromkeys((*members, self.of))), tuple(events), positive=False)

    def column(self, schema: Schema) -> Column:
        """A continuous column, or a target where the shift is negative."""
        members = members_of(self._by)
        for member in members:
            key_column("DifferenceLag", schema, member)
        column_type(
            "DifferenceLag", schema[self.of], "int", "uint", "float", "bool", remedy="take another column"
        )
        known = frozenset({side_of(schema, (*members, self.of)), Tags.CONTINUOUS})
        later = frozenset({Tags.TARGET, Tags.REGRESSION})
        tags = known if self._shifts[0] > 0 else later
        return Column(self.output, "float64", tags, domain=Domain(self.output))

    def from_log(
        self, log: EventLog, users: Positions, items: Positions, times: Positions, columns: Given = NOTHING
    ) -> Array | Ragged:
        """Float64 differences, NaN for null.

        Raises:
            ArgumentError: the shift is negative and the log is a store, whose future is not known.
        """
        keys = {name: columns[name] for name in members_of(self._by) if name not in ("user", "item")}
        shift, asked = self._shifts[0], (self._by, users, items, times)
        if shift > 0:
            (found,) = log.recent(*asked, shift, names=(self.of,), columns=keys)
            there = found.lengths == shift
            other = np.full(len(there), np.nan)
            other[there] = as_numbers(found.values[found.offsets[:-1][there]])
        elif isinstance(log, ArrayLog):
            other = as_numbers(log.following(*asked, -shift, name=self.of, columns=keys))
        else:
            raise ArgumentError(
                "DifferenceLag.shift",
                received=f"{shift} of a store",
                expected="a shift above 0 in serving: later events are not known",
                remedy="use the column as a target of training",
            )
        with np.errstate(invalid="ignore"):  # infinity less infinity is null
            difference: Array = as_numbers(columns[self.of]) - other
        return difference

    @property
    def _shifts(self) -> tuple[int, ...]:
        return (self.shift,) if isinstance(self.shift, int) else tuple(self.shift)

    @property
    def _by(self) -> Of:
        return self.by if isinstance(self.by, str) else tuple(self.by)
