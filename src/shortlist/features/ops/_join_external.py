"""Columns of a table beside the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

import polars as pl

from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.features._cells import Cells
from shortlist.features._derived import Derived
from shortlist.features._frame_columns import element_type, enter
from shortlist.features._gather import Gather
from shortlist.features._key_table import KeyTable
from shortlist.features._op import Exprs, Made, Step
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.features.ops._checks import column_type
from shortlist.features.ops._combination import combined_column
from shortlist.features.ops._groups import group_place
from shortlist.features.ops._keyed import Keyed
from shortlist.io import Dataset
from shortlist.schema import SCALAR, Column, Schema

__all__ = ["JoinExternal"]


@dataclass(frozen=True)
class JoinExternal(Keyed):
    """The columns that a table has for the row's key: a column, or a column group together.

    Rows keep their order and their number. A key that the table lacks, and a null key, get null, or an empty
    list where the table holds lists. A key column may hold lists if the table's columns do not: each of their
    elements is looked up. The table becomes part of what was learned: it is saved with the workflow, as it
    was at `Workflow.fit`, and a request needs only the key.

    The columns keep names, types and tags of the table; those about no entity are about that of the key. The
    key does not go on. Memory: the key and the chosen columns are held.

    Attributes:
        table: a frame of Polars, pandas or Arrow, a Dataset, or what else `Dataset.read` takes.
        on: names of the key columns in the table; None for those of the rows.
        columns: names of the columns to take; None for all but the key.
        how: "left" keeps all rows; "inner" leaves rows out of training whose raw key the table lacks.
        duplicates: what becomes of a key that stands in the table twice: "refuse", or take the "first".

    Raises:
        ArgumentError: an option has an unknown value, or there is no table.
        SchemaError: the table lacks a column, or has keys of another type than the rows.
        DataError: the table has a key twice.

    >>> from shortlist.features import Workflow
    >>> rows = Dataset.of(pl.DataFrame({"shop": [7, 8, None]}))
    >>> shops = pl.DataFrame({"shop": [7, 9], "city": ["Rome", "Oslo"]})
    >>> flow = Workflow(["shop" >> JoinExternal(shops)]).fit(rows)
    >>> flow.transform(rows).collect()["city"].to_list()
    ['Rome', None, None]
    """

    grouped: ClassVar[bool] = True

    table: Any = field(default=None, compare=False, repr=False, metadata={"saved": False})
    on: str | Sequence[str] | None = None
    columns: Sequence[str] | None = None
    how: Literal["left", "inner"] = "left"
    duplicates: Literal["refuse", "first"] = "refuse"

    def __post_init__(self) -> None:
        for option, known in (("how", ("left", "inner")), ("duplicates", ("refuse", "first"))):
            if getattr(self, option) not in known:
                raise ArgumentError(
                    f"JoinExternal.{option}",
                    received=getattr(self, option),
                    expected=" or ".join(map(repr, known)),
                )

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:
        """The chosen columns of the table."""
        taken = self._chosen(inputs) if state is None else _columns_of(state)
        for column in inputs:
            remedy = "cast it, or take parts of the date first"
            column_type("JoinExternal", column, "int", "uint", "string", "bool", remedy=remedy)
        lists = any(column.is_list for column in inputs)
        if lists and (len(inputs) > 1 or any(column.shape != SCALAR for column in taken)):
            raise SchemaError(
                f"JoinExternal of columns {[column.name for column in inputs]}",
                received="lists of keys",
                expected="one key column, and table columns of one value, where keys are lists",
                remedy="choose other columns of the table",
            )
        return Made(tuple(_beside(inputs, column) for column in taken), together=True)

    def rows(self, columns: tuple[Column, ...]) -> pl.Expr:
        """Rows whose key the table has, if only these are to be kept."""
        if self.how == "left":
            return pl.lit(value=True)
        if any(column.is_list for column in columns) or len(columns) != len(self._keys(columns)):
            raise ArgumentError(
                "JoinExternal.how",
                received=f"'inner' behind columns {[column.name for column in columns]}",
                expected="a branch that starts with the key columns alone, of one value a row",
                remedy="write [[...]] >> JoinExternal(...), with a branch of its own for other columns",
            )
        keys, _ = self._held(columns)
        return group_place(keys, columns, {column.name: enter(column) for column in columns}) >= 0

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:  # noqa: ARG002
        """Nothing is counted."""
        return {}

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """The table: its keys, and the columns by position."""
        keys, cells = self._held(step.inputs)
        columns = [column.to_json() for column in self._chosen(step.inputs)]
        values = {"keys": self._keys(step.inputs), "columns": columns}
        return State(values, {"keys": keys, "cells": KeyTable(cells, ())})

    def restored(self, state: State) -> "JoinExternal":
        """The op with the table that it was fitted with, as a workflow that is read back needs it."""
        names = state.values["keys"]
        columns = {column.name: column for column in _columns_of(state)}
        keys = state.tables["keys"].frame.rename(dict(zip(state.tables["keys"].keys, names, strict=True)))
        others = keys.select(name for name in names if name not in columns)
        frame = pl.concat([others, state.tables["cells"].frame[: len(keys)]], how="horizontal")
        schema = Schema([*Dataset.of(others).schema, *columns.values()])
        return replace(self, table=Dataset.of(frame, schema))

    def gather(self, step: Step, state: State, inputs: tuple[Column, ...]) -> Gather:  # noqa: ARG002
        """The columns by position."""
        return _GATHERS.of(state)

    def _keys(self, inputs: tuple[Column, ...]) -> tuple[str, ...]:
        """Names of the key columns in the table."""
        if self.on is None:
            return tuple(column.name for column in inputs)
        return (self.on,) if isinstance(self.on, str) else tuple(self.on)

    def _chosen(self, inputs: tuple[Column, ...]) -> tuple[Column, ...]:
        """The columns to take."""
        schema, keys = self._source.schema, self._keys(inputs)
        if len(keys) != len(inputs):
            raise ArgumentError(
                "JoinExternal.on",
                received=f"{len(keys)} columns of the table for {len(inputs)} of the rows",
                expected="as many",
                remedy="write [[...]] >> JoinExternal(...) for a key of several columns",
            )
        for key, column in zip(keys, inputs, strict=True):
            if _kind(schema[key]) != _kind(column):
                raise SchemaError(
                    f"JoinExternal.on {key!r}",
                    received=f"keys of {schema[key].dtype} in the table",
                    expected=f"{column.dtype}, as in column {column.name!r}",
                    remedy="cast one of them",
                )
        wanted = [name for name in schema.names if name not in keys] if self.columns is None else self.columns
        return tuple(schema.select(list(wanted)))

    def _held(self, inputs: tuple[Column, ...]) -> tuple[KeyTable, pl.DataFrame]:
        """The table's keys, and its columns by position: what is not found is missing."""
        taken, names = self._chosen(inputs), self._keys(inputs)
        keys = {
            f"__key_{place}": pl.col(name).cast(element_type(column), strict=False)
            for place, (name, column) in enumerate(zip(names, inputs, strict=True))
        }
        cells = [enter(column) for column in taken]
        rows = self._source.frame().select(**keys, **dict(zip((c.name for c in taken), cells, strict=True)))
        held = rows.drop_nulls(list(keys)).collect()
        if self.duplicates == "first":
            held = held.unique(list(keys), keep="first", maintain_order=True)
        twice = held.select(keys.keys()).is_duplicated()
        if twice.any():
            raise DataError(
                "JoinExternal.table",
                received=f"{held.select(keys.keys()).filter(twice).row(0)} more than once",
                expected="every key once",
                remedy='drop the others, or take the first by duplicates="first"',
            )
        found = held.drop(keys.keys())
        blank = found.clear(2).with_columns(pl.col(c.name).fill_null([]) for c in taken if c.is_list)
        return KeyTable(held.select(keys.keys()), tuple(keys)), pl.concat([found, blank])

    @cached_property
    def _source(self) -> Dataset:
        if self.table is None:
            raise ArgumentError(
                "JoinExternal.table",
                received="none",
                expected="a table",
                remedy="write JoinExternal(table); a workflow that was fitted keeps it when it is saved",
            )
        if isinstance(self.table, Dataset):
            return self.table
        frame = isinstance(self.table, pl.DataFrame | pl.LazyFrame)
        return Dataset.of(self.table) if frame else Dataset.read(self.table)


def _columns_of(state: State) -> tuple[Column, ...]:
    return tuple(Column.from_json(plain) for plain in state.values["columns"])


def _gather(state: State) -> Gather:
    cells = state.tables["cells"].frame
    return Gather(state.tables["keys"], {name: Cells(cells[name]) for name in cells.columns})


_GATHERS = Derived(_gather)


def _kind(column: Column) -> str:
    return column.dtype.removeprefix("u").rstrip("0123456789")


def _beside(inputs: tuple[Column, ...], column: Column) -> Column:
    """A column of the table as it comes out: about its own entity, or about that of the key."""
    keys = tuple(replace(member, shape=SCALAR) for member in inputs)
    own = combined_column((replace(column, shape=SCALAR),), column.name).tags
    tags = column.tags if own else column.tags | combined_column(keys, column.name).tags
    return replace(column, tags=tags, shape=inputs[0].shape if inputs[0].is_list else column.shape)
