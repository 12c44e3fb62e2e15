"""A data set as a folder of Parquet files with its schema."""

from pathlib import Path

import polars as pl

from shortlist.errors import DataError
from shortlist.io._atomic import atomic_folder
from shortlist.io._dataset import Dataset
from shortlist.io._files import reading
from shortlist.io._manifest import read_manifest, write_manifest
from shortlist.schema import Schema

__all__ = ["read_parquet", "write_parquet"]

_SCHEMA = "schema.json"
_FORMAT = 1


def write_parquet(dataset: Dataset, folder: Path | str) -> Dataset:
    """Write a data set, one file a partition, with its schema and the checksums of the files.

    The folder appears whole or not at all, even when it replaces the folder the data set is read from.

    Args:
        dataset: what to write; one partition at a time is in memory.
        folder: where to; replaced if it stands.

    Returns:
        The data set, read from the folder.

    Raises:
        DataError: the disk is full or the place cannot be written to; what stood there is as it was.

    >>> from tempfile import TemporaryDirectory
    >>> data = Dataset.of(pl.DataFrame({"a": [1, 2]}))
    >>> with TemporaryDirectory() as root:
    ...     write_parquet(data, Path(root) / "log").collect()["a"].to_list()
    [1, 2]
    """
    try:
        with atomic_folder(folder) as fresh:
            for place, part in enumerate(dataset.partitions):
                part.collect().write_parquet(fresh / f"part-{place:05}.parquet")
            (fresh / _SCHEMA).write_text(dataset.schema.to_json())
            write_manifest(fresh, {"kind": "dataset", "format": _FORMAT})
    except (OSError, pl.exceptions.ComputeError) as error:
        raise DataError(
            str(folder),
            received=f"{error}",
            expected="a place with room for the data",
            remedy="free some space or choose another folder; nothing was changed",
        ) from error
    return read_parquet(folder, verify=False)


def read_parquet(folder: Path | str, *, verify: bool = True) -> Dataset:
    """Read what `write_parquet` wrote, as it was: nothing is cleaned or inferred.

    Args:
        folder: the folder.
        verify: compare the checksums of all files first.

    Raises:
        DataError: the folder is not a written data set, or a file is missing or damaged; the file is named.
    """
    root = Path(folder)
    manifest = read_manifest(root, verify=verify)
    if manifest.get("kind") != "dataset" or manifest.get("format") != _FORMAT:
        raise DataError(
            str(folder),
            received=f"a folder of {manifest.get('kind')!r}, format {manifest.get('format')!r}",
            expected=f"a 'dataset' of format {_FORMAT}",
            remedy="read other Parquet files with scan",
        )
    schema = Schema.from_json((root / _SCHEMA).read_text())
    with reading(str(folder)):
        files = sorted(name for name in manifest["files"] if name.endswith(".parquet"))
        return Dataset.of([pl.scan_parquet(root / name, glob=False) for name in files], schema)
