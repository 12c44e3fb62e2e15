"""At the border: rows as their owner holds them, taken in and given back."""

from collections.abc import Mapping
from dataclasses import replace
from operator import is_
from typing import TypeVar, cast

import polars as pl

from shortlist.errors import ArgumentError, DataError
from shortlist.io._dataset import Dataset
from shortlist.schema import Schema

__all__ = ["given_back", "identity", "is_same", "need_dataset", "taken"]

Form = TypeVar("Form")

_TABLES = ("pandas", "pyarrow")


def taken(given: object, where: str, like: Schema | None = None) -> Dataset:
    """A data set as it is; a frame, table or dict of lists as one.

    Args:
        given: the rows.
        where: who takes them, for the message.
        like: a schema whose tags hold for columns of the same name and shape; None leaves them untagged.

    Raises:
        ArgumentError: it is none of these.
        SchemaError: a column has a type that no schema knows.

    >>> taken(pl.DataFrame({"a": [1, 2]}), "Workflow.fit").count()
    2
    """
    if isinstance(given, Dataset):
        return given
    if not isinstance(given, pl.DataFrame | pl.LazyFrame | Mapping) and _library(given) not in _TABLES:
        raise ArgumentError(
            where,
            received=f"{type(given).__name__} {given!r:.60}",
            expected="a Dataset, a Polars or pandas frame, an Arrow table or a dict of lists",
            remedy="read files with shortlist.scan, or with Dataset.read where nobody is a user",
        )
    data = Dataset.read(given)
    return data if like is None else data.with_schema(_tagged(data.schema, like))


def given_back(data: Dataset, given: Form) -> Form:
    """Rows in the form of those that `taken` took.

    >>> given_back(taken({"a": [1, 2]}, "Workflow.transform"), {"a": [0]})
    {'a': [1, 2]}
    """
    return cast("Form", data if isinstance(given, Dataset) else _formed(data, given))


def _formed(data: Dataset, given: object) -> object:
    if isinstance(given, pl.LazyFrame):
        return data.frame()
    frame = data.collect()
    if isinstance(given, pl.DataFrame):
        return frame
    if isinstance(given, Mapping):
        return frame.to_dict(as_series=False)
    return frame.to_pandas() if _library(given) == "pandas" else frame.to_arrow()


def _library(given: object) -> str:
    return type(given).__module__.partition(".")[0]


def identity(given: object) -> tuple[object, ...]:
    """The objects that make a data set the very one that was given before."""
    return given.partitions if isinstance(given, Dataset) else (given,)


def is_same(known: tuple[object, ...], given: tuple[object, ...]) -> bool:
    """Whether two `identity` are of one data set."""
    return len(known) == len(given) and all(map(is_, known, given))


def need_dataset(given: object, where: str) -> None:
    """Refuse rows whose user, item and time nobody has named.

    Raises:
        DataError: it is not a data set.
    """
    if not isinstance(given, Dataset):
        raise DataError(
            where,
            received=f"a {_library(given)} {type(given).__name__}",
            expected="a Dataset, which knows its users, items and times",
            remedy='read the rows with shortlist.scan(rows, roles={"user": ..., "item": ..., "time": ...})',
        )


def _tagged(found: Schema, like: Schema) -> Schema:
    known = {column.name: column for column in like}
    return Schema(
        replace(column, tags=known[column.name].tags)
        if column.name in known and known[column.name].shape.kind == column.shape.kind
        else column
        for column in found
    )
