"""Texts of a table to vectors in a Parquet file."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from shortlist.errors import DataError, SchemaError
from shortlist.features.ops import TextEmbed
from shortlist.features.text import Embedder
from shortlist.io import Dataset
from shortlist.report import Line, bar, duration

__all__ = ["embed_texts", "write_vectors"]

# Rows of a row group; memory is so many vectors.
_ROWS = 4096
_TEXT = "\0text"


def embed_texts(texts: Iterable[str | None], embed: TextEmbed) -> npt.NDArray[np.float32]:
    """Float32 [N, D]: the vectors that `TextEmbed` gives; zeros for None and empty texts.

    Args:
        texts: the texts.
        embed: the model and its options.

    Raises:
        DataError: the model is missing, damaged, or of a form that cannot be served.
        MissingExtraError: the extra ``text`` is not installed.
    """
    return embed.embedder().embed(list(texts))


def write_vectors(
    rows: Dataset,
    path: str | Path,
    *,
    id_column: str,
    text: str | Sequence[str],
    embed: TextEmbed,
    shown: bool | None = False,
) -> int:
    """Embed a table's texts and write one vector a row: the id's column, and ``vector`` of D float32.

    Several text columns are read as one text, with a line break between them; nulls are left out. A text that
    is missing gets a vector of zeros. Rows are read and written piece by piece, in their order. The file
    appears whole or not at all; with a cache, a run that was stopped goes on where it was.

    Args:
        rows: the table.
        path: the Parquet file, replaced if it stands.
        id_column: name of the column of ids, of any type.
        text: names of the columns of text.
        embed: the model and its options.
        shown: whether to draw progress on the standard error stream; None for only on a terminal.

    Returns:
        Number of rows.

    Raises:
        SchemaError: a column is missing, or holds no text.
        DataError: the model is missing or damaged, or the file cannot be written.
        MissingExtraError: the extra ``text`` is not installed.
    """
    names = [text] if isinstance(text, str) else list(text)
    known = rows.schema.select(list(dict.fromkeys([id_column, *names])))
    for column in (known[name] for name in names):
        if column.dtype != "string" or column.shape.kind != "scalar":
            raise SchemaError(
                f"column {column.name!r}",
                received=f"a {column.shape.kind} of {column.dtype}",
                expected="one text a row",
                remedy="name a column of text",
            )
    embedder = embed.embedder()
    whole = pl.concat_str(names, separator="\n", ignore_nulls=True)
    with _whole(Path(path)) as fresh:
        return _write(_pieces(rows, id_column, whole), embedder, fresh, _Progress(shown, rows))


class _Progress:
    """Share done, speed and time left, redrawn in place."""

    def __init__(self, shown: bool | None, rows: Dataset) -> None:
        self._line = Line(shown)
        self._total = 0 if shown is False else rows.count()
        self._started = time.monotonic()

    def update(self, done: int) -> None:
        """Draw, at most ten times a second."""
        now = self._line.due()
        if now is None:
            return
        speed = done / max(now - self._started, 1e-9)
        left = duration((self._total - done) / speed)
        self._line.draw(
            f"{bar(done / self._total)} {done:,} of {self._total:,} texts  {speed:,.0f}/s  {left} left"
        )

    def close(self) -> None:
        """Clear the line."""
        self._line.close()


def _pieces(rows: Dataset, id_column: str, text: pl.Expr) -> Iterator[tuple[pl.Series, list[str]]]:
    """Ids and texts, a row group at a time; at least one piece, which may be empty."""
    for place, part in enumerate(rows.partitions):
        frame = part.select(pl.col(id_column), text.alias(_TEXT)).collect()
        pieces = frame.iter_slices(_ROWS) if len(frame) or place else [frame]
        yield from ((piece[id_column], piece[_TEXT].to_list()) for piece in pieces)


def _write(
    pieces: Iterable[tuple[pl.Series, list[str]]], embedder: Embedder, path: Path, progress: _Progress
) -> int:
    done, writer = 0, None
    try:
        for ids, texts in pieces:
            table = _table(ids, embedder.embed(texts))
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            done += len(ids)
            progress.update(done)
    finally:
        progress.close()
        if writer is not None:
            writer.close()
    return done


def _table(ids: pl.Series, vectors: npt.NDArray[np.float32]) -> pa.Table:
    width = vectors.shape[1]
    lists = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), width)
    return pa.table({ids.name: ids.to_arrow(), "vector": lists})


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """A file beside its place, put there when it is whole.

    Raises:
        DataError: it cannot be written.
    """
    fresh = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield fresh
        fresh.replace(target)
    except OSError as error:
        raise DataError(
            str(target),
            received=str(error),
            expected="a place with room for the vectors",
            remedy="free some space or choose another path; nothing was changed",
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
