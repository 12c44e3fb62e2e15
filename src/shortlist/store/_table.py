"""A table of users or items: raw columns by position."""

from dataclasses import replace
from functools import cached_property
from typing import Any, final

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, Keys, Ragged
from shortlist.errors import SchemaError
from shortlist.io import Dataset
from shortlist.schema import Schema, Tags
from shortlist.store._columns import null_rows, to_array

__all__ = ["Table", "table_of"]


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

    @property
    def origin(self) -> "Table":
        """The table itself: its rows stay as they are, so what was made of one holds."""
        return self

    def odd(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_] | None:
        """Bool [N]: positions that are not of ``origin``, or whose rows differ from its; None for none."""
        odd = (positions < 0) | (positions >= len(self))
        return odd if odd.any() else None

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

    def extended(self, ids: pl.Series | list[Any]) -> "Table":
        """The same table with a row of nulls for each of further ids; ids become text if these do not fit."""
        if len(ids) == 0:
            return self
        frame, schema = self.frame, self.schema
        more = pl.Series(self.id_name, ids, strict=False).cast(frame.schema[self.id_name], strict=False)
        if more.null_count():
            frame = frame.cast({self.id_name: pl.String})
            more = pl.Series(self.id_name, [str(value) for value in ids])
            schema = schema.merge([replace(schema[self.id_name], dtype="string")])
        frame = pl.concat([frame, more.to_frame()], how="diagonal").rechunk()
        return Table(frame, schema, self.id_name, self.listed)

    def rows(self, positions: npt.NDArray[np.int64], names: tuple[str, ...]) -> dict[str, Array | Ragged]:
        """Columns of the rows at these positions, null where a position is not of this table."""
        missing = (positions < 0) | (positions >= len(self))
        if not missing.any():
            return {name: self._at(name, positions) for name in names}
        known = np.flatnonzero(~missing)
        return {name: null_rows(self._at(name, positions[known]), known, len(positions)) for name in names}

    def _at(self, name: str, positions: npt.NDArray[np.int64]) -> Array | Ragged:
        """A column at some rows. Text stays in the frame, which may lie in a file, until much is read."""
        if (
            name not in self._arrays
            and self.frame.schema[name] == pl.String
            and len(positions) < len(self) // 4
        ):
            return to_array(self.frame[name].gather(positions))
        return _take(self.column(name), positions)


def table_of(given: Dataset, id_name: str, mentioned: pl.Series) -> Table:
    """The given rows, then one row of nulls for each id that only events mention.

    Raises:
        SchemaError: the ids of the table and those of the events have different types.
    """
    schema = Schema(column for column in given.schema if Tags.TIME not in column.tags)
    frame = given.collect().select(schema.names)
    if frame.schema[id_name] != mentioned.dtype:
        raise SchemaError(
            f"column {id_name!r} of a table",
            received=str(frame.schema[id_name]),
            expected=f"{mentioned.dtype}, the type of the ids in the events",
            remedy="cast one of them",
        )
    others = mentioned.filter(~mentioned.is_in(frame[id_name].implode()))
    return Table(frame, schema, id_name).extended(others)


def _take(column: Array | Ragged, rows: npt.NDArray[np.integer[Any]]) -> Array | Ragged:
    return column.take(rows) if isinstance(column, Ragged) else column[rows]
