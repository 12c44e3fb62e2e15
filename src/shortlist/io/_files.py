"""One file: found, opened lazily, counted without reading its columns."""

from collections.abc import Iterator
from contextlib import contextmanager
from glob import has_magic
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from shortlist.errors import DataError, ShortlistError

__all__ = ["expand", "file_columns", "open_file", "pieces", "reading"]

_PARQUET = (".parquet", ".pq")
_ARROW = (".arrow", ".feather", ".ipc")
_TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".csv.zst")
_KNOWN = (*_PARQUET, *_ARROW, *_TEXT)
_SEPARATORS = ",;\t|"


def expand(source: str | Path) -> list[Path]:
    """The files that a path, a folder or a glob stands for, sorted by name.

    Raises:
        DataError: there is none, one is empty, or its format is unknown.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        files = [
            file for file in sorted(path.rglob("*")) if file.is_file() and _is_data(file.relative_to(path))
        ]
        if not files:
            raise DataError(
                str(source), received="a folder without data files", expected=f"files named {_KNOWN}"
            )
    elif path.exists():
        files = [path]
    else:
        files = (
            sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor)))) if has_magic(str(path)) else []
        )
        if not files:
            raise DataError(
                str(source),
                received="no such file",
                expected="a file, a folder or a glob that matches files",
                remedy=f"check the path; the current folder is {Path.cwd()}",
            )
    return [_checked(file) for file in files]


def _is_data(path: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.parts)
    return not hidden and path.name.lower().endswith(_KNOWN)


def _checked(file: Path) -> Path:
    if not file.name.lower().endswith(_KNOWN):
        raise DataError(
            str(file),
            received=f"a file named {file.name!r}",
            expected=f"a name that ends in one of {_KNOWN}",
            remedy="convert it to Parquet, CSV or Arrow, or pass a frame",
        )
    if file.stat().st_size == 0:
        raise DataError(
            str(file), received="an empty file", expected="a file with rows", remedy="write it again"
        )
    return file


@contextmanager
def reading(origin: str) -> Iterator[None]:
    """Turn what goes wrong while reading into an error that names the file.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        yield
    except ShortlistError:
        raise
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError) as error:
        raise DataError(
            origin,
            received=f"unreadable data ({str(error).splitlines()[0][:200]})",
            expected="a whole Parquet, CSV (UTF-8) or Arrow file",
            remedy="write or copy the file again",
        ) from error


def file_columns(path: Path) -> pl.Schema:
    """Names and types of a file's columns."""
    with reading(str(path)):
        return open_file(path, ()).collect_schema()


def open_file(path: Path, text: tuple[str, ...]) -> pl.LazyFrame:
    """A file as a lazy frame.

    Args:
        path: the file.
        text: columns to read as text where the format has no types.
    """
    name = path.name.lower()
    if name.endswith(_PARQUET):
        return pl.scan_parquet(path, glob=False)
    if name.endswith(_ARROW):
        return pl.scan_ipc(path, glob=False)
    return _open_text(path, text)


def _open_text(path: Path, text: tuple[str, ...]) -> pl.LazyFrame:
    """A delimited file. Types come from the first rows, or from all of them where the first mislead."""
    options = {"separator": _separator(path), "glob": False}
    overrides = dict.fromkeys(text, pl.String)
    frame = pl.scan_csv(path, schema_overrides=overrides, infer_schema_length=10_000, **options)  # type: ignore[arg-type]
    try:
        frame.select(pl.all().null_count()).collect(engine="streaming")
    except pl.exceptions.ComputeError:
        return pl.scan_csv(path, schema_overrides=overrides, infer_schema_length=None, **options)  # type: ignore[arg-type]
    return frame


def _separator(path: Path) -> str:
    header = pl.scan_csv(path, has_header=False, separator="\x01", quote_char=None, n_rows=1, glob=False)
    line = str(header.collect().item())
    return max(_SEPARATORS, key=line.count)


def pieces(path: Path, frame: pl.LazyFrame, rows: int) -> list[tuple[int, int]]:
    """Start and number of rows of the pieces of a file: whole row groups where they are known."""
    groups = [int(frame.select(pl.len()).collect().item())]
    if path.name.lower().endswith(_PARQUET):
        metadata = pq.read_metadata(path)
        groups = [metadata.row_group(place).num_rows for place in range(metadata.num_row_groups)]
    cut, start = list[tuple[int, int]](), 0
    for group in groups or [0]:
        cut += [(start + at, min(rows, group - at)) for at in range(0, max(group, 1), rows)]
        start += group
    return cut
