"""What can be read: files, globs, folders and frames, as slices of one set of columns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.io._files import DataFile, expand, open_file, pieces, reading
from shortlist.io._lake import open_table
from shortlist.io._remote import is_url, open_url
from shortlist.io._types import plain_column, plain_type

__all__ = [
    "Opened",
    "Slice",
    "Source",
    "Table",
    "check_rows",
    "cut",
    "open_source",
    "packed",
    "parts_of",
    "source_columns",
]

_FRAME = "the frame"

Source: TypeAlias = "str | Path | pl.LazyFrame | pl.DataFrame | Mapping[str, Any] | Sequence[Any] | Any"


@dataclass(frozen=True, slots=True)
class Slice:
    """Some consecutive rows of a source.

    Attributes:
        frame: the rows.
        rows: how many there are.
        origin: the files they are in, for messages.
    """

    frame: pl.LazyFrame
    rows: int
    origin: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A source that was found and opened, its rows unread.

    Attributes:
        slices: consecutive rows, all of the same columns and types; at least one.
        notes: columns that were left out, in words.
        untyped: columns that were read as text because the format has no types.
    """

    slices: tuple[Slice, ...]
    notes: tuple[str, ...] = ()
    untyped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of something that is not one file.

    Attributes:
        frame: the rows.
        origin: where they are from, for messages.
    """

    frame: pl.LazyFrame
    origin: str


def parts_of(source: Source, storage: Mapping[str, object] | None = None) -> list[DataFile | Table]:
    """The files and tables that a source is made of.

    Args:
        source: see `shortlist.io.scan`.
        storage: how the object store of URLs is reached.

    Raises:
        DataError: a file is missing, empty or of an unknown format, or a folder holds none.
        ArgumentError: the source is of no known kind, or storage options are given without a URL.
    """
    parts = _parts(source, storage)
    if storage is not None and not any(is_url(one) for one in _leaves(source)):
        raise ArgumentError(
            "scan.storage_options",
            received=f"options {sorted(storage)} and no URL",
            expected="a source such as s3://bucket/folder/",
        )
    return parts


def source_columns(parts: Sequence[DataFile | Table]) -> pl.Schema:
    """Names and types of the columns of the first part of a source.

    Raises:
        DataError: it cannot be read.
    """
    first = parts[0]
    with reading(first.origin):
        frame = open_file(first, ()) if isinstance(first, DataFile) else first.frame
        return frame.collect_schema()


def open_source(parts: Sequence[DataFile | Table], *, text: Iterable[str], rows: int) -> Opened:
    """Open a source as slices of at most so many rows.

    Args:
        parts: what `parts_of` gave.
        text: columns to read as text from formats without types (CSV), and to find in every part.
        rows: largest number of rows of a slice.

    Raises:
        DataError: a file is unreadable, or no file has a row.
        SchemaError: parts do not have the same columns.
    """
    wanted = tuple(text)
    found = [piece for part in parts for piece in _cut(part, wanted, rows)]
    untyped = any(isinstance(part, DataFile) and not part.typed for part in parts)
    with reading("the source"):
        frames, notes = _aligned([piece.frame for piece in found], wanted, [piece.origin for piece in found])
    slices = packed([replace(p, frame=frame) for p, frame in zip(found, frames, strict=True)], rows)
    if all(isinstance(part, DataFile) for part in parts) and not any(piece.rows for piece in slices):
        raise DataError(
            _origin(parts), received="no rows", expected="at least one row", remedy="check the files"
        )
    return Opened(tuple(slices), notes, frozenset(wanted) if untyped else frozenset())


def _origin(parts: Sequence[DataFile | Table]) -> str:
    names = [part.name if isinstance(part, DataFile) else part.origin for part in parts]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _leaves(source: Source) -> Iterator[Any]:
    if isinstance(source, list | tuple):
        for one in source:
            yield from _leaves(one)
    else:
        yield source


def _parts(source: Source, storage: Mapping[str, object] | None) -> list[DataFile | Table]:
    if isinstance(source, str) and is_url(source):
        opened = open_url(source, storage)
        return [opened if isinstance(opened, DataFile) else Table(opened, source)]
    if isinstance(source, str | Path):
        table = open_table(Path(source).expanduser())
        return list(expand(source)) if table is None else [Table(table, str(source))]
    if isinstance(source, pl.LazyFrame | pl.DataFrame):
        return [Table(source.lazy(), _FRAME)]
    if isinstance(source, list | tuple):
        if not source:
            raise DataError("scan", received="an empty list", expected="at least one file or frame")
        return [part for one in source for part in _parts(one, storage)]
    return [Table(_foreign(source).lazy(), _FRAME)]


def _foreign(source: Any) -> pl.DataFrame:
    """A frame of pandas, Arrow or plain lists, as a Polars frame."""
    kind = type(source).__module__.partition(".")[0]
    try:
        if kind == "pandas":
            return pl.from_pandas(source)
        if kind == "pyarrow":
            frame = pl.from_arrow(source)
            return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()
        if isinstance(source, Mapping):
            return pl.DataFrame(dict(source))
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise SchemaError(
            "scan",
            received=f"a table that has no column types: {error}",
            expected="columns of one type each",
            remedy="convert mixed columns to text first",
        ) from error
    raise ArgumentError(
        "scan",
        received=f"a {type(source).__name__}",
        expected="a path, a glob, a folder, a Polars, pandas or Arrow table, a dict of lists, or a list",
    )


def _cut(part: DataFile | Table, text: tuple[str, ...], rows: int) -> list[Slice]:
    if isinstance(part, DataFile):
        with reading(part.origin):
            frame = open_file(part, text)
            return [
                Slice(frame.slice(start, count), count, part.name)
                for start, count in pieces(part, frame, rows)
            ]
    with reading(part.origin):
        return cut(part.frame, rows, part.origin)


def check_rows(where: str, rows: int) -> None:
    """Refuse a number of rows below 1."""
    if rows < 1:
        raise ArgumentError(where, received=rows, expected="an integer >= 1 of rows")


def cut(frame: pl.LazyFrame, rows: int, origin: str) -> list[Slice]:
    """Slices of at most so many rows of a frame; Parquet files tell their rows without being read."""
    total = int(frame.select(pl.len()).collect().item())
    starts = range(0, max(total, 1), rows)
    return [Slice(frame.slice(start, rows), min(rows, total - start), origin) for start in starts]


def packed(slices: list[Slice], rows: int) -> list[Slice]:
    """Neighbours joined while they stay within the number of rows."""
    groups: list[list[Slice]] = []
    for piece in slices:
        if groups and sum(other.rows for other in groups[-1]) + piece.rows <= rows:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return [group[0] if len(group) == 1 else _joined(group) for group in groups]


def _joined(group: list[Slice]) -> Slice:
    frame = pl.concat([piece.frame for piece in group])
    return Slice(frame, sum(piece.rows for piece in group), f"{group[0].origin} .. {group[-1].origin}")


def _aligned(
    frames: list[pl.LazyFrame], roles: tuple[str, ...], origins: list[str]
) -> tuple[list[pl.LazyFrame], tuple[str, ...]]:
    """Frames of the same columns and plain types; a column that a part lacks is null there."""
    schemas = [frame.collect_schema() for frame in frames]
    for schema, origin in zip(schemas, origins, strict=True):
        missing = [name for name in roles if name not in schema]
        if missing:
            raise SchemaError(
                origin,
                received=f"columns {schema.names()}",
                expected=f"column {missing[0]!r}, as in the other parts",
                remedy="read tables of different kinds one by one",
            )
    plain = [{name: plain_type(dtype) for name, dtype in schema.items()} for schema in schemas]
    notes = tuple(
        dict.fromkeys(
            f"column {name!r} of type {schemas[place][name]} cannot be used and is left out"
            for place, types in enumerate(plain)
            for name, dtype in types.items()
            if dtype is None
        )
    )
    kept = [pl.DataFrame(schema={n: d for n, d in types.items() if d is not None}) for types in plain]
    target = pl.concat(kept, how="diagonal_relaxed").schema
    return [_cast(frame, schema, target) for frame, schema in zip(frames, schemas, strict=True)], notes


def _cast(frame: pl.LazyFrame, schema: pl.Schema, target: pl.Schema) -> pl.LazyFrame:
    return frame.select(
        plain_column(name, schema[name], dtype) if name in schema else pl.lit(None, dtype).alias(name)
        for name, dtype in target.items()
    )
