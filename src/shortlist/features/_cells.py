"""Values of any type, known by key, for both paths."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, Ragged
from shortlist.features._key_table import Positions

__all__ = ["Cells"]


@dataclass(frozen=True, eq=False)
class Cells:
    """Values by position: [V + 2], the last two for null and for unknown keys.

    Arrays hold None for a missing value, NaN among floats and in vectors; times are microseconds since 1970.

    Attributes:
        values: numbers, strings, booleans, times, lists or vectors of these.

    >>> cells = Cells(pl.Series(["a", "b", None, None]))
    >>> cells.array(np.array([1, -1, 0])).tolist()
    ['b', None, 'a']
    """

    values: pl.Series

    def expr(self, place: pl.Expr) -> pl.Expr:
        """Take by position."""

        def take(places: pl.Series) -> pl.Series:
            return self.values.gather(self._rows(places.fill_null(-1).to_numpy())).alias(places.name)

        return place.map_batches(take, return_dtype=self.values.dtype, is_elementwise=True)

    def array(self, place: Positions) -> Array | Ragged:
        """Take by position."""
        rows = self._rows(place)
        if self._lists is not None:
            return self._lists.take(rows)
        numbers, missing = self._plain
        taken = numbers[rows]
        if missing is None or not missing[rows].any():
            return taken
        taken = taken.astype(object)
        taken[missing[rows]] = None
        return taken

    def _rows(self, place: Positions) -> Positions:
        """Null and unknown stand at the end."""
        return np.where(place < 0, place + len(self.values), place)

    @cached_property
    def _lists(self) -> Ragged | None:
        if not isinstance(self.values.dtype, pl.List):
            return None
        lengths = self.values.list.len().fill_null(0).to_numpy()
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
        values, missing = _plain(self.values.explode(empty_as_null=False, keep_nulls=False))
        if missing is not None:
            values = values.astype(object)
            values[missing] = None
        return Ragged(values, offsets)

    @cached_property
    def _plain(self) -> tuple[Array, npt.NDArray[np.bool_] | None]:
        return _plain(self.values)


def _plain(values: pl.Series) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
    """Values as an array, and which of them are missing where the array cannot say it itself."""
    dtype = values.dtype
    if isinstance(dtype, pl.Array):
        vectors = np.full((len(values), dtype.size), np.nan)
        given = values.drop_nulls().explode().cast(pl.Float64).fill_null(np.nan)
        vectors[values.is_not_null().to_numpy()] = given.to_numpy().reshape(-1, dtype.size)
        return vectors, None
    if dtype.is_float():
        return values.fill_null(np.nan).to_numpy(), None
    if dtype == pl.String:
        return np.array([*values.to_list(), None], dtype=object)[:-1], None
    numbers = values.to_physical() if dtype.is_temporal() else values
    missing = values.is_null().to_numpy() if values.null_count() else None
    zero = False if dtype == pl.Boolean else 0
    return numbers.fill_null(zero).to_numpy(), missing
