"""Columns that are looked up, all at once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Ragged
from shortlist.features._array_columns import KINDS
from shortlist.features._gather import Codes, Gather, Values
from shortlist.features._key_table import UNKNOWN_KEY, KeyTable
from shortlist.features._plan import Lane, Plan, States
from shortlist.features.ops._keyed import Keyed, places
from shortlist.schema import FIRST_UNKNOWN, Column, Tags

__all__ = ["Lookups", "looked_up"]


@dataclass(frozen=True, slots=True)
class _Lookup:
    """One column and the table it is looked up in.

    Attributes:
        lane: the column's lane.
        column: the raw column.
        gather: the table and what is known by key.
    """

    lane: Lane
    column: Column
    gather: Gather


@dataclass(frozen=True)
class Lookups:
    """Columns of single values, each looked up in its own table.

    Attributes:
        members: the columns.
    """

    members: tuple[_Lookup, ...]

    @cached_property
    def taken(self) -> tuple[tuple[Lane, str], ...]:
        """The lane of each column, and the column."""
        return tuple((one.lane, one.column.name) for one in self.members)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """Names of the raw columns."""
        return tuple(one.column.name for one in self.members)

    @cached_property
    def gives(self) -> tuple[str, ...]:
        """Names of what comes out."""
        return tuple(name for one in self.members for name in one.gather.outputs)

    def run(self, columns: dict[str, Array | Ragged], made: dict[str, Array | Ragged]) -> None:
        """Put codes, int64, and values, float32, among the columns made.

        Raises:
            TypeError: a column holds lists, or values of another type.
        """
        arrays = [_checked(columns[name], kinds) for name, kinds in self._asked]
        place = self._places(arrays)
        if self._codes:
            made.update(zip(self._codes, place[self._coded] + (FIRST_UNKNOWN + 1), strict=True))
        if self._values:
            values = np.array([numbers[place[row]] for row, numbers in self._numbers]).astype(np.float32)
            made.update(zip(self._values, values, strict=True))

    def _places(self, arrays: list[Array]) -> npt.NDArray[np.int64]:
        """int64 [columns, B]: positions of the keys."""
        if all(map(_is_one, arrays)):
            found = [find(array.item(), UNKNOWN_KEY) for find, array in zip(self._finds, arrays, strict=True)]
            for row, one in enumerate(found):
                if one == UNKNOWN_KEY:  # or null, or in another notation
                    found[row] = self._tables[row].find_all((arrays[row].item(),))[0]
            return np.array(found, np.int64)[:, None]
        place = np.array([places(t, a) for t, a in zip(self._tables, arrays, strict=True)], np.int64)
        if place.ndim != 2:
            raise TypeError
        return place

    @cached_property
    def _asked(self) -> tuple[tuple[str, str], ...]:
        """Name of each column, and the kinds of arrays that hold its type."""
        return tuple((one.column.name, KINDS[one.column.dtype.rstrip("0123456789")]) for one in self.members)

    @cached_property
    def _tables(self) -> tuple[KeyTable, ...]:
        return tuple(one.gather.table for one in self.members)

    @cached_property
    def _finds(self) -> tuple[Callable[[Any, int], int], ...]:
        return tuple(table.find_one for table in self._tables)

    @cached_property
    def _codes(self) -> tuple[str, ...]:
        return tuple(name for name, _, output in self._outputs if isinstance(output, Codes))

    @cached_property
    def _coded(self) -> slice | npt.NDArray[np.int64]:
        rows = [row for _, row, output in self._outputs if isinstance(output, Codes)]
        return slice(0, len(rows)) if rows == list(range(len(rows))) else np.array(rows)

    @cached_property
    def _values(self) -> tuple[str, ...]:
        return tuple(name for name, _, output in self._outputs if isinstance(output, Values))

    @cached_property
    def _numbers(self) -> tuple[tuple[int, npt.NDArray[np.float64]], ...]:
        return tuple((row, output.numbers) for _, row, output in self._outputs if isinstance(output, Values))

    @cached_property
    def _outputs(self) -> Sequence[tuple[str, int, object]]:
        return [
            (name, row, output)
            for row, one in enumerate(self.members)
            for name, output in one.gather.outputs.items()
        ]


def looked_up(plan: Plan, states: States, names: frozenset[str]) -> Lookups | None:
    """The look-ups of columns of some names that nothing else happens to."""
    found = [
        one
        for lane in plan.lanes
        for column in lane.reads
        if column.name in names and column.shape.kind == "scalar"
        for one in _only_step(lane, column, states)
    ]
    found.sort(key=lambda one: not any(isinstance(v, Codes) for v in one.gather.outputs.values()))
    return Lookups(tuple(found)) if found else None


def _only_step(lane: Lane, column: Column, states: States) -> Iterator[_Lookup]:
    """The column's look-up, if it is looked up by itself and what comes out of that leaves the lane."""
    taken = [(key, step) for key, step in lane.steps if column.name in (c.name for c in step.inputs)]
    if len(taken) != 1 or not isinstance(taken[0][1].op, Keyed) or column.dtype == "datetime":
        return
    key, step = taken[0]
    if step.made.together and len(step.inputs) > 1:
        return
    assert isinstance(step.op, Keyed)
    gather = step.op.gather(step, states[key], (column,))
    later = {taken.name for other, next_one in lane.steps if other != key for taken in next_one.inputs}
    gives = {given.name: given for given in lane.gives if given.name not in later}
    if (
        gather.buckets == 1
        and gather.strict is None
        and all(_fits(output, gives.get(n)) for n, output in gather.outputs.items())
    ):
        yield _Lookup(lane, column, gather)


def _fits(output: object, given: Column | None) -> bool:
    """Whether an output leaves the lane as it is: codes, or continuous numbers."""
    if given is None:
        return False
    if isinstance(output, Codes):
        return output.buckets == 1
    return isinstance(output, Values) and Tags.CONTINUOUS in given.tags


def _is_one(array: Array) -> bool:
    return array.size == 1 and array.ndim == 1


def _checked(column: Array | Ragged, kinds: str) -> Array:
    if isinstance(column, Ragged) or column.dtype.kind not in kinds:
        raise TypeError
    return column
