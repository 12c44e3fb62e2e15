"""A source as it stands, slice by slice: nothing cleaned or guessed, foreign types left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from shortlist.io._dataset import Dataset
from shortlist.io._files import reading
from shortlist.io._sources import Slice, Source, cut, open_source, parts_of, source_columns
from shortlist.io._times import time_rule

__all__ = ["RawSlice", "RawTable", "read_raw", "tables_of", "time_of"]

_LOOKED_AT = 50_000


@dataclass(frozen=True, slots=True)
class RawSlice:
    """Some consecutive rows.

    Attributes:
        frame: the rows.
        start: number of the first of them in the whole.
        rows: how many there are.
        origin: where they are from, for messages.
    """

    frame: pl.LazyFrame
    start: int
    rows: int
    origin: str

    def collect(self) -> pl.DataFrame:
        """Read them.

        Raises:
            DataError: they cannot be read.
        """
        with reading(self.origin):
            return self.frame.collect(engine="streaming")

    def head(self, name: str, value: pl.Expr) -> pl.Series:
        """An expression over the first rows that have a value in a column.

        Raises:
            DataError: they cannot be read.
        """
        with reading(self.origin):
            rows = self.frame.select(name).head(_LOOKED_AT).collect()
            return rows.drop_nulls().select(value).to_series()


@dataclass(frozen=True, slots=True)
class RawTable:
    """A source cut into slices.

    Attributes:
        slices: consecutive rows, all of the same columns and plain types; at least one.
        columns: names and types.
        notes: columns that were left out, in words.
    """

    slices: tuple[RawSlice, ...]
    columns: pl.Schema
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Number of rows in all."""
        return sum(piece.rows for piece in self.slices)


def read_raw(source: "Source | Dataset", *, cells: int) -> RawTable:
    """Open a source without reading it.

    Args:
        source: what `shortlist.io.scan` reads, or a data set.
        cells: largest number of values of a slice, over all columns; memory grows with it.

    Raises:
        DataError: a file is missing, empty or unreadable.

    >>> table = read_raw({"a": [1, 2, 3]}, cells=2)
    >>> [(piece.start, piece.collect()["a"].to_list()) for piece in table.slices]
    [(0, [1, 2]), (2, [3])]
    """
    if isinstance(source, Dataset):
        width = len(source.schema)
        pieces = [p for part in source.partitions for p in cut(part, _height(cells, width), "the data set")]
        return _numbered(pieces, ())
    parts = parts_of(source)
    opened = open_source(parts, text=(), rows=_height(cells, len(source_columns(parts))))
    return _numbered(opened.slices, opened.notes)


def tables_of(sources: Sequence[str]) -> list[list[str]]:
    """Files, folders and globs, those of the same columns together: each list is one table.

    Raises:
        DataError: a file is missing, empty or unreadable.
    """
    tables: dict[tuple[str, ...], list[str]] = {}
    for source in sources:
        named = [(tuple(sorted(source_columns([p]).names())), p.origin) for p in parts_of(source)]
        whole = len({columns for columns, _ in named}) == 1
        for columns, origin in named[:1] if whole else named:
            tables.setdefault(columns, []).append(source if whole else origin)
    return list(tables.values())


def time_of(table: RawTable, name: str) -> pl.Expr:
    """A column read as times, by the rule of `shortlist.io.scan`; null where it holds none."""
    heads = [piece.frame.select(name).head(_LOOKED_AT) for piece in table.slices[:8]]
    with reading(table.slices[0].origin):
        return time_rule(table.columns[name], [head.collect().to_series() for head in heads]).parsed(name)


def _height(cells: int, columns: int) -> int:
    return max(cells // max(columns, 1), 1)


def _numbered(slices: Sequence[Slice], notes: tuple[str, ...]) -> RawTable:
    numbered, start = [], 0
    for piece in slices:
        numbered.append(RawSlice(piece.frame, start, piece.rows, piece.origin))
        start += piece.rows
    return RawTable(tuple(numbered), slices[0].frame.collect_schema(), notes)
