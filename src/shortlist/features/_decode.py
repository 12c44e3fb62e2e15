"""From codes back to raw values."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from shortlist.data import Array, Batch, Ragged
from shortlist.errors import ArgumentError
from shortlist.features._vocabulary import Vocabulary
from shortlist.io import Dataset
from shortlist.schema import Column, Schema, first_value

__all__ = ["decode", "decode_codes"]

_DTYPES = {
    pl.Int8: "int8",
    pl.Int16: "int16",
    pl.Int32: "int32",
    pl.Int64: "int64",
    pl.UInt8: "uint8",
    pl.UInt16: "uint16",
    pl.UInt32: "uint32",
    pl.UInt64: "uint64",
    pl.Boolean: "bool",
    pl.String: "string",
    pl.Datetime: "datetime",
}


def decode(data: Any, known: Mapping[str, Vocabulary]) -> Any:
    """Every encoded column of a data set, frame or batch as raw values."""
    if isinstance(data, Batch):
        return {name: decode_codes(name, known[name], data[name]) for name in known if name in data}
    if isinstance(data, pl.DataFrame):
        return _decode_frame(data.lazy(), known).collect()
    if not isinstance(data, Dataset):
        raise ArgumentError(
            "Workflow.decode", received=type(data).__name__, expected="a Dataset, a frame, a Batch or a name"
        )
    columns = [_decoded(column, known.get(column.name)) for column in data.schema]
    return data.map(lambda part: _decode_frame(part, known), Schema(columns))


def _decoded(column: Column, vocabulary: Vocabulary | None) -> Column:
    """The column of raw values; combinations have no type of their own in a schema."""
    if vocabulary is None or len(vocabulary.table.keys) > 1:
        return column
    (key,) = vocabulary.table.keys
    return replace(column, dtype=_DTYPES[vocabulary.table.frame.schema[key].base_type()])


def decode_codes(name: str, vocabulary: Vocabulary, codes: Ragged | Array | Sequence[Any]) -> list[Any]:
    """Raw values of codes: None for padding, null and unknown, tuples for combinations, lists for lists.

    Raises:
        ArgumentError: a code is beyond the vocabulary.
    """
    plain = codes.to_lists() if isinstance(codes, Ragged) else np.asarray(codes, dtype=object).tolist()
    try:
        return [
            vocabulary.decode(code) if isinstance(code, list) else vocabulary.decode([code])[0]
            for code in plain
        ]
    except IndexError as error:
        raise _beyond(name, vocabulary, max(np.max(code, initial=0) for code in plain)) from error


def _decode_frame(rows: pl.LazyFrame, vocabularies: Mapping[str, Vocabulary]) -> pl.LazyFrame:
    """The coded columns of a frame as raw values; combinations as structs; other columns as they are."""
    columns = rows.collect_schema()
    known = {name: vocabulary for name, vocabulary in vocabularies.items() if name in columns}
    return rows.with_columns(
        _raw_values(name, vocabulary, lists=isinstance(columns[name], pl.List))
        for name, vocabulary in known.items()
    )


def _raw_values(name: str, vocabulary: Vocabulary, *, lists: bool) -> pl.Expr:
    """A column of codes, or of lists of codes, as raw values."""
    table, first = vocabulary.table, first_value(vocabulary.buckets)
    keys = table.frame.select(table.keys)
    values = keys.to_series() if len(table.keys) == 1 else keys.select(pl.struct(table.keys)).to_series()

    def decode(codes: pl.Series) -> pl.Series:
        highest = codes.max()
        if isinstance(highest, int) and highest >= vocabulary.size:
            raise _beyond(name, vocabulary, highest)
        place = codes.cast(pl.Int64) - first
        known = place.set(place < 0, None)
        return values.gather(known).alias(codes.name)

    def change(codes: pl.Expr) -> pl.Expr:
        return codes.map_batches(decode, return_dtype=values.dtype, is_elementwise=True)

    return pl.col(name).list.eval(change(pl.element())) if lists else change(pl.col(name))


def _beyond(name: str, vocabulary: Vocabulary, highest: int) -> ArgumentError:
    return ArgumentError(
        f"Workflow.decode of column {name!r}",
        received=f"codes up to {highest}",
        expected=f"codes below {vocabulary.size}",
        remedy="decode with the workflow that encoded them",
    )
