"""Answers on disk, to be joined later with what people took."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import polars as pl

from shortlist.data import Candidates, Requests
from shortlist.pipeline._answer import source_names
from shortlist.pipeline._segments import Segments
from shortlist.pipeline._stage import PROPENSITY
from shortlist.pipeline._state import State

__all__ = ["AnswerLog"]

_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "request_id": pl.String,
    "user": pl.String,
    "time": pl.Datetime("us"),
    "items": pl.List(pl.String),
    "positions": pl.List(pl.Int32),
    "scores": pl.List(pl.Float32),
    "propensities": pl.List(pl.Float32),
    "sources": pl.List(pl.String),
    "bundle": pl.String,
}


@final
class AnswerLog:
    """A folder of Parquet files, one row an answer.

    ================  ===================  =====================================================
    ``request_id``    string or null       as the request said
    ``user``          string or null       raw user id as text; null for an anonymous visitor
    ``time``          datetime (us), UTC   when it was asked
    ``items``         list of string       raw item ids as text, in the order shown
    ``positions``     list of int32        place of each in the list, from 1
    ``scores``        list of float32      score of each
    ``propensities``  list of float32      chance of each to come to its place; null where none draws
    ``sources``       list of string       name of the source of each
    ``bundle``        string               version of the bundle that answered
    ================  ===================  =====================================================

    Rows are gathered and written as a segment once there are ``segment_rows``, and at `flush` and `close`. A
    segment is on disk and whole, or not there; a crash loses at most the rows that were not flushed. Several
    processes may share a folder.

    Args:
        folder: where the segments go; made when the first is written.
        bundle: version of the bundle.
        segment_rows: answers of a segment; 1 writes every call to disk before it returns.

    Raises:
        ArgumentError: ``segment_rows`` is below 1.
    """

    def __init__(self, folder: Path | str, *, bundle: str = "", segment_rows: int = 1000) -> None:
        self.folder = Path(folder)
        self.bundle = bundle
        self._segments = Segments(self.folder, "answers", _SCHEMA, segment_rows)

    def add(self, requests: Requests, found: Candidates, state: State) -> None:
        """Keep the answers to a batch of requests."""
        ids = [str(item) for item in state.items.take(found.items).tolist()]
        sources, scores = source_names(found), found.scores.tolist()
        drawn: list[Any] = [None] * len(ids)
        if PROPENSITY in found.columns:
            drawn = found.columns[PROPENSITY].tolist()
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
                drawn[low:high],
                sources[low:high],
                self.bundle,
            )
            for name, user, moment, (low, high) in zip(names, requests.users, moments, bounds, strict=True)
        ]
        self._segments.add(rows)

    def flush(self) -> None:
        """Write what was gathered."""
        self._segments.flush()

    def close(self) -> None:
        """Write what was gathered; the log may be used on."""
        self.flush()

    def read(self) -> pl.LazyFrame:
        """Every answer on disk, segment after segment."""
        return self._segments.read()
