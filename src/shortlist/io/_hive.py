"""Folders that are named by values: ``day=2024-01-01/shop=7/``."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from urllib.parse import quote, unquote

import polars as pl

from shortlist.errors import DataError
from shortlist.io._types import TIME_DTYPE

__all__ = ["folder_name", "folder_types", "folder_values", "scan_folders", "with_values"]

_NOTHING = "__HIVE_DEFAULT_PARTITION__"
_TIME = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d.*)?")


def folder_name(column: str, value: object) -> str:
    """The folder of one value; null is ``__HIVE_DEFAULT_PARTITION__``, a time at midnight its date.

    Raises:
        DataError: the value is the text that stands for null.

    >>> folder_name("day", datetime(2024, 1, 2)), folder_name("shop", "a/b"), folder_name("shop", None)
    ('day=2024-01-02', 'shop=a%2Fb', 'shop=__HIVE_DEFAULT_PARTITION__')
    """
    if value == _NOTHING:
        raise DataError(
            f"column {column!r}",
            received=f"the text {_NOTHING}",
            expected="texts that do not stand for null in the name of a folder",
            remedy="replace it by null or by another text",
        )
    return f"{column}={_NOTHING if value is None else quote(_text(value), safe=' ')}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return str(value.date()) if value.time() == time() else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else str(value)


def folder_values(path: Path) -> dict[str, str | None]:
    """Column -> text of its value, read off the folders of a relative path.

    >>> folder_values(Path("day=2024-01-02/shop=a%2Fb/part.parquet"))
    {'day': '2024-01-02', 'shop': 'a/b'}
    """
    pairs = (part.split("=", maxsplit=1) for part in path.parts[:-1] if "=" in part[1:])
    return {name: None if text == _NOTHING else unquote(text) for name, text in pairs}


def folder_types(values: Mapping[Path, Mapping[str, str | None]]) -> dict[str, pl.DataType]:
    """The type that holds every value of each column: int64, else datetime, else text.

    Args:
        values: file -> column -> text of its value; at least one file.

    Raises:
        DataError: the folders of two files name different columns.
    """
    first, wanted = next(iter(values.items()))
    for path, own in values.items():
        if own.keys() != wanted.keys():
            raise DataError(
                str(path),
                received=f"folders that name the columns {list(own)}",
                expected=f"the columns {list(wanted)}, as of {first}",
                remedy="read folders of different kinds one by one",
            )
    return {name: _type_of({own[name] for own in values.values()} - {None}) for name in wanted}


def _type_of(texts: Iterable[str | None]) -> pl.DataType:
    known = [text for text in texts if text is not None]
    for dtype in (pl.Int64(), TIME_DTYPE):
        try:
            pl.Series([_value(text, dtype) for text in known], dtype=dtype)
        except (OverflowError, TypeError, ValueError):
            continue
        return dtype if known else pl.String()
    return pl.String()


def _value(text: str | None, dtype: pl.DataType) -> object:
    """The value that a folder's text stands for.

    Raises:
        ValueError: the text is none of the type.
    """
    if text is None or dtype == pl.String():
        return text
    if dtype == pl.Boolean():
        return {"true": True, "false": False}[text]
    if dtype.is_integer():
        return int(text)
    if _TIME.fullmatch(text) is None:
        raise ValueError(text)
    when = datetime.fromisoformat(text)
    return when if when.tzinfo is None else when.astimezone(UTC).replace(tzinfo=None)


def with_values(
    frame: pl.LazyFrame, values: Mapping[str, str | None], types: Mapping[str, pl.DataType]
) -> pl.LazyFrame:
    """A file's rows with the columns that its folders name; they win over columns of the file."""
    named = [pl.lit(_value(text, types[name]), types[name]).alias(name) for name, text in values.items()]
    return frame.with_columns(named) if named else frame


def scan_folders(root: Path, files: Sequence[str], types: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """Parquet files in the order given, with the columns that their folders name.

    A filter on such a column reads only the files that can pass it.

    Args:
        root: the folder of the data set.
        files: paths below it.
        types: column that folders name -> its type.
    """
    paths = [root.absolute() / name for name in files]
    if not types:
        return pl.scan_parquet(paths, glob=False)
    above = dict.fromkeys(folder_values(root.absolute() / "part"), pl.String())
    if above.keys() & types.keys():
        own = [folder_values(Path(name)) for name in files]
        return pl.concat(
            with_values(pl.scan_parquet(path, glob=False), values, types)
            for path, values in zip(paths, own, strict=True)
        )
    # The scanner takes every folder of a path that has a "=" for a column, those above the root too.
    rows = pl.scan_parquet(
        [path.absolute() for path in paths],
        glob=False,
        hive_partitioning=True,
        hive_schema={**above, **types},
    )
    return rows.drop(above) if above else rows
