"""A workflow's branches applied to a schema: which op gets which columns, and what comes out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import polars as pl

from shortlist.errors import ArgumentError, NotFittedError, near
from shortlist.features._branch import Branch
from shortlist.features._frame_columns import as_left
from shortlist.features._op import ChecksNames, Fits, KeepsRows, LooksAside, Op, Step
from shortlist.features._source import Source, sources_of
from shortlist.features._state import STATELESS, State
from shortlist.schema import Column, Schema, Tags

__all__ = ["Key", "Lane", "Plan", "States", "fitted_plan", "plan", "stateless"]

# The key of a step's state: number of its branch, of its op, and the columns it takes.
Key = str
States = Mapping[Key, State]

_CARRIED = frozenset({Tags.TIME, Tags.TARGET, "weight", "request"})


@dataclass(frozen=True, slots=True)
class Lane:
    """One branch of a plan.

    Attributes:
        reads: the raw columns, and the column of a history op.
        steps: key of the state and step, in order.
        gives: the columns that come out.
    """

    reads: tuple[Column, ...]
    steps: tuple[tuple[Key, Step], ...]
    gives: tuple[Column, ...]

    @property
    def layers(self) -> Iterator[Sequence[tuple[Key, Step]]]:
        """The steps of one op after those of another; a column may be in several groups of an op."""
        return (list(layer) for _, layer in groupby(self.steps, key=lambda found: found[0].split(".")[1]))

    @property
    def learns(self) -> bool:
        """Whether an op of it is fitted."""
        return any(_fits(step) for _, step in self.steps)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a workflow does with data of one schema.

    Attributes:
        raw: the schema it was made for.
        lanes: the branches.
        sources: history ops and the columns they make.
        filters: rows that are kept in training.
        beside: further raw columns that ops read offline only.
        carried: raw columns that pass through untouched: times, targets, weights and numbers of requests.
    """

    raw: Schema
    lanes: tuple[Lane, ...]
    sources: tuple[tuple[Source, Column], ...]
    filters: tuple[pl.Expr, ...]
    beside: tuple[Column, ...]
    carried: tuple[Column, ...]

    @property
    def steps(self) -> Iterator[tuple[Key, Step]]:
        """All steps, in order."""
        return (numbered for lane in self.lanes for numbered in lane.steps)

    @property
    def reads(self) -> Schema:
        """The raw columns that branches read, and those of history ops."""
        return Schema({column.name: column for lane in self.lanes for column in lane.reads}.values())

    @property
    def gives(self) -> Schema:
        """The columns of the branches, then those that pass through."""
        made = [as_left(column) for lane in self.lanes for column in lane.gives]
        return Schema([*made, *self.carried])

    def giver(self, name: str) -> Key:
        """Key of the fitted step that gives a column.

        Raises:
            ArgumentError: no fitted step does.
        """
        found = {column.name: key for key, step in self.steps for column in step.outputs if _fits(step)}
        if name not in found:
            raise ArgumentError(
                "Categorify.like",
                received=name,
                expected="a column that another branch categorifies",
                remedy=near(name, found),
            )
        return found[name]


def plan(branches: Sequence[Branch], raw: Schema, states: States | None = None) -> Plan:
    """Apply branches to a schema.

    Args:
        branches: the branches.
        raw: the columns of the data.
        states: what was fitted, if it was: it completes the schema that comes out.

    Raises:
        SchemaError: a branch names an unknown column, or one of a type that an op cannot take.
        ArgumentError: two branches give a column of one name.
    """
    sources = _sources(branches, raw)
    others = raw.without(*(column.name for _, column in sources))
    lanes = [_lane(number, branch, others, raw, states or {}) for number, branch in enumerate(branches)]
    given = [column.name for lane in lanes for column in lane.gives]
    _refuse_twice("Workflow", given)
    carried = [c for c in others if c.name not in given and not c.tags.isdisjoint(_CARRIED)]
    rows = [
        op.rows(lane.reads)
        for branch, lane in zip(branches, lanes, strict=True)
        for op in branch.ops
        if isinstance(op, KeepsRows)
    ]
    known = raw.merge(column for _, column in sources)
    known.select(dict.fromkeys(name for expression in rows for name in expression.meta.root_names()))
    beside = {column.name: column for lane in lanes for _, step in lane.steps for column in step.beside}
    return Plan(raw, tuple(lanes), sources, tuple(rows), tuple(beside.values()), tuple(carried))


def _sources(branches: Iterable[Branch], raw: Schema) -> tuple[tuple[Source, Column], ...]:
    found: dict[str, tuple[Source, Column]] = {}
    for branch in branches:
        for source in () if branch.source is None else sources_of(branch.source):
            column = source.column(raw)
            if found.setdefault(column.name, (source, column))[0] != source:
                raise ArgumentError(
                    type(source).__name__,
                    received=f"column {column.name!r} from two different history ops",
                    expected="one name for each",
                    remedy="give one of them another name=",
                )
    return tuple(found.values())


def _lane(number: int, branch: Branch, others: Schema, raw: Schema, states: States) -> Lane:
    if branch.source is None:
        groups = tuple(tuple(others[name] for name in group) for group in branch.groups(others))
    else:
        groups = tuple((source.column(raw),) for source in sources_of(branch.source))
    reads = tuple({column.name: column for group in groups for column in group}.values())
    steps: list[tuple[Key, Step]] = []
    aside: list[Column] = []
    for place, op in enumerate(branch.ops):
        if isinstance(op, ChecksNames) and not states:
            op.check(groups)
        beside = tuple(raw[name] for name in op.beside(raw)) if isinstance(op, LooksAside) else ()
        passed: list[tuple[Column, ...]] = []
        for group in groups:
            members: list[Column] = []
            for inputs in _taken(op, group):
                key = f"{number}.{place}.{'+'.join(column.name for column in inputs)}"
                made = op.make(inputs, states.get(key))
                steps.append((key, Step(op, inputs, made, beside)))
                members.extend(made.columns)
                aside.extend(made.aside)
            passed.append(tuple(members))
        groups = tuple(group for group in passed if group)
        _refuse_twice(type(op).__name__, [column.name for group in groups for column in group])
    return Lane(reads, tuple(steps), (*(column for group in groups for column in group), *aside))


def _taken(op: Op, group: tuple[Column, ...]) -> tuple[tuple[Column, ...], ...]:
    """What an op takes of a group: all of it, or column by column."""
    return (group,) if op.grouped and group else tuple((column,) for column in group)


def _refuse_twice(where: str, names: Sequence[str]) -> None:
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            raise ArgumentError(
                where,
                received=f"column {name!r} from two branches, or twice from one",
                expected="every name once",
                remedy="put Rename(suffix=...) into one of the branches",
            )


def _fits(step: Step) -> bool:
    return isinstance(step.op, Fits)


def stateless(steps: Iterable[tuple[Key, Step]]) -> dict[Key, State]:
    """The states that are known before fitting."""
    return {key: STATELESS for key, step in steps if not _fits(step)}


def fitted_plan(known: Plan | None, where: str) -> Plan:
    """The plan of a fitted workflow.

    Raises:
        NotFittedError: there is none.
    """
    if known is None:
        raise NotFittedError(
            where,
            received="an unfitted workflow",
            expected="a fitted one",
            remedy="call fit first, or Workflow.load",
        )
    return known
