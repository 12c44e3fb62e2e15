"""What was known of each row's key at the row's time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

import polars as pl

from shortlist.data import duration_us
from shortlist.errors import SchemaError
from shortlist.io._dataset import Dataset
from shortlist.io._handed import given_back, taken
from shortlist.schema import Column, Schema, Tags

__all__ = ["join_as_of"]

Form = TypeVar("Form")

_ROW, _AT, _OTHER = "__row", "__at", "__other_"
_ENTITIES = (Tags.USER, Tags.ITEM, Tags.SESSION, Tags.CONTEXT, Tags.CROSS)


def join_as_of(
    rows: Form,
    table: Any,
    *,
    on: str | Sequence[str],
    columns: Sequence[str] | None = None,
    times: tuple[str, str] | None = None,
    ttl: str | timedelta | None = None,
    strict: bool = False,
) -> Form:
    """The columns that a table of versions had for each row's key at the row's time: a point-in-time join.

    Of the table's rows with the row's key, that of the largest time at or before the row's counts, the last
    one in the table among equal times, and none that is older than ``ttl``; a row without any gets nulls, or
    empty lists. Nothing of the future is seen. Rows keep their order and their number. Null keys and null
    times find nothing. Memory: the table and one partition of the rows.

    Args:
        rows: labelled events: a `Dataset`, a Polars or pandas frame, an Arrow table or a dict of lists.
        table: versions, in any of these forms: keys, the time from which each holds, columns.
        on: names of the key columns, in both.
        columns: columns of the table to take; None for all but keys and time. A column that says nothing of
            its entity is tagged as the keys are.
        times: names of the time columns of the rows and of the table; None for those tagged as times.
        ttl: how long a version holds, such as ``"7d"``; one just so old still holds. None for ever.
        strict: whether versions of the very time of the row are unseen: right where they were worked out with
            the row's own event.

    Returns:
        The rows with the columns, in the form they came in.

    Raises:
        ArgumentError: the time to live is no length of time, or a table has an unknown form.
        SchemaError: a column is missing, stands in both, or has another type in the one than in the other.

    >>> clicks = pl.DataFrame({"user": ["ann", "ann", "bob"], "day": [2, 9, 9]})
    >>> plans = pl.DataFrame({"user": ["ann", "ann"], "since": [1, 5], "plan": ["free", "paid"]})
    >>> clicks, plans = clicks.cast({"day": pl.Datetime}), plans.cast({"since": pl.Datetime})
    >>> join_as_of(clicks, plans, on="user", times=("day", "since"))["plan"].to_list()
    ['free', 'paid', None]
    """
    left, right = taken(rows, "join_as_of"), taken(table, "join_as_of(table)")
    join = _planned(left.schema, right.schema, on, columns, times)
    versions = join.versions(right)
    longest = _lasting(ttl)
    parts = tuple(join.joined(part, versions, longest, strict) for part in left.partitions)
    return given_back(Dataset(left.schema.merge(join.made), parts), rows)


@dataclass(frozen=True, slots=True)
class _Join:
    """Keys, times and columns that belong together."""

    keys: tuple[str, ...]
    time: str
    since: str
    made: tuple[Column, ...]

    def versions(self, table: Dataset) -> pl.LazyFrame:
        """The table by time, under names that the rows cannot have."""
        names = {column.name: pl.col(column.name) for column in self.made}
        own = {f"{_OTHER}{name}": pl.col(name) for name in self.keys}
        known = pl.all_horizontal(pl.col(*self.keys, self.since).is_not_null())
        rows = table.frame().filter(known).select(**own, **names, **{_AT: _clock(self.since)})
        return rows.sort(_AT, maintain_order=True)

    def joined(
        self, rows: pl.LazyFrame, versions: pl.LazyFrame, ttl: int | None, strict: bool
    ) -> pl.LazyFrame:
        """A partition with the columns, in its own order."""
        numbered = rows.with_row_index(_ROW).with_columns(_clock(self.time).alias(_AT))
        found = numbered.sort(_AT, maintain_order=True).join_asof(
            versions,
            on=_AT,
            by_left=list(self.keys),
            by_right=[f"{_OTHER}{name}" for name in self.keys],
            strategy="backward",
            tolerance=ttl,
            allow_exact_matches=not strict,
            check_sortedness=False,
        )
        lists = [pl.col(column.name).fill_null([]) for column in self.made if column.is_list]
        return found.with_columns(lists).sort(_ROW).drop(_ROW, _AT)


def _planned(
    rows: Schema,
    table: Schema,
    on: str | Sequence[str],
    columns: Sequence[str] | None,
    times: tuple[str, str] | None,
) -> _Join:
    keys = (on,) if isinstance(on, str) else tuple(on)
    time, since = (rows.time.name, table.time.name) if times is None else times
    for name, (one, other) in {key: (rows[key], table[key]) for key in keys}.items():
        if one.dtype != other.dtype or one.is_list or other.is_list:
            raise SchemaError(
                f"join_as_of, key {name!r}",
                received=f"{other.shape.kind} of {other.dtype} in the table",
                expected=f"one value of {one.dtype}, as in the rows",
                remedy="cast one of them",
            )
    for column in (rows[time], table[since]):
        if column.dtype != "datetime":
            raise SchemaError(
                f"join_as_of, time {column.name!r}",
                received=column.dtype,
                expected="dates and times",
                remedy="cast it with pl.from_epoch, or name others by times=",
            )
    left = [name for name in table.names if name not in (*keys, since)] if columns is None else columns
    made = tuple(_about(table[name], [rows[key] for key in keys]) for name in left)
    twice = [column.name for column in made if column.name in rows]
    if twice:
        raise SchemaError(
            "join_as_of",
            received=f"{twice} in the rows and in the table",
            expected="columns that the rows do not have",
            remedy="rename them in one of the two, or name others by columns=",
        )
    return _Join(keys, time, since, made)


def _about(column: Column, keys: Sequence[Column]) -> Column:
    """A column of the table, about the entities of the keys where it is about none itself."""
    if any(column.has(tag) for tag in _ENTITIES):
        return column
    own = {tag for key in keys for tag in key.tags if tag in _ENTITIES}
    pair = {Tags.USER, Tags.ITEM} <= own
    return replace(column, tags=column.tags | ({Tags.CROSS} if pair else own))


def _clock(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Datetime("us")).cast(pl.Int64)


def _lasting(ttl: str | timedelta | None) -> int | None:
    if isinstance(ttl, timedelta):
        return duration_us(f"{ttl.total_seconds():.6f}s", where="join_as_of.ttl")
    return None if ttl is None else duration_us(ttl, where="join_as_of.ttl")
