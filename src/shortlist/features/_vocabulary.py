"""Values and their codes, both ways, on frames and on arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array
from shortlist.features._array_columns import is_missing
from shortlist.features._hash import hash_value, hash_values
from shortlist.features._key_table import KeyTable
from shortlist.features._state import State
from shortlist.schema import FIRST_UNKNOWN, NULL, cardinality, first_value

__all__ = ["Vocabulary"]

Codes = npt.NDArray[np.int64]

# Below this many values a dictionary is quicker than an index over arrays.
_FEW = 64


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Codes of the values of a `KeyTable`, by the rule of `shortlist.schema`.

    Attributes:
        table: the values, in the order of their codes.
        buckets: codes shared by the unknown values, which their hash spreads over them.

    >>> vocabulary = Vocabulary(KeyTable(pl.DataFrame({"value": ["b", "a"]}), ("value",)))
    >>> vocabulary.encode(pl.Series(["a", None, "new"])).to_list(), vocabulary.decode([3, 4, 1])
    ([4, 1, 2], ['b', 'a', None])
    """

    table: KeyTable
    buckets: int = 1

    @classmethod
    def of(cls, state: State) -> "Vocabulary":
        """The vocabulary that an op has learned."""
        return cls(state.tables["vocabulary"], state.values["buckets"])

    @property
    def size(self) -> int:
        """Number of codes in all."""
        return cardinality(len(self.table), self.buckets)

    def encode(self, values: pl.Series) -> pl.Series:
        """Codes of a column; of a column of structs where values have several members."""
        codes = self.table.positions(values) + first_value(self.buckets)
        nulls = _nulls(values)
        unknown = codes < first_value(self.buckets)
        unknown[nulls] = False
        codes[nulls] = NULL
        codes[unknown] = FIRST_UNKNOWN
        if self.buckets > 1 and unknown.any():
            hashes = hash_values(values.filter(pl.Series(unknown)))
            codes[unknown] += (hashes % np.uint64(self.buckets)).astype(np.int64)
        return pl.Series(values.name, codes)

    def encode_array(self, values: Array) -> Codes:
        """Codes of raw values; NaN and None are null."""
        if values.dtype.kind in "iub" and len(values) > _FEW:
            return self.encode(pl.Series(values)).to_numpy()
        return self.encode_values(values.tolist())

    def encode_values(self, values: Sequence[Any]) -> Codes:
        """Codes of Python values (of tuples where values have several members)."""
        first, find = first_value(self.buckets), self.table.lookup.get
        codes = [find(value, -1) + first for value in values]
        for row, code in enumerate(codes):
            if code < first:
                codes[row] = self._other_code(values[row])
        return np.array(codes, dtype=np.int64)

    def decode(self, codes: Iterable[int]) -> list[Any]:
        """Raw values of codes; None for padding, null and unknown; IndexError beyond the vocabulary."""
        first, values = first_value(self.buckets), self.table.values
        return [values[code - first] if code >= first else None for code in codes]

    def _other_code(self, value: Any) -> int:
        """The code of a value that is not a key as it stands: null, another notation, or unknown."""
        if isinstance(value, tuple):
            value = tuple(None if is_missing(member) else member for member in value)
            if all(member is None for member in value):
                return NULL
        elif is_missing(value):
            return NULL
        else:
            value = _in_type(value, text=self.table.is_text)
        position = self.table.find(value)
        if position >= 0:
            return first_value(self.buckets) + position
        return FIRST_UNKNOWN + (hash_value(value) % self.buckets if self.buckets > 1 else 0)


def _nulls(values: pl.Series) -> npt.NDArray[np.bool_]:
    if values.dtype != pl.Struct:
        return values.is_null().to_numpy()
    return values.struct.unnest().select(pl.all_horizontal(pl.all().is_null())).to_series().to_numpy()


def _in_type(value: Any, *, text: bool) -> Any:
    """The value in the notation of the vocabulary: "17850" for 17850 and the reverse, as `Keys` does."""
    if text:
        return value if isinstance(value, str) else str(value)
    if not isinstance(value, str):
        return value
    digits = value.removeprefix("-")
    plain = digits.isascii() and digits.isdigit() and str(int(digits)) == digits
    return int(value) if plain else value
