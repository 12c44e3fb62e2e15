"""The events that history ops look back on, as one sorted log in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import polars as pl

from shortlist.data import ArrayLog
from shortlist.features._frame_columns import element_type
from shortlist.features._key_table import KeyTable
from shortlist.features._source import Source
from shortlist.io import Dataset, positive
from shortlist.schema import Column, Schema, Tags

__all__ = ["EventSource"]

_NEVER = -(2**62)


@dataclass(frozen=True, slots=True)
class _Read:
    """The log and the ids that its positions stand for."""

    log: ArrayLog
    users: KeyTable
    items: KeyTable


class EventSource:
    """Positive events of several data sets, see `shortlist.io.positive`.

    Nothing is read before the first row is asked for. Then user, item and time of every event are held: 24
    bytes an event, 24 more for each order in which they are searched (by user, by item, by pair), and the
    distinct ids.
    """

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self._datasets = [dataset for dataset in datasets if _is_log(dataset.schema)]
        self._lock = Lock()
        self._held: _Read | None = None

    def column(self, source: Source, made: Column, schema: Schema) -> pl.Expr:
        """The source's column as an expression over rows of a schema; rows keep their order."""

        def compute(rows: pl.Series) -> pl.Series:
            held = self._read()
            asked = rows.struct.unnest()
            users, items = held.users.positions(asked["user"]), held.items.positions(asked["item"])
            values = source.from_log(held.log, users, items, asked["time"].to_numpy())
            return source.series(values, held.items)

        inner = element_type(made)
        dtype = pl.List(inner) if made.is_list else inner
        asked = pl.struct(*_asked(schema))
        return asked.map_batches(compute, return_dtype=dtype, is_elementwise=True).alias(made.name)

    def _read(self) -> _Read:
        with self._lock:
            if self._held is None:
                self._held = _read_events(self._datasets)
            return self._held


def _is_log(schema: Schema) -> bool:
    wanted = (frozenset({Tags.USER, Tags.ID}), frozenset({Tags.ITEM, Tags.ID}), frozenset({Tags.TIME}))
    return all(any(tags <= column.tags and not column.is_list for column in schema) for tags in wanted)


def _asked(schema: Schema) -> list[pl.Expr]:
    """User, item (null where the rows have none) and time of each row."""
    items = [column for column in schema.tagged(Tags.ITEM, Tags.ID) if not column.is_list]
    users = [column for column in schema.tagged(Tags.USER, Tags.ID) if not column.is_list]
    user, item = (_id(found) for found in (users, items))
    return [user.alias("user"), item.alias("item"), _microseconds(schema.time).alias("time")]


def _id(found: list[Column]) -> pl.Expr:
    if not found:
        return pl.lit(None, dtype=pl.Int64)
    return pl.col(found[0].name).cast(element_type(found[0]))


def _microseconds(time: Column) -> pl.Expr:
    """Int64 microseconds since 1970; a missing time is before everything."""
    value = pl.col(time.name)
    if time.dtype == "datetime":
        stamp = value.cast(pl.Datetime("us")).to_physical()
    else:
        size = value.abs()
        unit = pl.when(size < 10**11).then(10**6).when(size < 10**14).then(10**3).otherwise(1)
        stamp = value.cast(pl.Int64) * unit
    return stamp.fill_null(_NEVER)


def _read_events(datasets: Sequence[Dataset]) -> _Read:
    parts = [
        part.filter(positive(dataset.schema)).select(_asked(dataset.schema)).collect()
        for dataset in datasets
        for part in dataset.partitions
    ]
    empty = {"user": pl.Int64, "item": pl.Int64, "time": pl.Int64}
    events = (pl.concat(parts) if parts else pl.DataFrame(schema=empty)).filter(pl.col("time") > _NEVER)
    users, items = (_distinct(events[name]) for name in ("user", "item"))
    log = ArrayLog(
        users.positions(events["user"]),
        items.positions(events["item"]),
        events["time"].to_numpy(),
        n_items=len(items),
    )
    return _Read(log, users, items)


def _distinct(ids: pl.Series) -> KeyTable:
    return KeyTable(ids.drop_nulls().unique(maintain_order=True).alias("value").to_frame(), ("value",))
