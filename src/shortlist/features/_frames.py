"""The offline path: the expressions of a plan over lazy frames."""

import polars as pl

from shortlist.errors import SchemaError, near
from shortlist.features._event_source import EventSource
from shortlist.features._frame_columns import enter, leave
from shortlist.features._op import Exprs, Step
from shortlist.features._plan import Lane, Plan, States
from shortlist.schema import Schema

__all__ = ["prepare", "transform_frame", "waiting"]


def waiting(plan: Plan, states: States) -> list[tuple[int, Step, Exprs]]:
    """The steps that have no state yet but all their inputs, with the expressions of these."""
    return [found for lane in plan.lanes for found in _walk(lane, states)[1]]


def prepare(plan: Plan, rows: pl.LazyFrame, schema: Schema, events: EventSource) -> pl.LazyFrame:
    """A partition with the columns of history ops beside the raw ones, and only the rows that filters keep.

    A filter whose columns the data lack does nothing: these are not rows to train on.

    Raises:
        SchemaError: the data lack a column that the plan reads.
    """
    made = {column.name for _, column in plan.sources}
    for column in plan.reads:
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


def transform_frame(plan: Plan, states: States, rows: pl.LazyFrame, given: Schema) -> pl.LazyFrame:
    """The columns of a given schema that come out of a prepared partition."""
    out = []
    for lane in plan.lanes:
        columns, _ = _walk(lane, states)
        out += [leave(column, columns[column.name]) for column in lane.gives]
    return rows.select(*out, *(column.name for column in plan.carried if column.name in given))


def _walk(lane: Lane, states: States) -> tuple[dict[str, pl.Expr], list[tuple[int, Step, Exprs]]]:
    """Expressions of the columns after the steps that have a state, and the first steps that have none."""
    columns = {column.name: enter(column) for column in lane.reads}
    first: list[tuple[int, Step, Exprs]] = []
    for number, step in lane.steps:
        if any(column.name not in columns for column in step.inputs):
            continue
        inputs = {column.name: columns.pop(column.name) for column in step.inputs}
        if number in states:
            columns.update(step.op.transform(step, states[number], inputs))
        else:
            first.append((number, step, inputs))
    return columns, first
