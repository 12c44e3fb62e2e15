"""From a data set to encoded files, one partition at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import polars as pl

from shortlist.features._coverage import Seen, seen_coverage, tally
from shortlist.features._event_source import EventSource
from shortlist.features._frames import needed, prepare, stretches, transform_frame
from shortlist.features._plan import Plan, States
from shortlist.features._rows import Rows
from shortlist.io import (
    Dataset,
    Layout,
    PartFile,
    atomic_folder,
    finish_parquet,
    read_parquet,
    write_part,
)
from shortlist.schema import Schema

# Rows that tell how wide the others are.
_SAMPLE = 1000
# Two pieces under way, as read and as they come out, take two thirds of the memory.
_SHARE = 3
# Partitions are no larger than this but by their maker's will.
_PLENTY = 4_000_000

__all__ = ["Change", "Written", "cover", "write"]


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to a partition.

    Attributes:
        plan: the steps.
        states: what was fitted.
        given: the columns of the partition.
        events: what history ops look back on.
        training: whether it was fitted on.
    """

    plan: Plan
    states: States
    given: Schema
    events: EventSource
    training: bool = False

    @property
    def schema(self) -> Schema:
        """The columns that come out: those that pass through only where the data have them."""
        return self.plan.gives.without(*(c.name for c in self.plan.carried if c.name not in self.given))

    def __call__(self, part: pl.LazyFrame) -> pl.LazyFrame:
        """The columns that come out of a partition."""
        prepared = prepare(self.plan, part, self.given, self.events, training=self.training)
        return transform_frame(self.plan, self.states, prepared, self.schema, training=self.training)

    def pieces(self, part: pl.LazyFrame, rows: int | None) -> Iterator[tuple[pl.DataFrame, tuple[Seen, ...]]]:
        """The same at once, in pieces of at most so many rows, and what was seen in each; at least one."""
        raw = needed(self.plan, part, self.given, training=self.training)
        whole = [raw.collect()] if rows is None else raw.collect_batches(chunk_size=rows, maintain_order=True)
        empty = True
        for piece in whole:
            yield self._counted(piece)
            empty = False
        if empty:
            yield self._counted(raw.head(0).collect())

    def _counted(self, raw: pl.DataFrame) -> tuple[pl.DataFrame, tuple[Seen, ...]]:
        out = pl.concat([self(stretch.lazy()).collect() for stretch in stretches(raw)], rechunk=False)
        return out, tuple(tally(self.plan, self.states, raw, out))


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes:
        dataset: the encoded data set, read from its folder.
        rows: number of rows.
        files: number of files.
        bytes: their size.
        coverage: rows and shares of null and of unknown values by column, see `Workflow.coverage`.
    """

    dataset: Dataset
    rows: int
    files: int
    bytes: int
    coverage: pl.DataFrame

    def __str__(self) -> str:
        with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
            return f"{self.rows:,} rows in {self.files} files, {self.bytes / 1e6:,.1f} MB\n{self.coverage}"


@dataclass(frozen=True, slots=True)
class _Done:
    """Some consecutive partitions that were written."""

    parts: tuple[Sequence[PartFile], ...]
    seen: Sequence[Seen]
    rows: int

    def __add__(self, other: "_Done") -> "_Done":
        return _Done(self.parts + other.parts, _added(self.seen, other.seen), self.rows + other.rows)


def write(change: Change, rows: Rows, folder: Path, layout: Layout) -> Written:
    """Write every changed partition where the engine runs; the folder appears whole or not at all."""
    limit = piece_rows(change, rows)
    with atomic_folder(folder) as fresh:

        def one(numbered: tuple[int, pl.LazyFrame]) -> _Done:
            number, part = numbered
            return reduce(
                _Done.__add__,
                (
                    _Done(
                        (write_part(out, fresh, number, layout, piece=place if limit else None),),
                        seen,
                        len(out),
                    )
                    for place, (out, seen) in enumerate(change.pieces(part, limit))
                ),
            )

        parts = list(enumerate(rows.dataset.partitions))
        done = rows.engine.map_reduce(one, _Done.__add__, parts)
        finish_parquet(fresh, change.schema, done.parts, layout)
    files = [file for part in done.parts for file in part]
    return Written(
        read_parquet(folder, verify=False),
        done.rows,
        len(files),
        sum(file.bytes for file in files),
        seen_coverage(change.plan, change.states, done.seen),
    )


def cover(change: Change, rows: Rows) -> pl.DataFrame:
    """The coverage of a data set, without writing it."""
    limit = piece_rows(change, rows)

    def one(part: pl.LazyFrame) -> _Done:
        return reduce(_Done.__add__, (_Done((), seen, len(out)) for out, seen in change.pieces(part, limit)))

    done = rows.engine.map_reduce(one, _Done.__add__, rows.dataset.partitions)
    return seen_coverage(change.plan, change.states, done.seen)


def piece_rows(change: Change, rows: Rows) -> int | None:
    """Rows of a partition that are worked on at once, so that the engine's memory is kept; None for all.

    A piece is held as it was read and as it comes out, and once more on its way through; the width of a row
    is that of the first rows.
    """
    for part in rows.dataset.partitions:
        raw = needed(change.plan, part, change.given, training=change.training).head(_SAMPLE).collect()
        if len(raw):
            width = raw.estimated_size() + change(raw.lazy()).collect().estimated_size()
            limit = rows.engine.memory * len(raw) // (_SHARE * max(int(width), 1))
            return None if limit >= _PLENTY else max(limit, 1)
    return None


def _added(left: Sequence[Seen], right: Sequence[Seen]) -> Sequence[Seen]:
    """Counts over the rows of both."""
    return tuple(one + other for one, other in zip(left, right, strict=True))
