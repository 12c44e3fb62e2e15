"""The request path: the steps of a plan over a batch of arrays."""

from shortlist.data import Array, Batch, Ragged
from shortlist.features._array_columns import accept, release
from shortlist.features._plan import Lane, Plan, States

__all__ = ["transform_batch"]

Columns = dict[str, Array | Ragged]


def transform_batch(plan: Plan, states: States, batch: Batch) -> Batch:
    """The columns of every branch whose inputs the batch has, and those that pass through."""
    out: Columns = {}
    query: set[str] = set()
    for lane in plan.lanes:
        columns, per_query = _through(lane, states, batch)
        for column in lane.gives:
            if column.name in columns:
                out[column.name] = release(column, columns[column.name])
        query |= per_query
    for column in plan.carried:
        if column.name in batch:
            out[column.name] = batch[column.name]
            query |= {column.name} & batch.query
    return Batch(out, rows=len(batch), query=query & out.keys(), query_of=batch.query_of)


def _through(lane: Lane, states: States, batch: Batch) -> tuple[Columns, set[str]]:
    """The columns after a lane's steps, and the names of those that have one row for each query."""
    columns: Columns = {c.name: accept(c, batch[c.name]) for c in lane.reads if c.name in batch}
    query = columns.keys() & batch.query
    for number, step in lane.steps:
        if not query and len(step.inputs) == 1:  # the usual step, without the bookkeeping of the others
            name = step.inputs[0].name
            if name in columns:
                columns.update(step.op.transform_batch(step, states[number], {name: columns.pop(name)}))
            continue
        inputs = {c.name: columns.pop(c.name) for c in step.inputs if c.name in columns}
        together = step.made.together
        if not inputs or (together and len(inputs) < len(step.inputs)):
            continue
        shared = query & inputs.keys() if query else set()
        if together and 0 < len(shared) < len(inputs):
            mixed = Batch(inputs, query=shared, query_of=batch.query_of)
            inputs, shared = dict(mixed.flat().items()), set()
        made = step.op.transform_batch(step, states[number], inputs)
        if query:
            query -= inputs.keys()
            query |= made.keys() if len(shared) == len(inputs) else shared & made.keys()
        columns.update(made)
    return columns, query
