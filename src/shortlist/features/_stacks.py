"""Columns of one kind of arithmetic as the rows of one matrix."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import nan
from typing import Any

import numpy as np

from shortlist.data import Array, Ragged
from shortlist.features._array_columns import Floats
from shortlist.features._op import Elementwise, Step
from shortlist.features._plan import Key, Lane, Plan, States
from shortlist.features._scalars import Scalar, run_scalars, stacked
from shortlist.schema import Column, Tags

__all__ = ["Stack", "chain", "single", "stacks"]


@dataclass(frozen=True)
class Stack:
    """F columns that pass the same arithmetic with numbers of their own.

    Attributes:
        taken: the lane of each column, and the column.
        reads: names of the raw columns.
        gives: names of what comes out of each.
        parts: the arithmetic; its numbers are arrays [F, 1].
        each: the arithmetic of each column by itself.
    """

    taken: tuple[tuple[Lane, str], ...]
    reads: tuple[str, ...]
    gives: tuple[str, ...]
    parts: tuple[Scalar, ...]
    each: tuple[tuple[Scalar, ...], ...]

    def run(self, columns: dict[str, Array | Ragged], made: dict[str, Array | Ragged]) -> None:
        """Put the changed columns, float32, among those made.

        Raises:
            TypeError: a column holds lists, or no numbers.
            ValueError: an object in a column is no number.
        """
        given = [_numbers(columns[name]) for name in self.reads]
        x: Floats = np.concatenate(given, dtype=np.float64, casting="unsafe").reshape(len(given), -1)
        made.update(zip(self.gives, run_scalars(self.parts, x).astype(np.float32), strict=True))

    def run_one(self, columns: dict[str, Array | Ragged], made: dict[str, Array | Ragged]) -> None:
        """The same for a single row, in fewer calls; columns are arrays of one value."""
        given: dict[str, Any] = columns
        changed = []
        for name, changes in self._ones:
            x = given[name].item()
            if type(x) is not float:
                x = nan if x is None else float(single(columns[name], "fiubO"))
            for change in changes:
                x = change(x)
            changed.append(x)
        made.update(zip(self.gives, np.array(changed).astype(np.float32)[:, None], strict=True))

    @cached_property
    def _ones(self) -> tuple[tuple[str, tuple[Callable[[float], float], ...]], ...]:
        changes = (tuple(part.one for part in parts) for parts in self.each)
        return tuple(zip(self.reads, changes, strict=True))


def single(column: Array | Ragged, kinds: str) -> Any:
    """The value of a column of one row.

    Raises:
        TypeError: it holds something else, or values of another kind.
    """
    if isinstance(column, Ragged) or column.dtype.kind not in kinds:
        raise TypeError
    return column.item()


def _numbers(column: Array | Ragged) -> Array:
    if isinstance(column, Ragged) or column.dtype.kind not in "fiubO" or column.ndim != 1:
        raise TypeError
    return column


def stacks(plan: Plan, states: States, names: frozenset[str]) -> Iterator[Stack]:
    """The stacks that columns of some names make."""
    alike: dict[tuple[type[Scalar], ...], list[tuple[Lane, str, str, tuple[Scalar, ...]]]] = defaultdict(list)
    for lane in plan.lanes:
        for column in lane.reads:
            if column.name in names and (found := _arithmetic(lane, column, states)) is not None:
                made, parts = found
                alike[tuple(map(type, parts))].append((lane, column.name, made, parts))
    for members in alike.values():
        lanes, reads, gives, _ = zip(*members, strict=True)
        each = tuple(parts for *_, parts in members)
        whole = tuple(stacked(same) for same in zip(*each, strict=True))
        yield Stack(tuple(zip(lanes, reads, strict=True)), reads, gives, whole, each)


def _arithmetic(lane: Lane, column: Column, states: States) -> tuple[str, tuple[Scalar, ...]] | None:
    """Name of what comes of a column, and its arithmetic, if arithmetic is all that it passes."""
    steps, name, parts = chain(lane, column), column.name, list[Scalar]()
    if steps is None or column.shape.kind != "scalar":
        return None
    for key, step in steps:
        if not isinstance(step.op, Elementwise):
            return None
        found = step.op.scalars(step, states[key])
        if found is None or len(step.outputs) != 1:
            return None
        name = step.outputs[0].name
        parts += found
    last = next((given for given in lane.gives if given.name == name), None)
    return (name, tuple(parts)) if last is not None and Tags.CONTINUOUS in last.tags and parts else None


def chain(lane: Lane, column: Column) -> list[tuple[Key, Step]] | None:
    """The steps that a column passes by itself; None where it meets another column, or becomes several."""
    name: str | None = column.name
    found: list[tuple[Key, Step]] = []
    for key, step in lane.steps:
        taken = [given.name for given in step.inputs]
        if name not in taken:
            continue
        if len(taken) > 1 or name is None:
            return None
        found.append((key, step))
        name = step.outputs[0].name if len(step.outputs) == 1 else None
    return found
