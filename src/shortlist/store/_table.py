"""A table of users or items: raw columns by position."""

from functools import cached_property
from typing import Any, final

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, Keys, Ragged
from shortlist.schema import Schema
from shortlist.store._columns import null_rows, to_array

__all__ = ["Table"]


@final
class Table:
    """Rows by position, columns as raw values; what a column looks like is said in `to_array`.

    Args:
        frame: one row an id.
        schema: what its columns are.
        id_name: name of the id column.
        listed: how many of the first rows came from a table that was given; later rows are ids that only
            events mention, all of their other columns null.
    """

    def __init__(self, frame: pl.DataFrame, schema: Schema, id_name: str, listed: int | None = None) -> None:
        self.frame = frame
        self.schema = schema
        self.id_name = id_name
        self.listed = frame.height if listed is None else listed
        self._arrays: dict[str, Array | Ragged] = {}

    def __len__(self) -> int:
        return self.frame.height

    @cached_property
    def keys(self) -> Keys:
        """The raw ids."""
        return Keys(self.frame[self.id_name].to_numpy())

    def column(self, name: str) -> Array | Ragged:
        """A whole column."""
        found = self._arrays.get(name)
        if found is None:
            found = self._arrays[name] = to_array(self.frame[name])
        return found

    def rows(self, positions: npt.NDArray[np.int64], names: tuple[str, ...]) -> dict[str, Array | Ragged]:
        """Columns of the rows at these positions, null where a position is not of this table."""
        missing = (positions < 0) | (positions >= len(self))
        if not missing.any():
            return {name: _take(self.column(name), positions) for name in names}
        known = np.flatnonzero(~missing)
        return {
            name: null_rows(_take(self.column(name), positions[known]), known, len(positions))
            for name in names
        }


def _take(column: Array | Ragged, rows: npt.NDArray[np.integer[Any]]) -> Array | Ragged:
    return column.take(rows) if isinstance(column, Ragged) else column[rows]
