"""The data that training reads."""

from collections.abc import Iterable
from typing import TypeAlias

import polars as pl

from shortlist.errors import DataError
from shortlist.io import Dataset
from shortlist.loader import Loader
from shortlist.schema import Column, Schema

__all__ = ["Data", "not_empty", "schema_of", "weight_column"]

Data: TypeAlias = Dataset | pl.DataFrame | pl.LazyFrame


def schema_of(data: Data, otherwise: Schema) -> Schema:
    """The schema of a Dataset; for a bare frame, that of the columns that the model knows."""
    if isinstance(data, Dataset):
        return data.schema
    names = data.lazy().collect_schema().names()
    return Schema(column for column in otherwise if column.name in names)


def weight_column(schema: Iterable[Column]) -> Column | None:
    """The column tagged "weight", if there is one."""
    return next((column for column in schema if column.has("weight")), None)


def not_empty(loader: Loader, where: str, remedy: str) -> None:
    """Read the data.

    Raises:
        DataError: there is no row.
    """
    if loader.rows == 0:
        raise DataError(where, received="no rows", expected="at least one row to learn from", remedy=remedy)
