"""Where a combination of values stands among others: built once, asked for millions of rows at a time."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.features._integer_index import IntegerIndex

__all__ = ["CombinationIndex"]

Positions = npt.NDArray[np.int64]


class _Members(Protocol):
    def __len__(self) -> int: ...

    def positions(self, values: pl.Series) -> Positions: ...


class CombinationIndex:
    """Positions of V distinct rows of several columns; a null is a value like any other.

    Each value has a number within its column. Numbers of the first two columns make a pair, the pair's
    position and the number in the third column make the next pair, and so on: every stage is one
    `IntegerIndex`, so nothing is built again at a question.

    Args:
        columns: the rows, by column.
        member: makes the look-up of one column's values.

    >>> from shortlist.features._key_table import KeyTable
    >>> rows = [pl.Series("a", ["x", "x", None]), pl.Series("b", [1, 2, 2])]
    >>> index = CombinationIndex(rows, lambda v: KeyTable(v.drop_nulls().unique().to_frame(), (v.name,)))
    >>> index.positions([pl.Series(["x", None, "y"]), pl.Series([2, 2, 1])]).tolist()
    [1, 2, -1]
    """

    def __init__(self, columns: Sequence[pl.Series], member: Callable[[pl.Series], _Members]) -> None:
        self._members = [member(column) for column in columns]
        self._stages: list[IntegerIndex] = []
        numbers = self._numbers(0, columns[0])
        for place in range(1, len(columns)):
            pairs = self._pairs(numbers, place, columns[place])
            last = place == len(columns) - 1
            self._stages.append(IntegerIndex(pairs if last else np.unique(pairs)))
            numbers = self._stages[-1].positions(pairs).astype(np.int64)

    def positions(self, columns: Sequence[pl.Series]) -> Positions:
        """int64 [N]: the position of each row, -1 where it is not among them."""
        numbers = self._numbers(0, columns[0])
        for place, stage in enumerate(self._stages, start=1):
            numbers = stage.positions(self._pairs(numbers, place, columns[place])).astype(np.int64)
        return numbers

    def _pairs(self, numbers: Positions, place: int, column: pl.Series) -> Positions:
        """One integer for each pair, -1 where a part is unknown."""
        others = self._numbers(place, column)
        pairs = numbers * (len(self._members[place]) + 1) + others
        pairs[(numbers < 0) | (others < 0)] = -1
        return pairs

    def _numbers(self, place: int, column: pl.Series) -> Positions:
        """From 0 for null, 1 for the first value; -1 for unknown."""
        found = self._members[place].positions(column)
        found[found >= 0] += 1
        found[column.is_null().to_numpy()] = 0
        return found
