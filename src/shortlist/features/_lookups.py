"""Columns that are looked up, all at once, each in one table whatever is known by its values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, Ragged
from shortlist.features._array_columns import KINDS
from shortlist.features._gather import Codes, Gather, Values
from shortlist.features._key_table import UNKNOWN_KEY, KeyTable
from shortlist.features._plan import Lane, Plan, States
from shortlist.features._stacks import single
from shortlist.features.ops._keyed import Keyed, places
from shortlist.schema import FIRST_UNKNOWN, Column, Tags

__all__ = ["Key", "Lookups", "Same", "looked_up"]

Numbers = npt.NDArray[np.float32]
# From the position of a key to its code.
_MORE = FIRST_UNKNOWN + 1
# What tells keys apart: the identity of each table, and the names of what is taken from it.
Same = tuple[tuple[int | str, ...], ...]


@dataclass(frozen=True, slots=True)
class Key:
    """A column, and all that is known by its values: one look-up for any number of ops.

    Attributes:
        table: the values: those of a vocabulary first, in the order of their codes, then others.
        codes: name of the column of codes; None for none.
        known: how many of the values have a code.
        values: names of the columns of numbers.
        numbers: float32 [V + 2, columns]: the numbers by position, those of a value side by side.
    """

    table: KeyTable
    codes: str | None
    known: int
    values: tuple[str, ...]
    numbers: Numbers

    @classmethod
    def of(cls, gathers: Sequence[Gather]) -> "Key":
        """Put what is looked up in several tables into one."""
        outputs = [(gather, name, out) for gather in gathers for name, out in gather.outputs.items()]
        coded = next(((g.table, name) for g, name, out in outputs if isinstance(out, Codes)), None)
        tables = {id(g.table): g.table for g in ([] if coded is None else [gathers[0]]) + list(gathers)}
        table = _united(list(tables.values()))
        values = [(name, _moved(out, g.table, table)) for g, name, out in outputs if isinstance(out, Values)]
        numbers = np.zeros((len(table) + 2, len(values)), np.float32)
        for place, (_, column) in enumerate(values):
            numbers[:, place] = column
        names = tuple(name for name, _ in values)
        return cls(table, coded[1] if coded else None, len(coded[0]) if coded else 0, names, numbers)


@dataclass(frozen=True)
class Lookups:
    """Columns of single values, those with codes first.

    Attributes:
        taken: lane and name of every column that this takes care of.
        columns: the raw columns.
        keys: what is known by the values of each.
    """

    taken: tuple[tuple[Lane, str], ...]
    columns: tuple[Column, ...]
    keys: tuple[Key, ...]

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """Names of the raw columns."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def gives(self) -> tuple[str, ...]:
        """Names of what comes out."""
        return (*self._codes, *(name for key in self.keys for name in key.values))

    def run(self, columns: dict[str, Array | Ragged], made: dict[str, Array | Ragged]) -> None:
        """Put codes, int64, and values, float32, among the columns made.

        Raises:
            TypeError: a column holds lists, or values of another type.
        """
        arrays = [_checked(columns[name], kinds) for name, kinds in self._asked]
        place = self._places(arrays)
        if self._codes:
            coded = place[: len(self._codes)]
            known = np.where(coded < self._known, coded, UNKNOWN_KEY)
            made.update(zip(self._codes, known + _MORE, strict=True))
        for row, names, numbers in self._numbers:
            taken = np.ascontiguousarray(numbers.take(place[row], axis=0, mode="wrap").T)
            made.update(zip(names, taken, strict=True))

    def run_one(self, columns: dict[str, Array | Ragged], made: dict[str, Array | Ragged]) -> None:
        """The same for a single row, in fewer calls; columns are arrays of one value."""
        given: dict[str, Any] = columns
        place = [find(given[name].item(), UNKNOWN_KEY) for name, find in self._ones]
        if UNKNOWN_KEY in place:
            for row, one in enumerate(place):
                if one == UNKNOWN_KEY:  # or in another notation, or of another type than the keys
                    table, value = self.keys[row].table, single(columns[self.reads[row]], self._asked[row][1])
                    place[row] = one if type(value) is table.native else table.find_all((value,))[0]
        codes = [
            (one if one < known else UNKNOWN_KEY) + _MORE
            for one, known in zip(place, self._most, strict=False)
        ]
        made.update(zip(self._codes, np.array(codes, np.int64)[:, None], strict=True))
        for row, names, numbers in self._numbers:
            one = place[row] % len(numbers)
            made.update(zip(names, numbers[one : one + 1].T.copy(), strict=True))

    def warm_up(self) -> None:
        """Build the look-ups of single values now."""
        for key in self.keys:
            key.table.warm_up()

    def _places(self, arrays: list[Array]) -> npt.NDArray[np.int64]:
        """int64 [columns, B]: positions of the keys."""
        rows = len(arrays[0])
        if any(array.shape != (rows,) for array in arrays):
            raise TypeError
        place = np.empty((len(arrays), rows), np.int64)
        for row, array in enumerate(arrays):
            place[row] = places(self.keys[row].table, array)
        return place

    @cached_property
    def _asked(self) -> tuple[tuple[str, str], ...]:
        """Name of each column, and the kinds of arrays that hold its type."""
        return tuple((column.name, KINDS[column.dtype.rstrip("0123456789")]) for column in self.columns)

    @cached_property
    def _ones(self) -> tuple[tuple[str, Callable[[Any, int], int]], ...]:
        return tuple((name, key.table.find_one) for name, key in zip(self.reads, self.keys, strict=True))

    @cached_property
    def _codes(self) -> tuple[str, ...]:
        return tuple(key.codes for key in self.keys if key.codes is not None)

    @cached_property
    def _known(self) -> npt.NDArray[np.int64]:
        return np.array(self._most)[:, None]

    @cached_property
    def _most(self) -> tuple[int, ...]:
        """How many values of a column have codes, for those with codes."""
        return tuple(key.known for key in self.keys if key.codes is not None)

    @cached_property
    def _numbers(self) -> tuple[tuple[int, tuple[str, ...], Numbers], ...]:
        return tuple((row, key.values, key.numbers) for row, key in enumerate(self.keys) if key.values)


def looked_up(plan: Plan, states: States, names: frozenset[str], kept: dict[Same, Key]) -> Lookups | None:
    """The look-ups of columns of some names that nothing else happens to.

    Args:
        plan: the steps.
        states: what was fitted.
        names: the columns.
        kept: keys made before, by their tables and outputs; new ones are put there.
    """
    found: dict[tuple[str, int], list[tuple[Lane, Column, Gather]]] = {}
    for lane in plan.lanes:
        for column in lane.reads:
            if column.name in names and column.shape.kind == "scalar":
                for gather in _only_step(lane, column, states):
                    _seat(found, lane, column, gather)
    if not found:
        return None
    groups = sorted(found.values(), key=lambda group: not _has_codes(group[0][2]))
    keys = []
    for group in groups:
        gathers = [gather for _, _, gather in group]
        same: Same = tuple((id(gather.table), *gather.outputs) for gather in gathers)
        if same not in kept:
            kept[same] = Key.of(gathers)
        keys.append(kept[same])
    taken = tuple((lane, column.name) for group in groups for lane, column, _ in group)
    return Lookups(taken, tuple(group[0][1] for group in groups), tuple(keys))


def _seat(
    found: dict[tuple[str, int], list[tuple[Lane, Column, Gather]]],
    lane: Lane,
    column: Column,
    gather: Gather,
) -> None:
    """Put a look-up to the others of its column; a second vocabulary goes by itself."""
    group = found.setdefault((column.name, 0), [])
    if not _has_codes(gather):
        group.append((lane, column, gather))
    elif not any(_has_codes(other) for _, _, other in group):
        group.insert(0, (lane, column, gather))
    else:
        found[column.name, len(found)] = [(lane, column, gather)]


def _has_codes(gather: Gather) -> bool:
    return any(isinstance(output, Codes) for output in gather.outputs.values())


def _only_step(lane: Lane, column: Column, states: States) -> Iterator[Gather]:
    """The column's look-up, if it is looked up by itself and what comes out of that leaves the lane."""
    taken = [(key, step) for key, step in lane.steps if column.name in (c.name for c in step.inputs)]
    if len(taken) != 1 or not isinstance(taken[0][1].op, Keyed) or column.dtype == "datetime":
        return
    key, step = taken[0]
    if step.made.together and len(step.inputs) > 1:
        return
    assert isinstance(step.op, Keyed)
    gather = step.op.gather(step, states[key], (column,))
    later = {given.name for other, after in lane.steps if other != key for given in after.inputs}
    gives = {given.name: given for given in lane.gives if given.name not in later}
    plain = gather.buckets == 1 and gather.strict is None
    if plain and all(_fits(output, gives.get(name)) for name, output in gather.outputs.items()):
        yield gather


def _fits(output: object, given: Column | None) -> bool:
    """Whether an output leaves the lane as it is: codes, or continuous numbers."""
    if given is None:
        return False
    if isinstance(output, Codes):
        return output.buckets == 1
    return isinstance(output, Values) and Tags.CONTINUOUS in given.tags


def _united(tables: Sequence[KeyTable]) -> KeyTable:
    """The keys of all tables, each once, those of the first table first."""
    if len(tables) == 1:
        return tables[0]
    keys = pl.concat(table.frame.select(pl.col(table.keys[0]).alias("key")) for table in tables)
    return KeyTable(keys.unique(maintain_order=True), ("key",))


def _moved(values: Values, old: KeyTable, new: KeyTable) -> Numbers:
    """Numbers by position in another table; keys that the old one lacks have the value for unknown."""
    with np.errstate(over="ignore"):  # beyond the range of float32 is infinite, as in a frame
        numbers = values.numbers.astype(np.float32)
    if new is old:
        return numbers
    index = old.frame.select(pl.col(old.keys[0]).alias(new.keys[0])).with_row_index("place")
    found = new.frame.select(new.keys).join(index, on=new.keys, how="left", maintain_order="left")
    place = found["place"].cast(pl.Int64).fill_null(UNKNOWN_KEY).to_numpy()
    return np.append(numbers[place], numbers[UNKNOWN_KEY - 1 :])


def _checked(column: Array | Ragged, kinds: str) -> Array:
    if isinstance(column, Ragged) or column.dtype.kind not in kinds:
        raise TypeError
    return column
