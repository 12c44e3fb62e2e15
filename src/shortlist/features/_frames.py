"""The offline path: the expressions of a plan over lazy frames."""

from collections.abc import Iterator
from itertools import accumulate

import polars as pl

from shortlist.errors import SchemaError, near
from shortlist.features._compiled import LEAST_ROWS
from shortlist.features._event_source import EventSource
from shortlist.features._frame_columns import enter, leave
from shortlist.features._op import Exprs, OutOfFold, Step
from shortlist.features._plan import Key, Lane, Plan, States
from shortlist.schema import Column, Schema, Tags

__all__ = ["needed", "prepare", "stretches", "transform_frame", "waiting"]


def waiting(plan: Plan, states: States, *, training: bool = True) -> list[tuple[Key, Step, Exprs]]:
    """The steps that have no state yet but all their inputs, with the expressions of these.

    Args:
        plan: what is done.
        states: what was fitted so far.
        training: whether the expressions are for rows that the ops before were fitted on.
    """
    aside = {column.name: enter(column) for column in plan.beside}
    return [found for lane in plan.lanes for found in _walk(lane, states, aside, training=training)[1]]


def prepare(
    plan: Plan, rows: pl.LazyFrame, schema: Schema, events: EventSource, *, training: bool = False
) -> pl.LazyFrame:
    """A partition with the columns of history ops beside the raw ones, and only the rows that filters keep.

    A filter whose columns the data lack does nothing: these are not rows to train on.

    Raises:
        SchemaError: the data lack a column that the plan reads, in training beside its inputs too.
    """
    made = {column.name for _, column in plan.sources}
    for column in (*plan.reads, *(plan.beside if training else ())):
        if column.name not in schema and column.name not in made:
            raise SchemaError(
                "Workflow.transform",
                received=f"data without column {column.name!r}",
                expected="every column that the workflow reads",
                remedy=near(column.name, schema.names),
            )
    absent = [(source, column) for source, column in plan.sources if column.name not in schema]
    columns = [events.column(source, column, schema) for source, column in absent]
    known = {*schema.names, *made}
    filters = [kept for kept in plan.filters if known.issuperset(kept.meta.root_names())]
    return (rows.with_columns(columns) if columns else rows).filter(*filters)


def needed(
    plan: Plan, rows: pl.LazyFrame, schema: Schema, *, training: bool = False, fitting: bool = False
) -> pl.LazyFrame:
    """A partition without the columns that nothing reads; in fitting, without those that only pass too."""
    passing = () if fitting else (*plan.reads, *plan.carried)
    learned = (column for lane in plan.lanes for column in lane.reads if lane.learns or _counted(column))
    read = {column.name for column in (*learned, *passing, *(plan.beside if training else ()))}
    read.update(name for kept in plan.filters for name in kept.meta.root_names())
    if any(column.name not in schema for _, column in plan.sources):
        read.update(source_columns(schema), *(source.needs.row for source, _ in plan.sources))
    return rows.select(name for name in schema.names if name in read)


def stretches(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """A frame as it lies in memory, without moving it: stretch by stretch; where there is a short one, whole.

    Loops and arrays need a column in one stretch.
    """
    lengths = rows.to_series(0).chunk_lengths() if rows.width else [len(rows)]
    if len(lengths) == 1 or min(lengths) < LEAST_ROWS:
        yield rows.rechunk()
        return
    for start, length in zip(accumulate([0, *lengths[:-1]]), lengths, strict=True):
        yield rows.slice(start, length)


def _counted(column: Column) -> bool:
    """Whether a raw column's nulls are counted in any case."""
    return column.shape.kind == "scalar"


def source_columns(schema: Schema) -> tuple[str, ...]:
    """What history ops read of each row."""
    return tuple(column.name for column in schema if column.tags & {Tags.ID, Tags.TIME})


def transform_frame(
    plan: Plan, states: States, rows: pl.LazyFrame, given: Schema, *, training: bool = False
) -> pl.LazyFrame:
    """The columns of a given schema that come out of a prepared partition.

    Args:
        plan: what is done.
        states: what was fitted.
        rows: the partition.
        given: the columns to give.
        training: whether these are the rows that the ops were fitted on.
    """
    aside = {column.name: enter(column) for column in plan.beside} if training else {}
    out = []
    for lane in plan.lanes:
        columns, _ = _walk(lane, states, aside, training=training)
        out += [leave(column, columns[column.name]) for column in lane.gives]
    return rows.select(*out, *(column.name for column in plan.carried if column.name in given))


def _walk(
    lane: Lane, states: States, aside: Exprs, *, training: bool = False
) -> tuple[dict[str, pl.Expr], list[tuple[Key, Step, Exprs]]]:
    """Expressions of the columns after the steps that have a state, and the first steps that have none."""
    columns = {column.name: enter(column) for column in lane.reads}
    first: list[tuple[Key, Step, Exprs]] = []
    for layer in lane.layers:
        made: dict[str, pl.Expr] = {}
        taken: set[str] = set()
        for key, step in layer:
            if any(column.name not in columns for column in step.inputs):
                continue
            inputs = {column.name: columns[column.name] for column in step.inputs}
            beside = {column.name: aside[column.name] for column in step.beside if column.name in aside}
            taken |= inputs.keys()
            if key not in states:
                first.append((key, step, {**beside, **inputs}))
            elif training and isinstance(step.op, OutOfFold):
                made.update(step.op.training(step, states[key], {**beside, **inputs}))
            else:
                made.update(step.op.transform(step, states[key], inputs))
        columns = {name: value for name, value in columns.items() if name not in taken} | made
    return columns, first
