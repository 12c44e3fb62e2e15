"""From a data set to encoded files, one partition at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from shortlist.features._coverage import Seen, seen_coverage, tally
from shortlist.features._event_source import EventSource
from shortlist.features._frames import needed, prepare, transform_frame
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

    def counted(self, part: pl.LazyFrame) -> tuple[pl.DataFrame, list[Seen]]:
        """The same at once, and what was seen in it."""
        raw = needed(self.plan, part, self.given, training=self.training).collect()
        out = self(raw.lazy()).collect()
        return out, tally(self.plan, self.states, raw, out)


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
    seen: tuple[Seen, ...]
    rows: int

    def __add__(self, other: "_Done") -> "_Done":
        return _Done(self.parts + other.parts, added(self.seen, other.seen), self.rows + other.rows)


def write(change: Change, rows: Rows, folder: Path, layout: Layout) -> Written:
    """Write every changed partition where the engine runs; the folder appears whole or not at all."""
    with atomic_folder(folder) as fresh:

        def one(numbered: tuple[int, pl.LazyFrame]) -> _Done:
            number, part = numbered
            out, seen = change.counted(part)
            return _Done((write_part(out, fresh, number, layout),), tuple(seen), len(out))

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

    def one(part: pl.LazyFrame) -> tuple[Seen, ...]:
        return tuple(change.counted(part)[1])

    return seen_coverage(
        change.plan, change.states, rows.engine.map_reduce(one, added, rows.dataset.partitions)
    )


def added(left: Sequence[Seen], right: Sequence[Seen]) -> tuple[Seen, ...]:
    """Counts over the rows of both."""
    return tuple(one + other for one, other in zip(left, right, strict=True))
