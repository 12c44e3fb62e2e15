"""The files of a data set, partition by partition, on any worker; and the manifest that makes them one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import polars as pl

from shortlist.errors import ArgumentError, DataError, near
from shortlist.io._hive import folder_name
from shortlist.io._layout import Layout, PartFile
from shortlist.io._manifest import crc32, write_manifest
from shortlist.io._types import TIME_DTYPE
from shortlist.schema import Schema

__all__ = ["FORMAT", "SCHEMA", "finish_parquet", "part_number", "write_part"]

SCHEMA = "schema.json"
FORMAT = 2

# More would be a mistake: a column of ids, and a folder for each of them.
_MOST_FOLDERS = 10_000


def write_part(
    frame: pl.DataFrame, folder: Path, number: int, layout: Layout | None = None, *, piece: int | None = None
) -> list[PartFile]:
    """Write one partition of a data set, one file for each folder that its rows go to.

    Each file is written under a temporary name and renamed, so writing the partition again, on this worker
    or another, gives the same files. Call `finish_parquet` once when all partitions are written.

    Args:
        frame: the rows; those of one folder keep their order.
        folder: the folder of the data set.
        number: place of the partition among the others, from 0.
        layout: how the rows are laid out.
        piece: place of the rows within a partition that is written in pieces; None where it is written whole.

    Returns:
        The files, in the order in which their folders first occur; none for a frame without rows that is
        laid out in folders.

    Raises:
        ArgumentError: a column of ``partition_by`` is missing, has a type that cannot name a folder, or has
            more than 10,000 values; or no other column is left.
        DataError: the disk is full or the place cannot be written to.

    >>> from tempfile import TemporaryDirectory
    >>> frame = pl.DataFrame({"day": [1, 2, 1], "item": ["a", "b", "c"]})
    >>> with TemporaryDirectory() as root:
    ...     files = write_part(frame, Path(root), 0, Layout(partition_by=("day",)))
    >>> [(file.name, file.rows) for file in files]
    [('day=1/part-00000.parquet', 2), ('day=2/part-00000.parquet', 1)]
    """
    form = Layout() if layout is None else layout
    name = f"part-{number:05}.parquet" if piece is None else f"part-{number:05}-{piece:04}.parquet"
    if not form.partition_by:
        return [_write(frame, folder, name, form)]
    _check(frame, form.partition_by)
    groups = frame.partition_by(form.partition_by, as_dict=True, include_key=False, maintain_order=True)
    files = []
    for values, rows in groups.items():
        names = [folder_name(*pair) for pair in zip(form.partition_by, values, strict=True)]
        files.append(_write(rows, folder, "/".join([*names, name]), form))
    return files


def part_number(name: str) -> int:
    """The place of the partition that a file holds rows of."""
    return int(name.rpartition("/")[2].removesuffix(".parquet").split("-")[1])


def finish_parquet(
    folder: Path, schema: Schema, parts: Sequence[Sequence[PartFile]], layout: Layout | None = None
) -> None:
    """Make the written partitions of a folder a data set: write its schema and its manifest.

    Files that are none of these (left by a worker that was killed) are removed.

    Args:
        folder: the folder of the data set, best one of `atomic_folder`.
        schema: schema of the data set.
        parts: what `write_part` gave for each partition, in order.
        layout: how the rows were laid out.

    Raises:
        DataError: the disk is full or the place cannot be written to.
    """
    form = Layout() if layout is None else layout
    files = {file.name: file.facts() for part in parts for file in part}
    facts = {
        "kind": "dataset",
        "format": FORMAT,
        "parts": len(parts),
        "rows": sum(file.rows for part in parts for file in part),
        "partition_by": list(form.partition_by),
    }
    with _writing(folder):
        for path in folder.rglob("*"):
            if path.is_file() and path.relative_to(folder).as_posix() not in files:
                path.unlink()
        (folder / SCHEMA).write_text(schema.to_json())
        write_manifest(folder, facts, known=files)


def _write(rows: pl.DataFrame, folder: Path, name: str, layout: Layout) -> PartFile:
    path = folder / name
    fresh = path.with_name(f".{path.name}.{uuid4().hex}")
    with _writing(folder):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            rows.write_parquet(fresh, compression=layout.compression, row_group_size=layout.row_group_rows)
            written = PartFile(name, rows.height, fresh.stat().st_size, crc32(fresh))
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
    return written


def _check(frame: pl.DataFrame, partition_by: tuple[str, ...]) -> None:
    where = "Layout.partition_by"
    for name in partition_by:
        if name not in frame.columns:
            raise ArgumentError(
                where, received=name, expected="a column of the data", remedy=near(name, frame.columns)
            )
        dtype = frame.schema[name]
        if not (dtype.is_integer() or dtype in (pl.String(), pl.Boolean(), pl.Date(), TIME_DTYPE)):
            raise ArgumentError(
                where,
                received=f"column {name!r} of type {dtype}",
                expected="whole numbers, text, bools or times",
                remedy="bucket or round it into a column of its own",
            )
    if len(partition_by) == frame.width:
        raise ArgumentError(where, received=partition_by, expected="a column that stays in the files")
    folders = frame.select(pl.struct(partition_by).n_unique()).item() if frame.height else 0
    if folders > _MOST_FOLDERS:
        raise ArgumentError(
            where,
            received=f"{folders} folders for one partition",
            expected=f"at most {_MOST_FOLDERS}",
            remedy="partition by a column of fewer values, such as the day",
        )


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Say what went wrong while writing to a folder.

    Raises:
        DataError: the disk is full or the place cannot be written to.
    """
    try:
        yield
    except (OSError, pl.exceptions.ComputeError) as error:
        raise DataError(
            str(folder),
            received=str(error),
            expected="a place with room for the data",
            remedy="free some space or choose another folder; nothing was changed",
        ) from error
