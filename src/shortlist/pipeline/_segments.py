"""Rows that are gathered and written as Parquet files."""

import os
import time
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any, final

import polars as pl

from shortlist.errors import ArgumentError
from shortlist.io import atomic_write

__all__ = ["Segments", "TypeOf"]

TypeOf = Mapping[str, pl.DataType | type[pl.DataType]]


@final
class Segments:
    """A folder of Parquet files, to which rows are added at the end; threads and processes may share it.

    A file is on disk and whole, or not there; a crash loses at most the rows that were not flushed.

    Args:
        folder: where the files go; made when the first is written.
        kind: how their names begin.
        schema: name -> type of each column; times come as int64 microseconds.
        rows: rows of a file; 1 writes every call to disk before it returns.

    Raises:
        ArgumentError: ``rows`` is below 1.
    """

    def __init__(self, folder: Path, kind: str, schema: TypeOf, rows: int) -> None:
        if rows < 1:
            raise ArgumentError("segment_rows", received=rows, expected="an integer >= 1")
        self.folder = folder
        self._kind, self._schema, self._most = kind, dict(schema), rows
        self._rows: list[tuple[Any, ...]] = []
        self._lock = Lock()
        self._written = 0

    def add(self, rows: list[tuple[Any, ...]]) -> None:
        """Keep rows, and write a file once there are enough."""
        with self._lock:
            self._rows += rows
            if len(self._rows) >= self._most:
                self._write()

    def flush(self) -> None:
        """Write what was gathered."""
        with self._lock:
            self._write()

    def read(self) -> pl.LazyFrame:
        """Every row on disk, file after file; a column that an older file lacks is null there."""
        paths = sorted(self.folder.glob(f"{self._kind}-*.parquet"))
        if not paths:
            return pl.LazyFrame(schema=self._schema)
        return pl.scan_parquet(paths, schema=pl.Schema(self._schema), missing_columns="insert")

    def _write(self) -> None:
        if not self._rows:
            return
        times = [name for name, kind in self._schema.items() if isinstance(kind, pl.Datetime)]
        plain = {**self._schema, **dict.fromkeys(times, pl.Int64)}
        frame = pl.DataFrame(self._rows, schema=plain, orient="row")
        buffer = BytesIO()
        frame.with_columns(pl.col(times).cast(pl.Datetime("us"))).write_parquet(buffer)
        name = f"{self._kind}-{time.time_ns():020d}-{os.getpid()}-{self._written:06d}.parquet"
        atomic_write(self.folder / name, buffer.getvalue())
        self._written += 1
        self._rows = []
