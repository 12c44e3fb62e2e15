"""A schema that the user gives: its columns are read, its tags hold, its types must fit."""

import polars as pl

from shortlist.errors import SchemaError, near
from shortlist.io._types import frame_type
from shortlist.schema import Column, Schema

__all__ = ["casts", "fitted", "wanted"]


def wanted(schema: Schema, columns: list[str], where: str) -> list[str]:
    """Columns of a given schema; its weights may be missing, since they can be derived.

    Raises:
        SchemaError: a column is missing.
    """
    for column in schema:
        if column.name not in columns and not column.has("weight"):
            raise SchemaError(
                where,
                received=f"no column {column.name!r}",
                expected="every column of the schema",
                remedy=near(column.name, columns),
            )
    return [column.name for column in schema if column.name in columns]


def fitted(inferred: Schema, given: Schema) -> Schema:
    """The given schema, where the types that were found can become its types without loss.

    Raises:
        SchemaError: a column is of another type.
    """
    named = inferred.merge(column for column in given if column.name in inferred)
    for column in inferred:
        wanted = named[column.name]
        if wanted.shape.kind != column.shape.kind or not _widens(column.dtype, wanted.dtype):
            raise SchemaError(
                f"column {column.name!r}",
                received=f"a {column.shape.kind} of {column.dtype}",
                expected=f"a {wanted.shape.kind} of {wanted.dtype}, as the schema says",
                remedy="correct the schema or convert the column",
            )
    return named


def _widens(found: str, wanted: str) -> bool:
    if wanted in (found, "string"):
        return True
    sizes = [int("".join(filter(str.isdigit, name)) or 0) for name in (found, wanted)]
    integer, floating = found.strip("u").startswith("int"), found.startswith("float")
    if wanted.startswith("float"):
        return integer or (floating and sizes[0] <= sizes[1])
    return integer and wanted.startswith("int") and sizes[0] < sizes[1] + (found[0] == "i")


def casts(schema: Schema) -> list[pl.Expr]:
    """The columns in the types of the schema."""
    return [_cast(column) for column in schema]


def _cast(column: Column) -> pl.Expr:
    if column.shape.kind != "scalar":
        return pl.col(column.name)
    return pl.col(column.name).cast(frame_type(column.dtype))
