"""Encoded rows as the batch that a ranker scores."""

import numpy as np
import polars as pl

from shortlist.data import Array, Batch, Ragged
from shortlist.io import Dataset
from shortlist.schema import Column, Schema, Tags

__all__ = ["batch_of"]

_CODES = frozenset({Tags.CATEGORICAL, Tags.ID, Tags.SEQUENCE})


def batch_of(data: Dataset | pl.DataFrame, inputs: Schema) -> Batch:
    """Codes int64, numbers float32 with NaN for null, lists of either.

    Raises:
        polars.exceptions.ColumnNotFoundError: a column is missing.
    """
    frame = data.collect() if isinstance(data, Dataset) else data
    return Batch({column.name: _column(frame[column.name], column) for column in inputs}, rows=frame.height)


def _column(series: pl.Series, column: Column) -> Array | Ragged:
    coded = not column.has(Tags.CONTINUOUS) and not column.tags.isdisjoint(_CODES)
    if column.is_list:
        lengths = series.list.len().fill_null(0).to_numpy().astype(np.int64)
        values = series.filter(pl.Series(lengths > 0)).explode()
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        return Ragged(_values(values, coded=coded), offsets)
    if column.shape.kind == "vector":
        vectors: Array = series.cast(pl.Array(pl.Float32, column.shape.size or 0)).to_numpy()
        return vectors
    return _values(series, coded=coded)


def _values(series: pl.Series, *, coded: bool) -> Array:
    whole = coded and series.null_count() == 0
    plain = series.cast(pl.Int64) if whole else series.cast(pl.Float32).fill_null(np.nan)
    values: Array = plain.to_numpy()
    return values
