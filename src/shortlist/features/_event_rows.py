"""Rows as history ops ask about them: user, item, time, and columns of their own."""

from collections.abc import Iterable

import polars as pl

from shortlist.features._frame_columns import element_type
from shortlist.schema import Column, Schema, Tags

__all__ = ["NEVER", "asked", "is_log", "own"]

NEVER = -(2**62)
"""The time of rows without one: before everything."""


def is_log(schema: Schema) -> bool:
    """Whether rows of a schema are events of a user with an item at a time."""
    wanted = (frozenset({Tags.USER, Tags.ID}), frozenset({Tags.ITEM, Tags.ID}), frozenset({Tags.TIME}))
    return all(any(tags <= column.tags and not column.is_list for column in schema) for tags in wanted)


def asked(schema: Schema, columns: Iterable[Column] = ()) -> list[pl.Expr]:
    """User, item (null where the rows have none) and time of each row, and further columns, null likewise."""
    user, item = (_id(schema, side) for side in (Tags.USER, Tags.ITEM))
    time = microseconds(schema.time, pl.col(schema.time.name)).fill_null(NEVER)
    further = [_value(schema, column).alias(own(column.name)) for column in columns]
    return [user.alias("user"), item.alias("item"), time.alias("time"), *further]


def own(name: str) -> str:
    """What a further column is called beside user, item and time."""
    return f"={name}"


def microseconds(time: Column, value: pl.Expr) -> pl.Expr:
    """Int64 microseconds since 1970 of a datetime, or of seconds, milli- or microseconds by their size."""
    if time.dtype == "datetime":
        return value.cast(pl.Datetime("us")).to_physical()
    size = value.abs()
    unit = pl.when(size < 10**11).then(10**6).when(size < 10**14).then(10**3).otherwise(1)
    return value.cast(pl.Int64) * unit


def _id(schema: Schema, side: str) -> pl.Expr:
    found = [column for column in schema.tagged(side, Tags.ID) if not column.is_list]
    if not found:
        return pl.lit(None, dtype=pl.Int64)
    return pl.col(found[0].name).cast(element_type(found[0]))


def _value(schema: Schema, column: Column) -> pl.Expr:
    wanted = element_type(column)
    value = pl.col(column.name) if column.name in schema else pl.lit(None)
    return value.cast(wanted).fill_nan(None) if wanted.is_float() else value.cast(wanted)
