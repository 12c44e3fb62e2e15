"""A log as history ops ask it offline: arrays of positions, and the ids and texts that these stand for."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from shortlist.data import NULL, Array, ArrayLog, Ragged
from shortlist.features._event_rows import own
from shortlist.features._frame_columns import polars_type
from shortlist.features._key_table import KeyTable
from shortlist.features._source import Source
from shortlist.schema import Column

__all__ = ["Events", "event_values"]


@dataclass(frozen=True, slots=True)
class Events:
    """Events by position, and what the positions are.

    Attributes:
        log: the events.
        tables: raw ids of "user" and "item", and texts of columns by the names of `own`.
    """

    log: ArrayLog
    tables: Mapping[str, KeyTable]

    def compute(self, source: Source, made: Column, rows: pl.DataFrame) -> pl.Series:
        """The column of a history op for rows as `asked` gives them."""
        users, items = (_places(self.tables[name], rows[name]) for name in ("user", "item"))
        columns = {
            name: event_values(rows[own(name)], self.tables.get(own(name)))
            for name in source.needs.row
            if name not in ("user", "item")
        }
        found = source.from_log(self.log, users, items, rows["time"].to_numpy(), columns)
        return self._series(found, made, source.needs.codes)

    def _series(self, found: Array | Ragged, made: Column, codes: str | None) -> pl.Series:
        """What a history op found as a raw column, null for NaN and NULL."""
        table = None if codes is None else self.tables.get("item" if codes == "item" else own(codes))
        values = _raw(found.values if isinstance(found, Ragged) else found, table)
        if isinstance(found, Ragged):
            values = pl.Series(pa.LargeListArray.from_arrays(pa.array(found.offsets), values.to_arrow()))
        return values.cast(polars_type(made)).alias(made.name)


def event_values(column: pl.Series, table: KeyTable | None) -> Array:
    """Raw values of a column as a log has them: codes where it is text; what was never met is NULL."""
    if table is not None:
        places = _places(table, column)
        return np.where(places < 0, NULL, places)
    if column.dtype.is_float():
        return column.fill_null(float("nan")).to_numpy()
    return column.cast(pl.Int64, strict=False).fill_null(NULL).to_numpy()


def _places(table: KeyTable, values: pl.Series) -> npt.NDArray[np.int64]:
    """int64 [N]: the position of each value, -1 for null and unknown ones, those of another type included."""
    if len(table) == 0:
        return np.full(len(values), -1, dtype=np.int64)
    return table.positions(values.cast(table.frame[table.keys[0]].dtype, strict=False))


def _raw(values: Array, table: KeyTable | None) -> pl.Series:
    plain = pl.Series(values)
    plain = plain.fill_nan(None) if plain.dtype.is_float() else plain.replace(NULL, None)
    return plain if table is None else table.frame[table.keys[0]].gather(plain)
