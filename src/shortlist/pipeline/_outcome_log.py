"""What people did, on disk, with the request that it came from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import polars as pl

from shortlist.pipeline._segments import Segments

__all__ = ["OutcomeLog"]

_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "request_id": pl.String,
    "user": pl.String,
    "item": pl.String,
    "time": pl.Datetime("us"),
    "weight": pl.Float32,
}


@final
class OutcomeLog:
    """A folder of Parquet files, one row an event; `join_log` reads it beside an `AnswerLog`.

    ==============  ===================  ==========================================================
    ``request_id``  string or null       of the answer that showed the item; null where it is not known
    ``user``        string or null       raw user id as text; null for an anonymous visitor
    ``item``        string               raw item id as text
    ``time``        datetime (us), UTC   when it happened
    ``weight``      float32              how strongly it says that the item was wanted
    ==============  ===================  ==========================================================

    Files are written as those of an `AnswerLog` are.

    Args:
        folder: where the files go; made when the first is written.
        segment_rows: events of a file; 1 writes every call to disk before it returns.

    Raises:
        ArgumentError: ``segment_rows`` is below 1.
    """

    def __init__(self, folder: Path | str, *, segment_rows: int = 1000) -> None:
        self.folder = Path(folder)
        self._segments = Segments(self.folder, "events", _SCHEMA, segment_rows)

    def add(
        self,
        ids: Sequence[str | None],
        users: Sequence[Any],
        items: Sequence[Any],
        times: Sequence[int],
        weights: Sequence[float],
    ) -> None:
        """Keep events: request ids, raw user and item ids, times in microseconds since 1970 UTC, weights."""
        people = [None if user is None else str(user) for user in users]
        things = [str(item) for item in items]
        self._segments.add(list(zip(ids, people, things, times, weights, strict=True)))

    def flush(self) -> None:
        """Write what was gathered."""
        self._segments.flush()

    def close(self) -> None:
        """Write what was gathered; the log may be used on."""
        self.flush()

    def read(self) -> pl.LazyFrame:
        """Every event on disk, file after file."""
        return self._segments.read()
