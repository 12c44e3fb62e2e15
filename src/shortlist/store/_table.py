"""A table of users or items: raw columns by position."""

from copy import copy
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

__all__ = ["UPDATED", "Table", "table_of"]

UPDATED = "__updated"
"""Column of a frame, not of its schema: from when on a row is true, microseconds since 1970."""


@final
class Table:
    """Rows by position, columns as raw values; what a column looks like is said in `to_array`.

    Args:
        frame: one row an id; with `UPDATED` where rows have a time to live.
        schema: what its columns are.
        id_name: name of the id column.
        listed: how many of the first rows came from a table that was given; later rows are ids that only
            events mention, all of their other columns null.
        distinct: whether the ids are known to be so; otherwise that is looked at.
    """

    def __init__(
        self,
        frame: pl.DataFrame,
        schema: Schema,
        id_name: str,
        listed: int | None = None,
        *,
        distinct: bool = False,
    ) -> None:
        self.frame = frame
        self.schema = schema
        self.id_name = id_name
        self.listed = frame.height if listed is None else listed
        self._distinct = distinct
        self._arrays: dict[str, Array | Ragged] = {}
        self._since: int | None = None

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
        ids = self.frame[self.id_name].to_numpy()
        return Keys.trusted(ids) if self._distinct else Keys(ids)

    def at(self, since: int) -> "Table":
        """The same table in which rows that are true from before a time have lost all columns but the id."""
        if UPDATED not in self.frame.columns:
            return self
        _ = self.keys  # made once for all the tables
        table = copy(self)
        table._since = since
        return table

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
        if self._since is None or names == (self.id_name,):
            return {name: self._rows(name, positions, missing) for name in names}
        stale = missing.copy()
        stale[~missing] = self._updated[positions[~missing]] < self._since
        return {
            name: self._rows(name, positions, missing if name == self.id_name else stale) for name in names
        }

    def _at(self, name: str, positions: npt.NDArray[np.int64]) -> Array | Ragged:
        """A column at some rows. Text stays in the frame, which may lie in a file, until much is read."""
        if (
            name not in self._arrays
            and self.frame.schema[name] == pl.String
            and len(positions) < len(self) // 4
        ):
            return to_array(self.frame[name].gather(positions))
        return _take(self.column(name), positions)

    def plain(self, start: int, stop: int) -> list[tuple[Any, dict[str, Any], int | None]]:
        """Rows as plain data: the id, the other columns, datetimes as integers, and `UPDATED`."""
        casts = [pl.col(pl.Datetime, pl.Date).cast(pl.Datetime("us")).cast(pl.Int64)]
        vectors = [pl.col(name).arr.to_list() for name, kind in self.frame.schema.items() if kind == pl.Array]
        rows = self.frame[start:stop].with_columns(*casts, *vectors).to_dicts()
        return [(row.pop(self.id_name), row, row.pop(UPDATED, None)) for row in rows]

    @cached_property
    def _updated(self) -> npt.NDArray[np.int64]:
        return self.frame[UPDATED].fill_null(2**62).to_numpy()

    def _rows(
        self, name: str, positions: npt.NDArray[np.int64], missing: npt.NDArray[np.bool_]
    ) -> Array | Ragged:
        if not missing.any():
            return self._at(name, positions)
        known = np.flatnonzero(~missing)
        return null_rows(self._at(name, positions[known]), known, len(positions))


def table_of(given: Dataset, id_name: str, mentioned: pl.Series, *, timed: bool = False) -> Table:
    """The given rows, then one row of nulls for each id that only events mention.

    Args:
        given: the rows.
        id_name: name of the id column.
        mentioned: ids that events mention.
        timed: whether the rows have a time to live, from the time in them on.

    Raises:
        SchemaError: the ids of the table and those of the events have different types, or rows that have a
            time to live have no time.
    """
    schema = Schema(column for column in given.schema if Tags.TIME not in column.tags)
    frame = given.collect().select(*schema.names, **(_updated(given, id_name) if timed else {}))
    if frame.schema[id_name] != mentioned.dtype:
        raise SchemaError(
            f"column {id_name!r} of a table",
            received=str(frame.schema[id_name]),
            expected=f"{mentioned.dtype}, the type of the ids in the events",
            remedy="cast one of them",
        )
    others = mentioned.filter(~mentioned.is_in(frame[id_name].implode()))
    return Table(frame, schema, id_name).extended(others)


def _updated(given: Dataset, id_name: str) -> dict[str, pl.Expr]:
    times = given.schema.tagged(Tags.TIME).names
    if len(times) != 1:
        raise SchemaError(
            f"time to live of the table of {id_name!r}",
            received=f"{len(times)} time columns",
            expected="a table with one column of the times from which its rows are true",
            remedy='give the table itself, its column tagged "time"',
        )
    return {UPDATED: pl.col(times[0]).cast(pl.Datetime("us")).cast(pl.Int64)}


def _take(column: Array | Ragged, rows: npt.NDArray[np.integer[Any]]) -> Array | Ragged:
    return column.take(rows) if isinstance(column, Ragged) else column[rows]
