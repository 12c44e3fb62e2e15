"""Values by place."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.features._compiled import kernels
from shortlist.features._frame_columns import nan_to_null
from shortlist.features._numbered import frozen

__all__ = ["numbers_taken", "taken"]

T = TypeVar("T", bound=np.generic)
F = TypeVar("F", bound=np.floating)


def taken(values: npt.NDArray[T], places: npt.NDArray[np.int64]) -> npt.NDArray[T]:
    """Values by place, which must be among them; places below 0 count from the end."""
    loops = kernels(len(places), asked=0)
    if loops is None:
        return values[places]
    found: npt.NDArray[T] = loops.take(frozen(values), frozen(places))
    return found


def numbers_taken(values: npt.NDArray[F], places: pl.Series, absent: int) -> pl.Series:
    """Float64 by place, null for NaN.

    Args:
        values: the numbers.
        places: as for `taken`; inside when-then, Polars makes null those of the rows that do not matter.
        absent: the place for null.
    """
    asked = (places.fill_null(absent) if places.null_count() else places).to_numpy()
    loops = kernels(len(asked), asked=0)
    if loops is None:
        return nan_to_null(pl.Series(places.name, values[asked])).cast(pl.Float64)
    found, blank = loops.take_numbers(frozen(values), frozen(asked))
    numbers = pl.Series(places.name, found).cast(pl.Float64)
    return numbers.fill_nan(None) if blank else numbers
