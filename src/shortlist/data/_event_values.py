"""Columns of events as arrays."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from shortlist.data._ragged import Array

__all__ = ["NULL", "Attribute", "as_numbers", "null_of"]

NULL = int(np.iinfo(np.int64).min)
"""The null of event columns of integers, flags and codes of text; that of floats is NaN."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column of events that follows from their user or item.

    Attributes:
        of: whose attribute it is.
        values: its value by position, as event columns are.
    """

    of: Literal["user", "item"]
    values: Array

    def at(self, positions: npt.NDArray[np.int64]) -> Array:
        """The values at positions, null for unknown ones and those met since."""
        known = (positions >= 0) & (positions < len(self.values))
        if len(self.values) == 0:
            return np.full(len(positions), null_of(self.values), self.values.dtype)
        return np.where(known, self.values[np.where(known, positions, 0)], null_of(self.values))


def null_of(values: Array) -> float | int:
    """The null of an event column."""
    return float("nan") if values.dtype.kind == "f" else NULL


def as_numbers(values: Array) -> npt.NDArray[np.float64]:
    """Values of an event column as float64, NaN for null.

    >>> as_numbers(np.array([3, NULL])).tolist()
    [3.0, nan]
    """
    if values.dtype.kind == "f":
        return values.astype(np.float64, copy=False)
    return np.where(values == NULL, np.nan, values)
