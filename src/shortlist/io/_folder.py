"""A data set as a folder of Parquet files with its schema."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import polars as pl

from shortlist.errors import DataError
from shortlist.io._atomic import atomic_folder
from shortlist.io._dataset import Dataset
from shortlist.io._files import reading
from shortlist.io._hive import scan_folders
from shortlist.io._layout import Compression, Layout
from shortlist.io._manifest import read_manifest
from shortlist.io._types import empty_frame, frame_type
from shortlist.io._write import FORMAT, SCHEMA, finish_parquet, part_number, write_part
from shortlist.schema import Schema

__all__ = ["read_parquet", "write_parquet"]


def write_parquet(
    dataset: Dataset,
    folder: Path | str,
    *,
    partition_by: tuple[str, ...] = (),
    compression: Compression = "snappy",
    row_group_rows: int = 128_000,
) -> Dataset:
    """Write a data set with its schema and the sizes, rows and checksums of its files.

    Without ``partition_by`` there is one file a partition. With it, the rows of a partition are spread over
    folders named by their values (``day=2024-01-01/part-00000.parquet``; null is
    ``__HIVE_DEFAULT_PARTITION__``), as Spark, DuckDB and Polars read them.

    The folder appears whole or not at all, even when it replaces the folder the data set is read from.

    Args:
        dataset: what to write; one partition at a time is in memory.
        folder: where to; replaced if it stands.
        partition_by: columns whose values name the folders; the files do not hold them.
        compression: of the files; see `Layout`.
        row_group_rows: largest number of rows of a row group.

    Returns:
        The data set, read from the folder: the same partitions. With ``partition_by`` the rows of each
        partition are gathered by folder, the folders in the order in which they first occur.

    Raises:
        DataError: the disk is full or the place cannot be written to; what stood there is as it was.
        ArgumentError: an option is wrong, or a column cannot name folders.

    >>> from tempfile import TemporaryDirectory
    >>> data = Dataset.of(pl.DataFrame({"a": [1, 2, 3], "day": ["mon", "tue", "tue"]}))
    >>> with TemporaryDirectory() as root:
    ...     back = write_parquet(data, f"{root}/log", partition_by=("day",))
    ...     back.collect().equals(data.collect()), sorted(path.name for path in Path(root, "log").iterdir())
    (True, ['day=mon', 'day=tue', 'manifest.json', 'schema.json'])
    """
    layout = Layout(tuple(partition_by), compression, row_group_rows)
    with atomic_folder(folder) as fresh:
        parts = [
            write_part(part.collect(), fresh, number, layout)
            for number, part in enumerate(dataset.partitions)
        ]
        finish_parquet(fresh, dataset.schema, parts, layout)
    return read_parquet(folder, verify=False)


def read_parquet(folder: Path | str, *, verify: bool = True) -> Dataset:
    """Read what `write_parquet` wrote, as it was: nothing is cleaned or inferred.

    Columns that name folders come back in the types that the schema says.

    Args:
        folder: the folder.
        verify: compare the checksums of all files first (reads them); otherwise their sizes only.

    Raises:
        DataError: the folder is not a written data set, or a file is missing or damaged; the file is named.
    """
    root = Path(folder)
    manifest = read_manifest(root, verify=verify)
    if manifest.get("kind") != "dataset" or manifest.get("format") != FORMAT:
        raise DataError(
            str(folder),
            received=f"a folder of {manifest.get('kind')!r}, format {manifest.get('format')!r}",
            expected=f"a 'dataset' of format {FORMAT}",
            remedy="read other Parquet files with scan",
        )
    schema = Schema.from_json((root / SCHEMA).read_text())
    with reading(str(folder)):
        return Dataset.of(_partitions(root, manifest, schema), schema)


def _partitions(root: Path, manifest: dict[str, Any], schema: Schema) -> list[pl.LazyFrame]:
    types = {name: frame_type(schema[name].dtype) for name in manifest["partition_by"]}
    files = defaultdict[int, list[str]](list)
    for name in manifest["files"]:
        if name.endswith(".parquet"):
            files[part_number(name)].append(name)
    # A partition without rows has no folder, hence no file; it has the types of the others.
    read = {number: scan_folders(root, names, types).select(schema.names) for number, names in files.items()}
    empty = next(iter(read.values())).clear() if read else empty_frame(schema).lazy()
    return [read.get(number, empty) for number in range(manifest["parts"])]
