"""Tables that are folders of files and a log of which of them count: Delta and Iceberg."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from shortlist.errors import DataError
from shortlist.extras import need
from shortlist.io._files import reading

__all__ = ["METADATA", "open_delta", "open_iceberg", "open_table"]

METADATA = ".metadata.json"
_VERSION = re.compile(r"v?(\d+)")


def open_table(path: Path) -> pl.LazyFrame | None:
    """The newest rows of a Delta table, an Iceberg table or an Iceberg metadata file; None for anything else.

    Raises:
        MissingExtraError: the reader of the format is not installed.
        DataError: the table cannot be read, or which version of it is the newest cannot be told.
    """
    if path.name.endswith(METADATA) and path.is_file():
        return open_iceberg(str(path), None)
    if (path / "_delta_log").is_dir():
        return open_delta(str(path), None)
    versions = list(path.glob(f"metadata/*{METADATA}"))
    return open_iceberg(str(_newest(path, versions)), None) if versions else None


def open_delta(place: str, storage: Mapping[str, object] | None) -> pl.LazyFrame:
    """The newest rows of a Delta table, those that were deleted left out.

    Raises:
        MissingExtraError: the package ``deltalake`` is not installed.
        DataError: the table cannot be read.
    """
    deltalake = need("deltalake", use="reading a Delta table")
    options = None if storage is None else dict(storage)
    try:
        with reading(place):
            # Every slice of the frame must be of one version, whatever is written meanwhile.
            version = deltalake.DeltaTable(place, storage_options=options).version()
            frame = pl.scan_delta(place, version=version, storage_options=options)
            frame.collect_schema()
            return frame
    except deltalake.exceptions.DeltaError as error:
        raise _unreadable(place, "Delta", error) from error


def open_iceberg(metadata: str, storage: Mapping[str, object] | None) -> pl.LazyFrame:
    """The rows of an Iceberg table as one of its metadata files has them.

    Raises:
        MissingExtraError: the package ``pyiceberg`` is not installed.
        DataError: the table cannot be read.
    """
    exceptions = need("pyiceberg.exceptions", use="reading an Iceberg table")
    try:
        with reading(metadata):
            frame = pl.scan_iceberg(metadata, storage_options=None if storage is None else dict(storage))
            frame.collect_schema()
            return frame
    except (KeyError, TypeError, ValueError, exceptions.ValidationError) as error:
        raise _unreadable(metadata, "Iceberg", error) from error


def _unreadable(place: str, kind: str, error: Exception) -> DataError:
    return DataError(
        place,
        received=f"unreadable data ({str(error).splitlines()[0][:200]})",
        expected=f"a whole {kind} table",
        remedy="restore its log, or read single files by a glob that names them",
    )


def _newest(table: Path, versions: Iterable[Path]) -> Path:
    """The metadata file that the table's hint names, else the one of the highest version."""
    hint = table / "metadata" / "version-hint.text"
    named = hint.with_name(f"v{hint.read_text().strip()}{METADATA}") if hint.is_file() else None
    if named is not None and named.is_file():
        return named
    numbers = {path: int(found[1]) for path in versions if (found := _VERSION.match(path.name))}
    newest = [path for path, number in numbers.items() if number == max(numbers.values())]
    if len(newest) != 1:
        raise DataError(
            str(table),
            received=f"{len(newest)} metadata files of the newest version",
            expected="one, or a version-hint.text",
            remedy="name the metadata file, or pass what pl.scan_iceberg gives for the table of a catalog",
        )
    return newest[0]
