"""What is known by key, and how rows get it: along both paths from the positions of a `KeyTable`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, Ragged
from shortlist.features._key_table import UNKNOWN_KEY, KeyTable, Positions
from shortlist.features._taken import numbers_taken
from shortlist.schema import FIRST_UNKNOWN, first_value

__all__ = ["Codes", "Gather", "ToValue", "Values"]


class ToValue(Protocol):
    """A value for every position: of a key, -1 for an unknown one, -2 for null."""

    def expr(self, place: pl.Expr) -> pl.Expr:
        """On an Int64 expression of positions."""

    def array(self, place: Positions) -> Array | Ragged:
        """On int64 positions."""


@dataclass(frozen=True, slots=True)
class Codes:
    """The code of the key by the rule of `shortlist.schema`; unknown ones get the first code for unknown.

    >>> Codes(buckets=2).array(np.array([0, 1, -1, -2])).tolist()
    [4, 5, 2, 1]
    """

    buckets: int = 1

    def expr(self, place: pl.Expr) -> pl.Expr:
        """Add the first code of a value."""
        plain = place + (FIRST_UNKNOWN + 1)
        if self.buckets == 1:
            return plain
        return pl.when(place < 0).then(plain).otherwise(place + first_value(self.buckets))

    def array(self, place: Positions) -> Array:
        """Add the first code of a value."""
        codes = place + (FIRST_UNKNOWN + 1)
        return codes if self.buckets == 1 else codes + np.where(place < 0, 0, self.buckets - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Numbers by position: float64 [V + 2], the last two for null and for unknown keys; NaN is null.

    >>> Values.of(np.array([0.5, 0.7]), null=0.1, unknown=0.2).array(np.array([1, -1, -2])).tolist()
    [0.7, 0.2, 0.1]
    """

    numbers: npt.NDArray[np.float64]

    @classmethod
    def of(cls, numbers: Array, *, null: float = np.nan, unknown: float = np.nan) -> "Values":
        """Put the values for null and for unknown keys behind those of the keys."""
        return cls(np.append(np.asarray(numbers, np.float64), (null, unknown)))

    def expr(self, place: pl.Expr) -> pl.Expr:
        """Take by position."""

        def take(places: pl.Series) -> pl.Series:
            return numbers_taken(self.numbers, places, UNKNOWN_KEY)

        return place.map_batches(take, return_dtype=pl.Float64, is_elementwise=True)

    def array(self, place: Positions) -> Array:
        """Take by position."""
        return self.numbers[place]


@dataclass(frozen=True, slots=True, eq=False)
class Gather:
    """Outputs that are known by key.

    Attributes:
        table: the keys.
        outputs: name of the output -> its values by position.
        buckets: above 1, the unknown keys of the one output are spread over so many codes by their hash.
        strict: where to say that a key is unknown, which is an error then; None where it is none.
    """

    table: KeyTable
    outputs: Mapping[str, ToValue]
    buckets: int = 1
    strict: str | None = None
