"""What can be read: files, globs, folders and frames, as slices of one set of columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.io._files import expand, file_columns, open_file, pieces, reading
from shortlist.io._types import TIME_DTYPE, plain_type

__all__ = ["Opened", "Slice", "Source", "open_source", "source_columns"]

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


def source_columns(source: Source) -> pl.Schema:
    """Names and types of the columns of (the first part of) a source.

    Raises:
        DataError: a file is missing, empty or unreadable, or a folder holds none.
        ArgumentError: the source is of no known kind.
    """
    first = _parts(source)[0]
    return file_columns(first) if isinstance(first, Path) else first.collect_schema()


def open_source(source: Source, *, text: Iterable[str], rows: int) -> Opened:
    """Open a source as slices of at most so many rows.

    Args:
        source: see `shortlist.io.scan`.
        text: columns to read as text from formats without types (CSV), and to find in every part.
        rows: largest number of rows of a slice.

    Raises:
        DataError: a file is missing, empty or unreadable, a folder holds none, or no file has a row.
        SchemaError: parts do not have the same columns.
    """
    wanted = tuple(text)
    parts = _parts(source)
    found = [piece for part in parts for piece in _cut(part, wanted, rows)]
    untyped = (
        frozenset(wanted) if any(isinstance(p, Path) and _untyped(p) for p in parts) else frozenset[str]()
    )
    with reading("the source"):
        frames, notes = _aligned([piece.frame for piece in found], wanted, [piece.origin for piece in found])
    slices = _packed([replace(p, frame=frame) for p, frame in zip(found, frames, strict=True)], rows)
    if all(isinstance(part, Path) for part in parts) and not any(piece.rows for piece in slices):
        raise DataError(
            _origin(parts), received="no rows", expected="at least one row", remedy="check the files"
        )
    return Opened(tuple(slices), notes, untyped)


def _untyped(path: Path) -> bool:
    return not path.name.lower().endswith((".parquet", ".pq", ".arrow", ".feather", ".ipc"))


def _origin(parts: Sequence[Path | pl.LazyFrame]) -> str:
    names = [part.name for part in parts if isinstance(part, Path)]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _parts(source: Source) -> list[Path | pl.LazyFrame]:
    if isinstance(source, str | Path):
        return list(expand(source))
    if isinstance(source, pl.LazyFrame | pl.DataFrame):
        return [source.lazy()]
    if isinstance(source, list | tuple):
        if not source:
            raise DataError("scan", received="an empty list", expected="at least one file or frame")
        return [part for one in source for part in _parts(one)]
    return [_foreign(source).lazy()]


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


def _cut(part: Path | pl.LazyFrame, text: tuple[str, ...], rows: int) -> list[Slice]:
    if isinstance(part, Path):
        with reading(str(part)):
            frame = open_file(part, text)
            return [
                Slice(frame.slice(start, count), count, part.name)
                for start, count in pieces(part, frame, rows)
            ]
    total = int(part.select(pl.len()).collect().item())
    starts = range(0, max(total, 1), rows)
    return [Slice(part.slice(start, rows), min(rows, total - start), "the frame") for start in starts]


def _packed(slices: list[Slice], rows: int) -> list[Slice]:
    """Neighbours joined while they stay within the number of rows."""
    packed: list[list[Slice]] = []
    for piece in slices:
        if packed and sum(other.rows for other in packed[-1]) + piece.rows <= rows:
            packed[-1].append(piece)
        else:
            packed.append([piece])
    return [group[0] if len(group) == 1 else _joined(group) for group in packed]


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
        _plain(name, schema[name], dtype) if name in schema else pl.lit(None, dtype).alias(name)
        for name, dtype in target.items()
    )


def _plain(name: str, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if isinstance(dtype, pl.Duration):
        column = column.dt.total_microseconds()
    return column if dtype == target else column.cast(target, strict=target != TIME_DTYPE)
