"""One row for each user or session, out of its events."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from operator import add

import numpy as np
import polars as pl

from shortlist.data import Array, Batch, Ragged, duration_us
from shortlist.errors import ArgumentError, SchemaError
from shortlist.features._event_rows import microseconds
from shortlist.features._frame_columns import enter, polars_type
from shortlist.features._series import to_array, to_series
from shortlist.features.engine import Engine, Local
from shortlist.features.ops._checks import positive
from shortlist.features.ops._group_columns import listed, owner_of, summed, taken
from shortlist.features.ops._grouping import STATISTICS, Grouped, Grouping
from shortlist.io import Dataset
from shortlist.schema import Column, Schema, Tags

__all__ = ["Groupby"]

# Rows of a bucket: what is sorted and grouped at once.
_BUCKET = 1 << 20


@dataclass(frozen=True)
class Groupby:
    """One row for each value of a key, such as a user, or for each session of it, out of its rows in order.

    It stands at the head of a workflow, whose branches then read the columns it makes:

    - the key columns, and with ``gap`` the number of the session among those of the key, from 0;
    - ``<name>_list`` for ``lists``: the values in order, null among them, of at most ``max_length`` rows;
    - ``<name>_first``, ``<name>_last`` for ``first`` and ``last``: the value of the first or last row;
    - ``<name>_<statistic>`` for ``aggregates``: over all rows of the group, nulls left out (``std`` and
      ``var`` are those of a sample; ``count`` and ``nunique`` count values that are not null).

    Rows of one moment keep the order they came in; a missing time is before all others. Rows whose key is
    null are left out. Lists carry the tag SEQUENCE and ``max_length`` as their shape, and belong to the user
    or the session rather than to the item.

    Offline rows are shuffled by key into buckets of about a million rows, and each bucket is sorted and
    grouped by itself; rows of one bucket come in the order of their first event. Buckets depend on the rows
    alone, not on how they were partitioned.

    Attributes:
        by: the key: a column or several.
        sort: column or columns that say the order, such as the time; None for the order of the rows.
        lists: columns to make lists of.
        first: columns whose first value is wanted.
        last: columns whose last value is wanted.
        aggregates: column -> one or several of "mean", "sum", "min", "max", "std", "var", "median", "count",
            "nunique".
        max_length: most elements of a list; the newest stay. None for all.
        min_length: groups of fewer rows are left out.
        gap: length of a pause, such as "30m" (units s m h d w), beyond which a new session begins; ``sort``
            is the time then. None for one group a key.
        ascending: whether lists go from the oldest row to the newest; else from the newest, and ``first`` is
            the value of the newest.
        session: name of the column of session numbers.
        separator: stands between a column's name and what was made of it.

    Raises:
        ArgumentError: an option is out of its range, or nothing is to be made.

    >>> events = Dataset.of(pl.DataFrame({
    ...     "user_id": ["ann", "ann", "bob", "ann"], "item_id": [1, 2, 1, 3], "price": [5.0, 7.0, 5.0, 6.0],
    ...     "time": [60, 0, 0, 9000],
    ... })).tag("user_id", "user", "id").tag("item_id", "item", "id").tag("time", "time")
    >>> sessions = Groupby("user_id", lists=["item_id"], aggregates={"price": "mean"}, gap="30m")
    >>> sessions.regroup(events).collect().rows()
    [('ann', 0, [2, 1], 6.0), ('bob', 0, [1], 5.0), ('ann', 1, [3], 6.0)]
    """

    by: str | Sequence[str]
    sort: str | Sequence[str] | None = "time"
    lists: Sequence[str] = ()
    first: Sequence[str] = ()
    last: Sequence[str] = ()
    aggregates: Mapping[str, str | Sequence[str]] | None = None
    max_length: int | None = None
    min_length: int = 1
    gap: str | None = None
    ascending: bool = True
    session: str = "session"
    separator: str = "_"

    def __post_init__(self) -> None:
        for name in ("by", "sort", "lists", "first", "last"):
            object.__setattr__(self, name, _names(getattr(self, name)))
        given = {} if self.aggregates is None else self.aggregates
        object.__setattr__(self, "aggregates", {name: _names(wanted) for name, wanted in given.items()})
        positive("Groupby.max_length", self.max_length)
        positive("Groupby.min_length", self.min_length)
        unknown = [statistic for _, statistic in self._statistics if statistic not in STATISTICS]
        if unknown:
            raise ArgumentError(
                "Groupby.aggregates", received=unknown[0], expected=f"one of {', '.join(STATISTICS)}"
            )
        if not self.by or not (self.lists or self.first or self.last or self._statistics):
            raise ArgumentError(
                "Groupby",
                received="no key" if not self.by else "no lists, first, last or aggregates",
                expected="a key, and columns to make something of",
            )
        if self._gap is not None and len(_names(self.sort)) != 1:
            raise ArgumentError("Groupby.sort", received=self.sort, expected="the time column, beside gap")

    def schema(self, raw: Schema) -> Schema:
        """The columns of the groups.

        Raises:
            SchemaError: a column is unknown or of a type that cannot be grouped so; or two have one name.
        """
        number = [] if self._gap is None else [Column(self.session, "int64", (Tags.SESSION,))]
        made = [column for column, _ in self._made(raw.select(self._read))]
        return Schema([*raw.select(_names(self.by)), *number, *made])

    def reads(self, raw: Schema) -> tuple[str, ...]:
        """Names of the columns that it reads.

        Raises:
            SchemaError: one is unknown.
        """
        return raw.select(self._read).names

    def regroup(self, dataset: Dataset, engine: Engine | None = None) -> Dataset:
        """The groups of a data set, lazily: a partition for each bucket of keys.

        Args:
            dataset: rows, in any order.
            engine: where the work is done; None for `Local`.

        Raises:
            SchemaError: see `schema`.
        """
        schema, works = self.schema(dataset.schema), engine or Local()
        raw = dataset.schema.select(self._read)
        parts = [part.select([enter(column) for column in raw]) for part in dataset.partitions]
        buckets = works.map_reduce(_length, add, parts) // _BUCKET + 1
        # One bucket needs no files.
        rows = works.shuffle(parts, _names(self.by), buckets) if buckets > 1 else (pl.concat(parts),)
        grouped = Grouped(self._grouping(raw), {column.name: polars_type(column) for column in schema})
        return Dataset(schema, works.map(grouped, rows))

    def regroup_batch(self, batch: Batch, raw: Schema) -> Batch:
        """The groups of the events of a request, as the offline path makes them.

        Columns that the batch lacks, and what would be made of them, are left out.

        Args:
            batch: rows, in any order.
            raw: what the columns are.

        Raises:
            SchemaError: a key or sort column is missing.
        """
        flat = batch.flat()
        here = Schema(column for column in raw if column.name in flat and column.name in self._read)
        op = self._without(set(self._read) - set(here.names))
        columns = [to_series(column, flat[column.name]) for column in here]
        groups = op._grouping(here)(pl.DataFrame(columns).select([enter(column) for column in here]))
        made = {column.name: _array(column, groups[column.name]) for column in op.schema(here)}
        return Batch(made, rows=len(groups))

    def _grouping(self, raw: Schema) -> Grouping:
        pause = None
        if self._gap is not None:
            time = raw[_names(self.sort)[0]]
            pause = microseconds(time, pl.col(time.name)), self._gap
        values = tuple(value.alias(column.name) for column, value in self._made(raw))
        return Grouping(_names(self.by), _names(self.sort), values, pause, self.session, self.min_length)

    def _made(self, raw: Schema) -> list[tuple[Column, pl.Expr]]:
        """The new columns, and what they are of the rows of a group."""
        owner = Tags.SESSION if self._gap is not None else owner_of(raw.select(_names(self.by)))
        made = []
        for name in _names(self.lists):
            value = pl.col(name) if self.ascending else pl.col(name).reverse()
            if self.max_length is not None:
                value = value.tail(self.max_length) if self.ascending else value.head(self.max_length)
            made.append((listed(raw[name], self._name(name, "list"), owner, self.max_length), value))
        for which, names in (("first", _names(self.first)), ("last", _names(self.last))):
            for name in names:
                oldest = (which == "first") == self.ascending
                value = pl.col(name).first() if oldest else pl.col(name).last()
                twice = which == "first" and name in _names(self.last)
                made.append((taken(raw[name], self._name(name, which), plain=twice), value))
        for name, statistic in self._statistics:
            column = summed(raw[name], self._name(name, statistic), statistic, owner)
            # Sums of small integers and of float32 need the room of the wider type.
            wide = statistic not in ("count", "nunique", "min", "max")
            value = pl.col(name).cast(polars_type(column)) if wide else pl.col(name)
            made.append((column, STATISTICS[statistic](value)))
        return made

    def _name(self, name: str, what: str) -> str:
        return f"{name}{self.separator}{what}"

    def _without(self, absent: set[str]) -> "Groupby":
        """The same op without what is made of some columns.

        Raises:
            SchemaError: a key or sort column is among them.
        """
        for name in (*_names(self.by), *_names(self.sort)):
            if name in absent:
                raise SchemaError(
                    "Groupby",
                    received=f"a batch without column {name!r}",
                    expected="its key and sort columns",
                )
        op = copy(self)
        for part in ("lists", "first", "last"):
            kept = tuple(name for name in _names(getattr(self, part)) if name not in absent)
            object.__setattr__(op, part, kept)
        there = {name: wanted for name, wanted in (self.aggregates or {}).items() if name not in absent}
        object.__setattr__(op, "aggregates", there)
        return op

    @property
    def _statistics(self) -> tuple[tuple[str, str], ...]:
        """Column and statistic of every aggregate."""
        wanted = self.aggregates or {}
        return tuple((name, statistic) for name in wanted for statistic in _names(wanted[name]))

    @property
    def _read(self) -> tuple[str, ...]:
        """The columns that it reads, each once."""
        plain = (self.by, self.sort, self.lists, self.first, self.last, tuple(self.aggregates or {}))
        return tuple(dict.fromkeys(name for names in plain for name in _names(names)))

    @cached_property
    def _gap(self) -> int | None:
        return None if self.gap is None else duration_us(self.gap, where="Groupby.gap")


def _names(given: str | Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)


def _array(column: Column, values: pl.Series) -> Array | Ragged:
    """A column of groups as a batch has it; times with nulls are objects."""
    found = to_array(column, values)
    plain = found.values if isinstance(found, Ragged) else found
    if column.dtype != "datetime" or plain.dtype.kind != "f":
        return found
    flat = values.explode(empty_as_null=False, keep_nulls=False) if column.is_list else values
    objects = np.array(flat.to_physical().to_list(), dtype=object)
    return found.with_values(objects) if isinstance(found, Ragged) else objects


def _length(part: pl.LazyFrame) -> int:
    return int(part.select(pl.len()).collect().item())
