"""The item table and what was edited since it was read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, Keys, Ragged
from shortlist.errors import ArgumentError
from shortlist.schema import Schema
from shortlist.store._item_rows import ItemRow, checked_row
from shortlist.store._table import Table

__all__ = ["Catalogue"]

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_NONE = np.zeros(0, dtype=np.int64)


@final
class Catalogue:
    """Items by position: a table, rows of it that were replaced, rows that were added, and which are shown.

    It is never changed; an edit gives another one that shares the table. Positions stay: added items come
    after the others, and an item that is taken out keeps its row, so that histories can still be read.

    Args:
        table: as it was read.
        listed: bool [items], which items may be shown; by default those of the table.
        keys: raw ids of all items; by default those of the table.
        edited: the rows that were replaced or added, whole.
        places: int64 [A], their positions, rising.
    """

    def __init__(
        self,
        table: Table,
        listed: Mask | None = None,
        keys: Keys | None = None,
        edited: Table | None = None,
        places: Positions = _NONE,
    ) -> None:
        self.table = table
        self.listed = np.arange(len(table)) < table.listed if listed is None else listed
        self.listed.flags.writeable = False
        self.keys = table.keys if keys is None else keys
        self.places = places
        self._edited = table if edited is None else edited

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def schema(self) -> Schema:
        """Columns of the table."""
        return self.table.schema

    @property
    def added(self) -> pl.DataFrame:
        """Rows of the items that the table lacks, in order of their positions."""
        if len(self.places) == 0:
            return self.table.frame.clear()
        return self._edited.frame[int(np.searchsorted(self.places, len(self.table))) :]

    @property
    def origin(self) -> Table:
        """The table as it was read: what was made of a row of it holds until the row is edited."""
        return self.table.origin

    def odd(self, positions: Positions) -> Mask | None:
        """Bool [N]: positions that are not of ``origin``, or whose rows were edited; None for none."""
        odd = self.table.odd(positions)
        if len(self.places) == 0:
            return odd
        place = np.minimum(np.searchsorted(self.places, positions), len(self.places) - 1)
        edited = self.places[place] == positions
        if odd is not None:
            edited |= odd
        return edited if edited.any() else None

    def rows(self, positions: Positions, names: tuple[str, ...]) -> dict[str, Array | Ragged]:
        """Columns of the rows at these positions, null where a position is not of an item."""
        if len(self.places) == 0:
            return self.table.rows(positions, names)
        place = np.minimum(np.searchsorted(self.places, positions), len(self.places) - 1)
        own = self.places[place] == positions
        if not own.any():
            return self.table.rows(positions, names)
        if own.all():
            return self._edited.rows(place, names)
        fresh, rest = self._edited.rows(place[own], names), self.table.rows(positions[~own], names)
        order = np.argsort(np.concatenate([np.flatnonzero(own), np.flatnonzero(~own)]))
        return {name: _joined(fresh[name], rest[name], order) for name in names}

    def at(self, since: int) -> "Catalogue":
        """The same in which rows that are true from before a time have lost all columns but the id.

        An edited row does not age.
        """
        table = self.table.at(since)
        if table is self.table:
            return self
        edited = None if len(self.places) == 0 else self._edited
        return Catalogue(table, self.listed, self.keys, edited, self.places)

    def upserted(self, rows: Sequence[ItemRow], where: str = "upsert_items") -> "Catalogue":
        """Items added, and columns of known ones changed; what is not given stays, or is null where new.

        An item that was taken out is shown again.

        Args:
            rows: raw ids with the columns that are given; of an id twice, later values hold.
            where: what messages call the rows.

        Raises:
            ArgumentError: an id is none of the table's type, or a value none of its column's.
        """
        given: dict[Any, dict[str, Any]] = {}
        for number, row in enumerate(rows):
            item = self._id(row[0], f"{where}[{number}].item")
            given.setdefault(item, {}).update(checked_row(row, self.schema, f"{where}[{number}]"))
        if not given:
            return self
        positions, keys = self.keys.positions(given), self.keys
        fresh = [item for item, position in zip(given, positions.tolist(), strict=True) if position < 0]
        if fresh:
            positions[positions < 0] = len(self) + np.arange(len(fresh))
            keys = self.keys.joined(_like(self.keys, fresh))
        listed = np.concatenate([self.listed, np.ones(len(fresh), np.bool_)])
        listed[positions] = True
        return self._with(listed, keys, positions, self._rows_of(given, positions))

    def without(self, ids: Iterable[Any]) -> "Catalogue":
        """Items taken out of what is shown; unknown ids are passed over."""
        positions = self.keys.positions(list(ids))
        positions = positions[positions >= 0]
        if not self.listed[positions].any():
            return self
        listed = self.listed.copy()
        listed[positions] = False
        edited = None if len(self.places) == 0 else self._edited
        return Catalogue(self.table, listed, self.keys, edited, self.places)

    def flattened(self) -> Table:
        """All rows as one table; which are shown stands in ``listed``."""
        if len(self.places) == 0:
            return self.table
        order = np.arange(len(self))
        order[self.places] = len(self.table) + np.arange(len(self.places))
        frame = pl.concat([self.table.frame, self._edited.frame])[order.tolist()].rechunk()
        return Table(frame, self.schema, self.table.id_name, self.table.listed)

    def _rows_of(self, given: Mapping[Any, Mapping[str, Any]], positions: Positions) -> pl.DataFrame:
        """Whole rows of items, as they were where nothing is given, in the order of ``given``."""
        known = {position: row for row, position in enumerate(self.places.tolist())}
        out, key = [], self.table.id_name
        for (item, values), position in zip(given.items(), positions.tolist(), strict=True):
            row: dict[str, Any] = {key: item}
            if position in known:
                row = self._edited.frame.row(known[position], named=True)
            elif position < len(self.table):
                row = self.table.frame.row(position, named=True)
            out.append({**row, **values})
        try:
            return pl.DataFrame(out, schema=self.table.frame.schema)
        except (pl.exceptions.PolarsError, TypeError) as error:
            raise ArgumentError(
                "items", received=str(error), expected="values of the types of the item table"
            ) from error

    def _with(self, listed: Mask, keys: Keys, positions: Positions, rows: pl.DataFrame) -> "Catalogue":
        stays = ~np.isin(self.places, positions)
        kept = self._edited.frame.filter(stays) if len(stays) else rows.clear()
        places = np.concatenate([self.places[stays], positions])
        order = np.argsort(places)
        frame = pl.concat([kept, rows])[order.tolist()].rechunk()
        edited = Table(frame, self.schema, self.table.id_name)
        return Catalogue(self.table, listed, keys, edited, places[order])

    def _id(self, value: Any, where: str) -> Any:
        """A raw id in the notation of the table's."""
        text = self.keys.values.dtype == object or len(self.keys) == 0
        if text and self.table.frame.schema[self.table.id_name] == pl.String:
            return value if isinstance(value, str) else str(value)
        try:
            number = int(value)
            if str(number) == str(value) and -(2**63) <= number < 2**63:
                return number
        except (ValueError, OverflowError):
            pass
        raise ArgumentError(
            where,
            received=repr(value),
            expected="an integer, as the ids of the item table are",
            remedy="build the store with ids of text",
        )


def _like(keys: Keys, ids: list[Any]) -> Array:
    if keys.values.dtype != object and len(keys):
        return np.array(ids, dtype=np.int64)
    return Keys(ids).values


def _joined(one: Array | Ragged, other: Array | Ragged, order: Positions) -> Array | Ragged:
    """Rows of both in another order; arrays of different types become objects."""
    if isinstance(one, Ragged) and isinstance(other, Ragged):
        values = _concatenated(one.values, other.values)
        offsets = np.concatenate([one.offsets, other.offsets[1:] + one.offsets[-1]])
        return Ragged(values, offsets).take(order)
    assert not isinstance(one, Ragged)
    assert not isinstance(other, Ragged)
    return _concatenated(one, other)[order]


def _concatenated(one: Array, other: Array) -> Array:
    if one.dtype == other.dtype or 0 in (len(one), len(other)):
        return np.concatenate([one, other]) if len(one) and len(other) else one if len(one) else other
    return np.concatenate([one.astype(object), other.astype(object)])
