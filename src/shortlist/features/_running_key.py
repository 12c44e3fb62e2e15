"""Statistics by one key, added up over long frames: the key's values are numbered once for all of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.features._keyed_statistics import KeyedMoments
from shortlist.features._numbered import numbering
from shortlist.features._numbered_cells import WHOLE, KeyCells, Parts
from shortlist.features._statistics import Counts, Statistic

__all__ = ["ByKey", "RunningKey", "floats", "key_of", "part_of"]

# Counts and sums by one key, or by it and a part of it.
ByKey: TypeAlias = Counts | KeyedMoments
Floats = npt.NDArray[np.float64]


# The sum of 2^31 such numbers is exact in float64.
_SMALL = (pl.Boolean, pl.Int8, pl.UInt8, pl.Int16, pl.UInt16)


def key_of(statistic: Statistic) -> pl.Expr | None:
    """The one key of a statistic, if numbers of distinct keys are all that it needs."""
    if isinstance(statistic, Counts) and len(statistic.keys) == 1 and not statistic.lists:
        return next(iter(statistic.keys.values()))
    if isinstance(statistic, KeyedMoments) and statistic.by_number:
        return next(iter(statistic.keys.values()))
    return None


def part_of(statistic: ByKey) -> pl.Expr | None:
    """What parts the key."""
    return next(iter(list(statistic.keys.values())[1:]), None)


def floats(rows: pl.DataFrame, value: pl.Expr) -> Floats:
    """A column as float64, NaN for null."""
    return rows.select(value.cast(pl.Float64)).to_series().rechunk().to_numpy()


class RunningKey:
    """Counts and sums of the values of one key.

    Args:
        loops: the compiled loops.
        key: the key.
        asked: the statistics, by their places.
        rows: tells the types.
    """

    def __init__(
        self, loops: ModuleType, key: pl.Expr, asked: Mapping[int, ByKey], rows: pl.LazyFrame
    ) -> None:
        self._key = key
        self._asked = asked
        self._numbers = numbering(loops, _types(rows, [key])[0])
        self._cells = {
            place: KeyCells(loops, [kind in _SMALL for kind in _types(rows, _values(one).values())])
            for place, one in asked.items()
        }

    def add(self, rows: pl.DataFrame, parts: Callable[[pl.Expr], Parts]) -> None:
        """Add rows; ``parts`` gives the part of each row's key by an expression."""
        numbers = self._numbers.number(rows.select(self._key).to_series().rechunk())
        for place, statistic in self._asked.items():
            part = part_of(statistic)
            mine = WHOLE if part is None else parts(part)
            values = [floats(rows, value) for value in _values(statistic).values()]
            self._cells[place].add(self._numbers.count + 1, numbers, mine, values)

    def frames(self) -> dict[int, pl.DataFrame]:
        """The statistics of all rows so far."""
        keys = self._numbers.keys()
        return {place: self._frame(keys, place, statistic) for place, statistic in self._asked.items()}

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        return self._numbers.bytes + sum(cells.bytes for cells in self._cells.values())

    def _frame(self, keys: pl.Series, place: int, statistic: ByKey) -> pl.DataFrame:
        cells, numbers, parts = self._cells[place].filled()
        key, *part = statistic.keys
        named = [keys.gather(numbers).alias(key), *(pl.Series(name, parts) for name in part)]
        return pl.DataFrame([*named, *self._columns(place, statistic, cells)])

    def _columns(self, place: int, statistic: ByKey, cells: npt.NDArray[np.int64]) -> Iterator[pl.Series]:
        """What is asked for of the filled cells."""
        if isinstance(statistic, Counts) or "count" in statistic.parts:
            yield self._cells[place].rows(cells).alias("count")
        if isinstance(statistic, KeyedMoments):
            for number, name in enumerate(statistic.values):
                count, total = self._cells[place].sums(number, cells)
                yield count.alias(f"n_{name}")
                if "sum" in statistic.parts:
                    yield total.alias(f"sum_{name}")


def _values(statistic: ByKey) -> Mapping[str, pl.Expr]:
    return statistic.values if isinstance(statistic, KeyedMoments) else {}


def _types(rows: pl.LazyFrame, asked: Iterable[pl.Expr]) -> list[pl.DataType]:
    named = [expression.alias(str(place)) for place, expression in enumerate(asked)]
    return rows.select(named).collect_schema().dtypes()
