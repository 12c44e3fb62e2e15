"""Vocabularies that a user gives instead of having values counted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from shortlist.errors import ArgumentError, near
from shortlist.features._frame_columns import element_type
from shortlist.io import Dataset
from shortlist.schema import Column, first_value

__all__ = ["Given", "given_frame", "plain_vocabulary"]

# Values in the order of their codes, values with their codes, or a file of values.
Given: TypeAlias = "Sequence[Any] | Mapping[Any, int] | pl.Series | str | Path"

_WHERE = "Categorify.vocabularies"


def plain_vocabulary(given: Given, buckets: int) -> list[Any] | str:
    """A vocabulary as plain data: values in the order of their codes, or the path of a file.

    Raises:
        ArgumentError: it is none of these, or codes are not those that the values get here.
    """
    if isinstance(given, str | Path):
        return str(given)
    if isinstance(given, Mapping):
        return _by_code(given, first_value(buckets))
    if isinstance(given, pl.Series):
        return given.to_list()
    if isinstance(given, set | frozenset) or not hasattr(given, "__iter__"):
        raise ArgumentError(
            _WHERE, received=given, expected="values in the order of their codes, codes by value, or a file"
        )
    return list(np.asarray(given, dtype=object).tolist())


def given_frame(
    inputs: tuple[Column, ...], keys: tuple[str, ...], given: Sequence[Any] | str
) -> pl.DataFrame:
    """The values as key columns, in the order of their codes.

    Raises:
        ArgumentError: a value is null, stands twice or has another type than its column.
        DataError: the file is missing or cannot be read.
    """
    schema = {key: element_type(column) for key, column in zip(keys, inputs, strict=False)}
    try:
        if isinstance(given, str):
            frame = _read(given, inputs, keys).cast(pl.Schema(schema))
        else:
            rows = list(given) if len(keys) > 1 else [(value,) for value in given]
            frame = pl.DataFrame(rows, schema=schema, orient="row")
    except (TypeError, pl.exceptions.PolarsError) as error:
        shown = given if isinstance(given, str) else f"values like {list(given[:3])}"
        raise ArgumentError(_WHERE, received=shown, expected=f"values of {schema}") from error
    nothing = frame.select(pl.all_horizontal(pl.all().is_null())).to_series().any()
    if nothing or frame.is_duplicated().any():
        raise ArgumentError(_WHERE, received="a null or repeated value", expected="every value once")
    return frame


def _by_code(given: Mapping[Any, int], first: int) -> list[Any]:
    ordered = sorted(given, key=lambda value: given[value])
    codes = [given[value] for value in ordered]
    if codes != list(range(first, first + len(codes))):
        raise ArgumentError(
            _WHERE,
            received=f"codes from {min(codes)} to {max(codes)} for {len(codes)} values",
            expected=f"codes {first}, {first + 1} and so on: lower ones are padding, null and unknown",
            remedy="give a list of the values in the order of their codes, or add to the codes",
        )
    return ordered


def _read(path: str, inputs: tuple[Column, ...], keys: tuple[str, ...]) -> pl.DataFrame:
    """The key columns of a file, such as ``flow.vocabulary(name).write_parquet(path)`` writes."""
    table = Dataset.read(path).collect()
    rows = table.sort("code") if "code" in table.columns else table
    others = [name for name in rows.columns if name not in {"code", "count"}]
    members = [column.name for column in inputs]
    for names in (list(keys), members[: len(keys)], others):
        if len(names) == len(keys) and set(names) <= set(rows.columns):
            return rows.select(names).rename(dict(zip(names, keys, strict=True)))
    raise ArgumentError(
        _WHERE,
        received=f"{path} with columns {table.columns}",
        expected=f"columns {list(keys)} or {members}",
        remedy=near(members[0], table.columns),
    )
