"""One file: found, opened lazily, counted without reading its columns."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from glob import has_magic
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from shortlist.errors import DataError, ShortlistError
from shortlist.io._hive import folder_types, folder_values, with_values

__all__ = ["KNOWN", "DataFile", "expand", "open_file", "pieces", "reading"]

_PARQUET = (".parquet", ".pq")
_ARROW = (".arrow", ".feather", ".ipc")
_TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".csv.zst")
KNOWN = (*_PARQUET, *_ARROW, *_TEXT)
_SEPARATORS = ",;\t|"
_ROWS = "__rows"


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that can be read.

    Attributes:
        path: where it is; a text is a URL, or a glob of URLs.
        values: text of the value of each column that its folders name; None is null.
        types: types of these columns.
        storage: how the object store of a URL is reached.
    """

    path: Path | str
    values: Mapping[str, str | None] = field(default_factory=dict)
    types: Mapping[str, pl.DataType] = field(default_factory=dict)
    storage: Mapping[str, object] | None = None

    @property
    def origin(self) -> str:
        """The path; of a URL without what follows a ``?``, which may be a secret."""
        return self.path.partition("?")[0] if isinstance(self.path, str) else str(self.path)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return Path(self.origin).name

    @property
    def typed(self) -> bool:
        """Whether the format says what type each column has."""
        return self.name.lower().endswith((*_PARQUET, *_ARROW))


def expand(source: str | Path) -> list[DataFile]:
    """The files that a path, a folder or a glob stands for, sorted by name.

    Folders below the given one (below the part of a glob that is fixed) that are named ``column=value`` add
    these columns to the files in them.

    Raises:
        DataError: there is none, one is empty, its format is unknown, or folders name different columns.
    """
    path = Path(source).expanduser()
    root = next(place for place in (path, *path.parents) if place.exists() or not has_magic(str(place)))
    found = [path] if path.exists() else _matches(path, root)
    files = [file for place in found for file in (_inside(place) if place.is_dir() else [place])]
    if not found:
        raise DataError(
            str(source),
            received="no such file",
            expected="a file, a folder or a glob that matches files",
            remedy=f"check the path; the current folder is {Path.cwd()}",
        )
    if not files:
        raise DataError(str(source), received="a folder without data files", expected=f"files named {KNOWN}")
    values = {file: folder_values(file.relative_to(root)) for file in files}
    types = folder_types(values)
    return [DataFile(_checked(file), own, types) for file, own in values.items()]


def _matches(path: Path, root: Path) -> list[Path]:
    return sorted(root.glob(str(path.relative_to(root)))) if has_magic(str(path)) else []


def _inside(folder: Path) -> list[Path]:
    files = [file for file in folder.rglob("*") if _is_data(file.relative_to(folder)) and file.is_file()]
    return sorted(files)


def _is_data(path: Path) -> bool:
    hidden = any(part.startswith(".") or (part.startswith("_") and "=" not in part) for part in path.parts)
    return not hidden and path.name.lower().endswith(KNOWN)


def _checked(file: Path) -> Path:
    if not file.name.lower().endswith(KNOWN):
        raise DataError(
            str(file),
            received=f"a file named {file.name!r}",
            expected=f"a name that ends in one of {KNOWN}",
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


def open_file(file: DataFile, text: tuple[str, ...]) -> pl.LazyFrame:
    """A file as a lazy frame, with the columns that its folders name.

    Args:
        file: the file.
        text: columns to read as text where the format has no types.
    """
    return with_values(_open(file, text), file.values, file.types)


def _open(file: DataFile, text: tuple[str, ...]) -> pl.LazyFrame:
    name = file.name.lower()
    remote = isinstance(file.path, str)
    many = remote and has_magic(str(file.path))
    storage = dict(file.storage) if file.storage is not None else None
    if name.endswith(_PARQUET):
        return pl.scan_parquet(file.path, glob=many, hive_partitioning=many, storage_options=storage)
    if name.endswith(_ARROW):
        return pl.scan_ipc(file.path, glob=many, hive_partitioning=many, storage_options=storage)
    return _open_text(file.path, text, many, storage)


def _open_text(
    path: Path | str, text: tuple[str, ...], many: bool, storage: dict[str, object] | None
) -> pl.LazyFrame:
    """A delimited file. Types come from the first rows, or from all of them where the first mislead."""
    options: dict[str, object] = {"glob": many, "storage_options": storage}
    line = pl.scan_csv(path, has_header=False, separator="\x01", quote_char=None, n_rows=1, **options)  # type: ignore[arg-type]
    header = str(line.collect().item())
    options["separator"] = max(_SEPARATORS, key=header.count)
    options["schema_overrides"] = dict.fromkeys(text, pl.String)
    try:
        return _parsed(pl.scan_csv(path, infer_schema_length=10_000, **options))  # type: ignore[arg-type]
    except pl.exceptions.ComputeError:
        return _parsed(pl.scan_csv(path, infer_schema_length=None, **options))  # type: ignore[arg-type]


def _parsed(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The frame, if all of it can be read.

    Raises:
        ComputeError: a row is broken.
    """
    # Counting alone does not parse: behind a quote that never ends it would miss rows without a word.
    whole = frame.select(pl.len().alias(_ROWS), pl.all().null_count()).collect(engine="streaming")
    parsed, counted = int(whole[_ROWS].item()), int(frame.select(pl.len()).collect().item())
    if parsed != counted:
        raise pl.exceptions.ComputeError(f"a quote is open: {counted} rows by lines, {parsed} by fields")
    return frame


def pieces(file: DataFile, frame: pl.LazyFrame, rows: int) -> list[tuple[int, int]]:
    """Start and number of rows of the pieces of a file: whole row groups where they are known."""
    if isinstance(file.path, Path) and file.name.lower().endswith(_PARQUET):
        metadata = pq.read_metadata(file.path)
        groups = [metadata.row_group(place).num_rows for place in range(metadata.num_row_groups)]
    else:
        groups = [int(frame.select(pl.len()).collect().item())]
    cut, start = list[tuple[int, int]](), 0
    for group in groups or [0]:
        cut += [(start + at, min(rows, group - at)) for at in range(0, max(group, 1), rows)]
        start += group
    return cut
