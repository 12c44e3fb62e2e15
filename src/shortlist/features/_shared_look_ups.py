"""Columns that several ops look up: one search for all of them."""

from shortlist.features._key_table import KeyTable
from shortlist.features._plan import Plan, States
from shortlist.features.ops._keyed import Keyed
from shortlist.schema import Column

__all__ = ["is_elementwise", "share_look_ups"]


def share_look_ups(plan: Plan, states: States) -> None:
    """Let a column that several ops of a plan look up be searched once in every frame.

    The ops' tables hold keys of one column: the largest usually has those of all others.
    """
    asked: dict[tuple[Column, ...], list[KeyTable]] = {}
    for lane in plan.lanes:
        untouched = set(lane.reads)
        for key, step in lane.steps:
            inputs = step.inputs
            alone = len(inputs) == 1 or step.made.together
            if isinstance(step.op, Keyed) and alone and untouched.issuperset(inputs):
                asked.setdefault(inputs, []).append(step.op.gather(step, states[key], inputs).table)
            untouched.difference_update(inputs)
    for inputs, tables in asked.items():
        if not any(column.is_list for column in inputs):
            _share(tables)


def is_elementwise(plan: Plan, name: str) -> bool:
    """Whether one look-up, of each element of its lists by itself, is all that is done with a column."""
    lanes = [lane for lane in plan.lanes if name in {column.name for column in lane.reads}]
    steps = [step for lane in lanes for _, step in lane.steps]
    alone = all(isinstance(step.op, Keyed) and not step.made.together for step in steps)
    return len(lanes) == 1 and len(steps) == 1 and alone


def _share(tables: list[KeyTable]) -> None:
    whole = max(tables, key=len)
    types = whole.frame.select(whole.keys).dtypes
    for table in tables:
        if table is not whole and table.frame.select(table.keys).dtypes == types:
            table.share(whole)
