"""The column that says where a value was missing."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, Ragged
from shortlist.features._array_columns import is_missing, on_values
from shortlist.features._frame_columns import on_elements
from shortlist.schema import Column, Domain, Tags

__all__ = ["flag_array", "flag_expr", "indicator", "missing"]


def indicator(column: Column) -> Column:
    """``<name>_filled``: 1.0 where the column has no value, else 0.0; within lists, an element for each."""
    tags = (column.tags - {Tags.CATEGORICAL, Tags.ID, Tags.TEXT}) | {Tags.CONTINUOUS}
    name = f"{column.name}_filled"
    return replace(column, name=name, dtype="float32", tags=tags, domain=Domain(name), vocabulary=None)


def flag_expr(column: Column, value: pl.Expr) -> pl.Expr:
    """The indicator as an expression."""
    return on_elements(column, value, lambda x: x.is_null().cast(pl.Float32))


def flag_array(value: Array | Ragged) -> Array | Ragged:
    """The indicator as an array."""
    return on_values(value, lambda values: missing(values).astype(np.float32))


def missing(values: Array) -> npt.NDArray[np.bool_]:
    """Where there is None or NaN."""
    if values.dtype.kind == "O":
        return np.array([is_missing(value) for value in values.tolist()], dtype=np.bool_)
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=np.bool_)
