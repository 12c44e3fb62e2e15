"""Answers on disk, to be joined later with what people took."""

import os
import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any, final

import polars as pl

from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError
from shortlist.io import atomic_write
from shortlist.pipeline._answer import source_names
from shortlist.pipeline._state import State

__all__ = ["AnswerLog"]

_TIME = pl.Datetime("us")
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "request_id": pl.String,
    "user": pl.String,
    "time": _TIME,
    "items": pl.List(pl.String),
    "positions": pl.List(pl.Int32),
    "scores": pl.List(pl.Float32),
    "sources": pl.List(pl.String),
    "bundle": pl.String,
}


@final
class AnswerLog:
    """A folder of Parquet files, one row an answer.

    ==============  ===================  =====================================================
    ``request_id``  string or null       as the request said
    ``user``        string or null       raw user id as text; null for an anonymous visitor
    ``time``        datetime (us), UTC   when it was asked
    ``items``       list of string       raw item ids as text, in the order shown
    ``positions``   list of int32        place of each in the list, from 1
    ``scores``      list of float32      score of each
    ``sources``     list of string       name of the source of each
    ``bundle``      string               version of the bundle that answered
    ==============  ===================  =====================================================

    Rows are gathered and written as a segment once there are ``segment_rows``, and at `flush` and `close`. A
    segment is on disk and whole, or not there; a crash loses at most the rows that were not flushed. Several
    processes may share a folder.

    Args:
        folder: where the segments go; made when the first is written.
        bundle: version of the bundle.
        segment_rows: answers of a segment; 1 writes every call to disk before it returns.
    """

    def __init__(self, folder: Path | str, *, bundle: str = "", segment_rows: int = 1000) -> None:
        if segment_rows < 1:
            raise ArgumentError("AnswerLog.segment_rows", received=segment_rows, expected="an integer >= 1")
        self.folder = Path(folder)
        self.bundle = bundle
        self.segment_rows = segment_rows
        self._rows: list[tuple[Any, ...]] = []
        self._lock = Lock()
        self._written = 0

    def add(self, requests: Requests, found: Candidates, state: State) -> None:
        """Keep the answers to a batch of requests."""
        ids = [str(item) for item in state.items.take(found.items).tolist()]
        sources, scores = source_names(found), found.scores.tolist()
        names: Sequence[str | None] = requests.ids or [None] * len(requests)
        bounds = zip(found.offsets[:-1].tolist(), found.offsets[1:].tolist(), strict=True)
        moments = state.times(requests).tolist()
        rows = [
            (
                name,
                None if user is None else str(user),
                moment,
                ids[low:high],
                list(range(1, high - low + 1)),
                scores[low:high],
                sources[low:high],
                self.bundle,
            )
            for name, user, moment, (low, high) in zip(names, requests.users, moments, bounds, strict=True)
        ]
        with self._lock:
            self._rows += rows
            if len(self._rows) >= self.segment_rows:
                self._write()

    def flush(self) -> None:
        """Write what was gathered."""
        with self._lock:
            self._write()

    def close(self) -> None:
        """Write what was gathered; the log may be used on."""
        self.flush()

    def read(self) -> pl.LazyFrame:
        """Every answer on disk, segment after segment."""
        paths = sorted(self.folder.glob("answers-*.parquet"))
        return pl.scan_parquet(paths) if paths else pl.LazyFrame(schema=_SCHEMA)

    def _write(self) -> None:
        if not self._rows:
            return
        frame = pl.DataFrame(self._rows, schema={**_SCHEMA, "time": pl.Int64}, orient="row")
        buffer = BytesIO()
        frame.with_columns(pl.col("time").cast(_TIME)).write_parquet(buffer)
        name = f"answers-{time.time_ns():020d}-{os.getpid()}-{self._written:06d}.parquet"
        atomic_write(self.folder / name, buffer.getvalue())
        self._written += 1
        self._rows = []
