"""Rows of one key together: every run of partitions becomes files whose rows are sorted by bucket."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from uuid import uuid4

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from shortlist.errors import ArgumentError, SchemaError, near
from shortlist.features._hash import hash_columns
from shortlist.features.engine._protocol import Engine
from shortlist.features.engine._scratch import Scratch

__all__ = ["shuffled"]

# Files in all, at least: few enough to be read from in one pass, enough for many workers.
_RUNS = 64


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive partitions that one task spreads.

    Attributes:
        number: its place among the runs.
        partitions: the partitions, in order.
    """

    number: int
    partitions: tuple[pl.LazyFrame, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of rows sorted by bucket.

    Attributes:
        file: its name within the folder.
        bounds: int [count + 1], the first row of each bucket, and the number of rows.
    """

    file: str
    bounds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pieces:
    """What became of runs.

    Attributes:
        files: the files, in the order of the rows.
        schema: columns and types.
        rows: number of rows.
    """

    schema: pl.Schema
    files: tuple[Piece, ...] = ()
    rows: int = 0

    def and_then(self, later: "Pieces") -> "Pieces":
        """The pieces of these runs and of those that follow."""
        return Pieces(self.schema, self.files + later.files, self.rows + later.rows)


@dataclass(frozen=True, slots=True)
class Spread:
    """Sorts the rows of a run by bucket, ``hash(key) % count``, into as few files as memory allows.

    Attributes:
        folder: where the files go; a run that is spread twice gives the same files.
        keys: names of the key columns.
        count: number of buckets.
        memory: bytes of rows held before they are written.
    """

    folder: Path
    keys: tuple[str, ...]
    count: int
    memory: int

    def __call__(self, run: Run) -> Pieces:
        """Read, sort and write a run.

        Raises:
            SchemaError: there is no such column, or its values have no hash.
        """
        made = Pieces(run.partitions[0].collect_schema())
        held: list[pl.DataFrame] = []
        for partition in run.partitions:
            held.append(partition.collect())
            if sum(rows.estimated_size() for rows in held) >= self.memory:
                made = made.and_then(self._written(run.number, len(made.files), held))
                held = []
        return made.and_then(self._written(run.number, len(made.files), held)) if held else made

    def _written(self, run: int, place: int, held: list[pl.DataFrame]) -> Pieces:
        rows = pl.concat(held)
        name = "-".join(["bucket", *rows.columns])  # longer than any column's
        labelled = rows.with_columns(_buckets(rows, self.keys, self.count).alias(name))
        by_bucket = labelled.partition_by(name, include_key=False, as_dict=True)
        batches = [by_bucket.get((number,), rows.clear()) for number in range(self.count)]
        bounds = accumulate((batch.height for batch in batches), initial=0)
        piece = Piece(f"{run:06d}-{place:04d}.arrow", tuple(bounds))
        fresh = self.folder / f"{piece.file}.{uuid4().hex}"
        # A record batch for each bucket, so that reading one touches nothing else of the file.
        pl.concat(batches, rechunk=False).write_ipc(fresh, compression="lz4")
        fresh.replace(self.folder / piece.file)
        return Pieces(rows.schema, (piece,), len(rows))


@dataclass(frozen=True, slots=True)
class Bucket:
    """The rows of one bucket, as a source that Polars reads from.

    Attributes:
        scratch: the folder of the files, held for as long as a plan reads from it.
        files: what the rows are spread over, in their order.
        number: which bucket.
    """

    scratch: Scratch
    files: tuple[Piece, ...]
    number: int

    def __call__(
        self,
        columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,  # noqa: ARG002 - a file's rows are a batch
    ) -> Iterator[pl.DataFrame]:
        """The columns asked for of the first so many rows, those that meet the predicate, file by file."""
        left = n_rows
        for piece in self.files:
            low, high = piece.bounds[self.number : self.number + 2]
            taken = high - low if left is None else min(high - low, left)
            if taken == 0:
                continue
            rows = pl.scan_ipc(self.scratch.path / piece.file).slice(low, taken)
            rows = rows if columns is None else rows.select(columns)
            yield (rows if predicate is None else rows.filter(predicate)).collect()
            left = None if left is None else left - taken


def shuffled(
    engine: Engine,
    scratch: Scratch,
    partitions: Sequence[pl.LazyFrame],
    key: str | Sequence[str],
    count: int,
    *,
    memory: int,
    tasks: int,
) -> tuple[pl.LazyFrame, ...]:
    """The shuffle of an engine, by its `map_reduce`.

    Args:
        engine: does the work.
        scratch: a folder that all workers write to; it stays as long as one of the frames that come out, or
            what was made of it, does.
        partitions: rows, in order.
        key: name of the key column, or names of several.
        count: number of buckets.
        memory: bytes of rows that one task may hold; sorting and writing take three times as much again.
        tasks: tasks at work at once.

    Raises:
        ArgumentError: there are no partitions, or the count is below 1.
        SchemaError: there is no such column, or its values have no hash.
    """
    if count < 1:
        raise ArgumentError("Engine.shuffle.count", received=count, expected="an integer >= 1")
    keys = (key,) if isinstance(key, str) else tuple(key)
    spread = Spread(scratch.path, keys, count, memory)
    pieces = engine.map_reduce(spread, Pieces.and_then, _runs(partitions, tasks))
    return tuple(
        register_io_source(Bucket(scratch, pieces.files, number), schema=pieces.schema)
        for number in range(count)
    )


def _runs(partitions: Sequence[pl.LazyFrame], tasks: int) -> list[Run]:
    """Partitions cut into runs: a few for each task at once, as many as there are partitions at most."""
    wanted = min(len(partitions), max(_RUNS, 4 * tasks))
    edges = [place * len(partitions) // wanted for place in range(wanted + 1)] if wanted else []
    return [Run(number, tuple(partitions[low:high])) for number, (low, high) in enumerate(pairwise(edges))]


def _buckets(rows: pl.DataFrame, keys: tuple[str, ...], count: int) -> pl.Series:
    """The bucket of each row."""
    unknown = [key for key in keys if key not in rows.columns]
    if unknown:
        raise SchemaError(
            "Engine.shuffle.key",
            received=f"no column {unknown[0]!r}",
            expected="columns of the partitions",
            remedy=near(unknown[0], rows.columns),
        )
    hashes = hash_columns([_hashable(rows[key]) for key in keys])
    return pl.Series((hashes % np.uint64(count)).astype(np.int64))


def _hashable(values: pl.Series) -> pl.Series:
    """The values as integers, booleans, strings or structs, equal where they are equal."""
    kind = values.dtype
    if kind in (pl.Categorical, pl.Enum):
        return values.cast(pl.String)
    if kind.is_temporal():
        return values.to_physical().cast(pl.Int64)
    if kind.is_float():
        bits = (values.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0).view(np.int64)  # -0.0 is 0.0
        return pl.select(pl.when(values.is_not_null()).then(pl.Series(bits))).to_series()
    if kind.is_integer() or kind in (pl.Boolean, pl.String, pl.Struct):
        return values
    raise SchemaError(
        "Engine.shuffle.key",
        received=f"column {values.name!r} of type {kind}",
        expected="a column of integers, strings, booleans, times or floats",
        remedy="cast it first",
    )
