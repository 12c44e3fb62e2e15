"""Data sets of one kind, one after another."""

from collections.abc import Iterable

from shortlist.errors import DataError, SchemaError
from shortlist.io._dataset import Dataset
from shortlist.schema import Column, Schema

__all__ = ["concat"]


def concat(datasets: Iterable[Dataset]) -> Dataset:
    """The rows of several data sets of one schema, one data set after another, such as one for each day.

    Nothing is read: the partitions of the result are those of the data sets, in order. Reports of reading
    stay with the data sets they are about.

    Args:
        datasets: at least one; columns may be in another order, but not of another type or other tags.

    Raises:
        DataError: there is none.
        SchemaError: a data set has other columns than the first, or describes one otherwise.

    >>> import polars as pl
    >>> monday, tuesday = (Dataset.of(pl.DataFrame({"a": rows})) for rows in ([1, 2], [3]))
    >>> concat([monday, tuesday]).collect()["a"].to_list()
    [1, 2, 3]
    """
    given = list(datasets)
    if not given:
        raise DataError("concat", received="no data sets", expected="at least one")
    schema = given[0].schema
    for place, other in enumerate(given[1:], start=2):
        _check(schema, other.schema, place)
    ordered = [given[0], *(other.select(schema.names) for other in given[1:])]
    return Dataset(schema, tuple(part for data in ordered for part in data.partitions))


def _check(schema: Schema, other: Schema, place: int) -> None:
    where = f"concat: data set {place}"
    if set(other.names) != set(schema.names):
        raise SchemaError(where, received=f"columns {other.names}", expected=f"columns {schema.names}")
    for column in schema:
        if other[column.name] != column:
            raise SchemaError(
                where,
                received=_described(other[column.name]),
                expected=f"{_described(column)}, as in the first data set",
                remedy="read all of them with the schema of the first: scan(..., schema=first.schema)",
            )


def _described(column: Column) -> str:
    return f"column {', '.join(f'{key}={value!r}' for key, value in column.to_json().items())}"
