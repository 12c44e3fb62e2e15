"""Item and user tables from a log: what was last known of each id before a moment."""

from datetime import UTC, datetime

import polars as pl

from shortlist.io._dataset import Dataset
from shortlist.schema import Column, Schema, Tags

__all__ = ["item_table", "moment", "user_table"]

_SEEN = "__seen_"
_ORDER = "__order"


def item_table(events: Dataset, *, before: datetime | int | None = None) -> Dataset:
    """One row for each item of a log, with the last values known of its columns.

    For every column tagged ITEM, the newest value that is not null among the item's events before the moment;
    null where there is none. Rows are in order of the ids. Memory is bounded by the table and one partition.

    Args:
        events: a log.
        before: only earlier events count (time, or microseconds since 1970); None for all events.

    >>> log = Dataset.of(pl.DataFrame({"item": [1, 1, 2], "t": [1, 2, 3], "price": [5.0, 6.0, None]}))
    >>> log = log.tag("item", "item", "id").tag("t", "time").tag("price", "item", "continuous")
    >>> item_table(log).collect().rows(), item_table(log, before=2).collect().rows()
    ([(1, 6.0), (2, None)], [(1, 5.0)])
    """
    return _last_known(events, events.schema.item, Tags.ITEM, before)


def user_table(events: Dataset, *, before: datetime | int | None = None) -> Dataset:
    """One row for each user of a log, with the last values known of its columns; see `item_table`."""
    return _last_known(events, events.schema.user, Tags.USER, before)


def moment(when: datetime | int) -> int:
    """A moment as microseconds since 1970; a date and time without a zone is UTC.

    >>> moment(datetime(1970, 1, 2)), moment(7)
    (86400000000, 7)
    """
    if isinstance(when, int):
        return when
    aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return round((aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)


def _last_known(events: Dataset, key: Column, entity: str, before: datetime | int | None) -> Dataset:
    # Sequences are histories: what a user did, not what is known of it.
    described = [c for c in events.schema.tagged(entity) if c != key and not c.has(Tags.SEQUENCE)]
    names = [column.name for column in described]
    times = events.schema.tagged(Tags.TIME).names
    partial = [
        _partial(part, key.name, names, times[0] if times else None, before) for part in events.partitions
    ]
    rows = pl.concat(pl.collect_all(partial))
    last = [pl.col(n).sort_by(_SEEN + n, maintain_order=True).drop_nulls().last() for n in names]
    table = rows.group_by(key.name).agg(last).sort(key.name)
    return Dataset.of(table, Schema([key, *described]))


def _partial(
    part: pl.LazyFrame, key: str, names: list[str], time: str | None, before: datetime | int | None
) -> pl.LazyFrame:
    order = pl.lit(0, pl.Int64) if time is None else pl.col(time).to_physical().cast(pl.Int64)
    rows = part.select(key, *names, order.alias(_ORDER))
    if before is not None:
        rows = rows.filter(pl.col(_ORDER) < moment(before))
    last = [pl.col(n).sort_by(_ORDER, maintain_order=True).drop_nulls().last() for n in names]
    seen = [pl.col(_ORDER).filter(pl.col(n).is_not_null()).max().alias(_SEEN + n) for n in names]
    return rows.group_by(key).agg(*last, *seen)
