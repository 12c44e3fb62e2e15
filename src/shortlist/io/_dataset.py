"""A data set: a schema and the partitions it describes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import polars as pl

from shortlist.errors import DataError, SchemaError
from shortlist.io._report import CleanReport
from shortlist.io._sources import Source, check_rows, cut, open_source, packed, parts_of
from shortlist.io._types import plain_frame, schema_of
from shortlist.schema import Schema, Tags

__all__ = ["Dataset"]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table in partitions, read when it is needed.

    Attributes:
        schema: names, types and tags of the columns, in the order of the frames.
        partitions: lazy frames that hold the rows, in order; there is at least one.
        report: what was left out when the data were read; None for a derived data set.

    >>> users = Dataset.of(pl.DataFrame({"user_id": ["a", "b"], "age": [30, 40]}))
    >>> users.tag("user_id", "user", "id").schema.user.name, users.count()
    ('user_id', 2)
    """

    schema: Schema
    partitions: tuple[pl.LazyFrame, ...]
    report: CleanReport | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls,
        frames: pl.DataFrame | pl.LazyFrame | Iterable[pl.DataFrame | pl.LazyFrame],
        schema: Schema | None = None,
    ) -> "Dataset":
        """Take frames as they are, one partition each; nothing is checked but the names.

        Args:
            frames: one frame or several of the same columns.
            schema: their schema; None for the types of the columns, without tags. Then columns of other types
                than a schema knows become the nearest it does: dates times, categories text.

        Raises:
            DataError: there is no frame.
            SchemaError: the names or their order differ from the schema, or a column has a type that no
                schema knows.
        """
        given = [frames] if isinstance(frames, pl.DataFrame | pl.LazyFrame) else list(frames)
        if not given:
            raise DataError("Dataset.of", received="no frames", expected="at least one frame")
        lazy = tuple(frame.lazy() for frame in given)
        if schema is None:
            lazy = tuple(plain_frame(frame) for frame in lazy)
        known = schema_of(lazy[0].collect_schema()) if schema is None else schema
        for frame in lazy:
            names = tuple(frame.collect_schema().names())
            if names != known.names:
                raise SchemaError(
                    "Dataset.of", received=f"columns {names}", expected=f"columns {known.names}"
                )
        return cls(known, lazy)

    @classmethod
    def read(
        cls,
        source: Source,
        *,
        partition_rows: int = 2_000_000,
        storage_options: Mapping[str, object] | None = None,
    ) -> "Dataset":
        """Everything that `scan` can read, as it is: nothing is cleaned, and no roles are needed.

        Args:
            source: see `scan`.
            partition_rows: largest number of rows of a partition; memory grows with it.
            storage_options: keys, region, endpoint of the object store of a URL.

        Raises:
            DataError: a file is missing, empty or unreadable.
            SchemaError: files have different columns, or a column has a type that no schema knows.
            ArgumentError: an argument is wrong.

        >>> Dataset.read({"shop": [1, 2, 3]}, partition_rows=2).partitions[1].collect()["shop"].to_list()
        [3]
        """
        check_rows("Dataset.read", partition_rows)
        opened = open_source(parts_of(source, storage_options), text=(), rows=partition_rows)
        if opened.notes:
            raise SchemaError(
                "Dataset.read",
                received=opened.notes[0],
                expected="columns of plain types and lists of them",
                remedy="drop or convert it: pass pl.scan_parquet(...).drop(...)",
            )
        return cls.of(piece.frame for piece in opened.slices)

    def __str__(self) -> str:
        return f"{len(self.partitions)} partitions of\n{self.schema}"

    def frame(self) -> pl.LazyFrame:
        """All rows as one lazy frame, in order."""
        return self.partitions[0] if len(self.partitions) == 1 else pl.concat(self.partitions)

    def collect(self) -> pl.DataFrame:
        """All rows in memory, in order."""
        return pl.concat([part.collect() for part in self.partitions])

    def count(self) -> int:
        """Number of rows."""
        return sum(int(part.select(pl.len()).collect().item()) for part in self.partitions)

    def cut(self, rows: int) -> "Dataset":
        """The same rows in the same order, in partitions of at most so many rows.

        Long partitions are cut, and short neighbours joined while they stay within the number. The rows of
        Parquet files are known from their footers; a partition that is filtered or joined is computed once
        to count its rows.

        Raises:
            ArgumentError: ``rows`` is below 1.

        >>> data = Dataset.of([pl.DataFrame({"a": [1, 2, 3, 4, 5]}), pl.DataFrame({"a": [6]})])
        >>> [part.collect()["a"].to_list() for part in data.cut(2).partitions]
        [[1, 2], [3, 4], [5, 6]]
        """
        check_rows("Dataset.cut", rows)
        slices = [piece for part in self.partitions for piece in cut(part, rows, "the data set")]
        return replace(self, partitions=tuple(piece.frame for piece in packed(slices, rows)))

    def tag(self, name: str, *tags: str) -> "Dataset":
        """The same data with one column's tags replaced.

        Raises:
            SchemaError: there is no such column, or the tags contradict each other.
        """
        return self.with_schema(self.schema.tag(name, *tags))

    def with_schema(self, schema: Schema) -> "Dataset":
        """The same data under a corrected schema of the same names in the same order.

        Raises:
            SchemaError: the names differ.
        """
        if schema.names != self.schema.names:
            raise SchemaError(
                "Dataset.with_schema",
                received=f"columns {schema.names}",
                expected=f"columns {self.schema.names}",
                remedy="correct tags here; rename or drop columns with map and select",
            )
        return replace(self, schema=schema)

    def select(self, names: Iterable[str]) -> "Dataset":
        """Only these columns, in this order.

        Raises:
            SchemaError: a name is unknown.
        """
        wanted = self.schema.select(list(names))
        return self.map(lambda part: part.select(wanted.names), wanted)

    def filter(self, rows: pl.Expr) -> "Dataset":
        """Only the rows where an expression holds."""
        return self.map(lambda part: part.filter(rows), self.schema)

    def map(self, change: Callable[[pl.LazyFrame], pl.LazyFrame], schema: Schema) -> "Dataset":
        """Change each partition by itself.

        Args:
            change: partition in, partition out; must not depend on the other partitions.
            schema: the schema of what comes out.
        """
        return Dataset(schema, tuple(change(part) for part in self.partitions), self.report)

    def join_tables(self, items: "Dataset | None" = None, users: "Dataset | None" = None) -> "Dataset":
        """Put the columns of an item and a user table beside the events, found by id (a left join).

        Rows and their order stay. A column that both have is taken from the table. Ids that a table lacks
        get nulls.

        Raises:
            SchemaError: an id column is missing, or of another type than in the events.
            DataError: a table has an id twice.
        """
        joined = self
        if items is not None:
            joined = _left_join(joined, items, joined.schema.item.name, items.schema.item.name)
        if users is not None:
            joined = _left_join(joined, users, joined.schema.user.name, users.schema.user.name)
        return joined

    def times(self) -> tuple[int, int] | None:
        """Times of the first and the last event, in microseconds since 1970; None without rows.

        Raises:
            SchemaError: no column is tagged as time.
        """
        name = self.schema.the(Tags.TIME).name
        ends = [
            part.select(low=pl.col(name).min(), high=pl.col(name).max()).select(pl.all().to_physical())
            for part in self.partitions
        ]
        found = pl.concat(pl.collect_all(ends)).drop_nulls()
        low, high = found["low"].min(), found["high"].max()
        return (low, high) if isinstance(low, int) and isinstance(high, int) else None

    def period(self) -> tuple[datetime, datetime] | None:
        """`times` as dates (UTC)."""
        ends = self.times()
        if ends is None:
            return None
        first, last = pl.Series(ends, dtype=pl.Int64).cast(pl.Datetime("us")).to_list()
        return first, last


def _left_join(events: Dataset, table: Dataset, log_key: str, table_key: str) -> Dataset:
    rows = table.collect().rename({table_key: log_key})
    if rows.schema[log_key] != events.partitions[0].collect_schema()[log_key]:
        raise SchemaError(
            f"column {table_key!r} of the table",
            received=table.schema[table_key].dtype,
            expected=f"{events.schema[log_key].dtype}, the type in the events",
            remedy="cast one of them",
        )
    if rows[log_key].is_duplicated().any():
        twice = rows.filter(pl.col(log_key).is_duplicated())[log_key][0]
        raise DataError(
            f"column {table_key!r} of the table",
            received=f"{twice!r} more than once",
            expected="each id once",
            remedy="read the table with scan, which keeps the last row of each id",
        )
    others = [column for column in table.schema if column.name != table_key]
    schema = events.schema.merge(others)
    right = rows.lazy()

    def change(part: pl.LazyFrame) -> pl.LazyFrame:
        left = part.drop([column.name for column in others], strict=False)
        return left.join(right, on=log_key, how="left", maintain_order="left").select(schema.names)

    return events.map(change, schema)
