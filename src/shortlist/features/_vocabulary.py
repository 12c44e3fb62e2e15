"""Values and their codes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shortlist.features._gather import Codes, Gather
from shortlist.features._key_table import KeyTable
from shortlist.features._state import State
from shortlist.schema import cardinality, first_value

__all__ = ["Vocabulary"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Codes of the values of a `KeyTable`, by the rule of `shortlist.schema`.

    Attributes:
        table: the values, in the order of their codes.
        buckets: codes shared by the unknown values, which their hash spreads over them.

    >>> import polars as pl
    >>> vocabulary = Vocabulary(KeyTable(pl.DataFrame({"value": ["b", "a"]}), ("value",)))
    >>> vocabulary.size, vocabulary.decode([3, 4, 1])
    (5, ['b', 'a', None])
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

    def gather(self, name: str) -> Gather:
        """How a column of values becomes a column of codes of some name."""
        outputs: Mapping[str, Codes] = {name: Codes(self.buckets)}
        return Gather(self.table, outputs, self.buckets)

    def decode(self, codes: Iterable[int]) -> list[Any]:
        """Raw values of codes; None for padding, null and unknown; IndexError beyond the vocabulary."""
        first, values = first_value(self.buckets), self.table.values
        return [values[code - first] if code >= first else None for code in codes]
