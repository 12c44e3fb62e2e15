"""The request path: the steps of a plan over a batch of arrays.

A request has few rows, so what counts is the number of calls. Columns that pass the same arithmetic are
stacked and run as one matrix, and columns that are looked up have their codes made at once. Whatever else
there is runs step by step; the outcome is the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from shortlist.data import Array, Batch, Ragged
from shortlist.errors import ArgumentError
from shortlist.features._array_columns import accept, release
from shortlist.features._lookups import Key, Lookups, Same, looked_up
from shortlist.features._plan import Lane, Plan, States
from shortlist.features._stacks import Stack, stacks
from shortlist.schema import Column

__all__ = ["Request", "need_batch"]

Columns = dict[str, Array | Ragged]

# Programs that are kept, one for each set of columns that requests come with.
_KEPT = 64


def need_batch(given: object) -> None:
    """Refuse what is no batch, such as a dict or a frame.

    Raises:
        ArgumentError: it is none.
    """
    if not isinstance(given, Batch):
        raise ArgumentError(
            "Workflow.transform_batch",
            received=type(given).__name__,
            expected="a Batch",
            remedy="pass Batch({name: array}), lists as Ragged.of(lists); frames go to transform",
        )


class Request:
    """A plan and its states, ready for batches.

    Args:
        plan: the steps.
        states: what was fitted.
    """

    def __init__(self, plan: Plan, states: States) -> None:
        self._plan = plan
        self._states = states
        self._programs: dict[tuple[tuple[str, ...], frozenset[str]], _Program] = {}
        self._keys: dict[Same, Key] = {}

    def transform(self, batch: Batch) -> Batch:
        """The columns of every branch whose inputs the batch has, and those that pass through.

        Raises:
            SchemaError: a column is of another type than in fitting.
        """
        columns = dict(batch.items())
        key = (tuple(columns), batch.query)
        program = self._programs.get(key)
        if program is None:
            if len(self._programs) >= _KEPT:
                self._programs.clear()
            program = self._programs[key] = self._program(frozenset(batch), batch.query)
        try:
            made, query = program.run(columns), program.query
            left = program.left
        except (AttributeError, TypeError, ValueError, ArithmeticError):
            # A column of another type than in fitting: the slow path names it.
            made, query, left = {}, frozenset(), _everything(self._plan, batch)
        for lane, names in left:
            out, per_query = _through(lane, self._states, batch, names)
            made |= {c.name: release(c, out[c.name]) for c in lane.gives if c.name in out}
            query |= per_query
        ordered = {name: made[name] for name in program.order if name in made}
        return Batch.trusted(ordered, len(batch), query & ordered.keys(), batch.query_of)

    def warm_up(self) -> None:
        """Build the look-ups of single values now rather than at the first request."""
        together = looked_up(self._plan, self._states, frozenset(self._plan.reads.names), self._keys)
        if together is not None:
            together.warm_up()
        done = {tables[0] for same in self._keys for tables in same}
        for state in self._states.values():
            for table in state.tables.values():
                if table.keys and id(table) not in done:
                    table.warm_up()

    def _program(self, given: frozenset[str], query: frozenset[str]) -> "_Program":
        """What is done with batches of these columns, of which some have one row a query."""
        plan, states, sides = self._plan, self._states, (given - query, query)
        together: list[Stack | Lookups] = [stack for names in sides for stack in stacks(plan, states, names)]
        for names in sides:
            found = looked_up(plan, states, names, self._keys)
            together += [] if found is None else [found]
        carried = tuple(column.name for column in plan.carried if column.name in given)
        passed = tuple(c for lane in plan.lanes if not lane.steps for c in lane.gives if c.name in given)
        of_query = {name for part in together if part.reads[0] in query for name in part.gives}
        left = ((lane, given & _left_in(lane, together)) for lane in plan.lanes if lane.steps)
        order = dict.fromkeys([*(column.name for lane in plan.lanes for column in lane.gives), *carried])
        return _Program(
            tuple(together),
            carried,
            passed,
            tuple((lane, names) for lane, names in left if names),
            tuple(order),
            frozenset(of_query | query.intersection((*carried, *(c.name for c in passed)))),
        )


@dataclass(frozen=True)
class _Program:
    """What is done with batches of certain columns.

    Attributes:
        together: columns changed as one matrix, or looked up at once.
        carried: columns that pass untouched.
        passed: columns of branches without ops.
        left: lanes that run step by step, and the columns they still take.
        order: the columns that may come out, in order.
        query: those of them that have one row a query, as far as the lanes that are left do not add to them.
    """

    together: tuple[Stack | Lookups, ...]
    carried: tuple[str, ...]
    passed: tuple[Column, ...]
    left: tuple[tuple[Lane, frozenset[str]], ...]
    order: tuple[str, ...]
    query: frozenset[str]

    def run(self, columns: Columns) -> Columns:
        """Everything that goes together; an error where a column is not of its type."""
        made: Columns = {name: columns[name] for name in self.carried}
        made |= {c.name: release(c, accept(c, columns[c.name])) for c in self.passed}
        given: dict[str, Any] = columns  # lists have no shape, which is an error too
        alone = [given[name].shape for name in self._reads] == self._single
        with np.errstate(over="ignore"):  # beyond the range of float32 is infinite, as in a frame
            for part in self.together:
                (part.run_one if alone else part.run)(columns, made)
        return made

    @cached_property
    def _reads(self) -> tuple[str, ...]:
        return tuple(name for part in self.together for name in part.reads)

    @cached_property
    def _single(self) -> list[tuple[int]]:
        """The shapes of columns of one row."""
        return [(1,)] * len(self._reads)


def _left_in(lane: Lane, together: Iterable[Stack | Lookups]) -> frozenset[str]:
    """The columns of a lane that no stack or look-up takes care of."""
    done = {name for part in together for owner, name in part.taken if owner is lane}
    return frozenset(column.name for column in lane.reads) - done


def _everything(plan: Plan, batch: Batch) -> tuple[tuple[Lane, frozenset[str]], ...]:
    lanes = tuple((lane, frozenset(batch)) for lane in plan.lanes)
    carried = frozenset(column.name for column in plan.carried)
    return (*lanes, (Lane(plan.carried, (), plan.carried), carried))


def _through(
    lane: Lane, states: States, batch: Batch, names: frozenset[str]
) -> tuple[Columns, frozenset[str]]:
    """The columns after a lane's steps, and the names of those that have one row for each query."""
    columns: Columns = {
        c.name: accept(c, batch[c.name]) for c in lane.reads if c.name in names and c.name in batch
    }
    query = set(columns.keys() & batch.query)
    for layer in lane.layers:
        made: Columns = {}
        taken: set[str] = set()
        shared: set[str] = set()
        for key, step in layer:
            inputs = {c.name: columns[c.name] for c in step.inputs if c.name in columns}
            if not inputs or (step.made.together and len(inputs) < len(step.inputs)):
                continue
            of_query = query & inputs.keys()
            if step.made.together and 0 < len(of_query) < len(inputs):
                mixed = Batch(inputs, query=of_query, query_of=batch.query_of)
                inputs, of_query = dict(mixed.flat().items()), set()
            out = step.op.transform_batch(step, states[key], inputs)
            made.update(out)
            shared |= set(out) if len(of_query) == len(inputs) else of_query & out.keys()
            taken |= inputs.keys()
        columns = {name: value for name, value in columns.items() if name not in taken} | made
        query = (query - taken) | shared
    return columns, frozenset(query)
