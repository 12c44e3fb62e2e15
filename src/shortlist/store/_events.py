"""Event data sets as positions in two tables."""

import polars as pl

from shortlist.data import ArrayLog
from shortlist.errors import SchemaError
from shortlist.io import Dataset, positive
from shortlist.schema import Tags
from shortlist.store._event_columns import Attributes, EventColumns
from shortlist.store._table import Table

__all__ = ["events_log", "ids_of", "time_after"]


def ids_of(events: Dataset, name: str) -> pl.Series:
    """The distinct non-null values of an id column, in ascending order."""
    parts = [part.select(pl.col(name).unique()).collect() for part in events.partitions]
    return pl.concat(parts)[name].drop_nulls().unique().sort()


def events_log(events: Dataset, users: Table, items: Table, columns: EventColumns) -> ArrayLog:
    """The events in the order of the data set: the positive ones, and the others too if they have columns."""
    wanted = positive(events.schema)
    named = {_own(place): pl.col(name) for place, name in enumerate(columns.schema.names)}
    frame = events.frame() if named else events.frame().filter(wanted)
    frame = frame.select(**_names(events, wanted), **named).filter(pl.col("time").is_not_null())
    for side, table in (("user", users), ("item", items)):
        places = table.frame.lazy().select(
            pl.col(table.id_name).alias(side), pl.int_range(pl.len(), dtype=pl.Int64).alias(f"{side}_at")
        )
        frame = frame.join(places, on=side, how="left", maintain_order="left")
    found = frame.with_columns(pl.col("user_at", "item_at").fill_null(-1)).collect()
    return ArrayLog(
        found["user_at"].to_numpy(),
        found["item_at"].to_numpy(),
        found["time"].to_numpy(),
        found["weight"].to_numpy(),
        len(items),
        {name: columns.read(found[_own(place)], name) for place, name in enumerate(columns.schema.names)},
        Attributes(items, users, columns),
    )


def time_after(events: Dataset) -> int:
    """One microsecond after the newest event; 0 when there is none."""
    ends = events.times()
    return 0 if ends is None else ends[1] + 1


def _own(place: int) -> str:
    return f"column_{place}"


def _names(events: Dataset, wanted: pl.Expr) -> dict[str, pl.Expr]:
    schema = events.schema
    time = schema.the(Tags.TIME)
    if time.dtype != "datetime":
        raise SchemaError(
            f"column {time.name!r}",
            received=time.dtype,
            expected="datetimes",
            remedy="read the events with sl.scan, which parses times",
        )
    weight = schema.tagged("weight").names
    return {
        "user": pl.col(schema.user.name),
        "item": pl.col(schema.item.name),
        "time": pl.col(time.name).cast(pl.Datetime("us")).cast(pl.Int64),
        "weight": pl.when(wanted).then(pl.col(weight[0]) if weight else 1.0).otherwise(0.0).cast(pl.Float32),
    }
