"""Fitting: passes over the partitions until every op has its state."""

from collections.abc import Mapping

import polars as pl

from shortlist.errors import ArgumentError
from shortlist.features._event_source import EventSource
from shortlist.features._frames import prepare, waiting
from shortlist.features._op import Exprs, Fits, Step
from shortlist.features._plan import Plan, stateless
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.features.engine import Engine
from shortlist.io import Dataset

__all__ = ["fit_states"]

Name = tuple[int, str]


def fit_states(plan: Plan, dataset: Dataset, events: EventSource, engine: Engine) -> dict[int, State]:
    """The state of every step.

    One pass over the data fits all ops whose inputs need no unfitted op: as many passes as the longest chain
    of fitted ops in a branch, and none for what needs no statistics.

    Raises:
        ArgumentError: ops wait for one another in a circle.
    """
    states = stateless(plan.steps)
    while todo := waiting(plan, states):
        ready = [
            (number, step, columns)
            for number, step, columns in todo
            if all(plan.giver(name) in states for name in _op(step).after())
        ]
        if not ready:
            raise ArgumentError(
                "Categorify.like",
                received=f"columns {sorted(name for _, step, _ in todo for name in _op(step).after())}",
                expected="vocabularies that do not wait for one another",
                remedy="let one of the branches count its own values",
            )
        totals = _measure(plan, ready, dataset, events, engine)
        for number, step, _ in ready:
            fitted = {name: states[plan.giver(name)] for name in _op(step).after()}
            mine = {name: total for (owner, name), total in totals.items() if owner == number}
            states[number] = _op(step).finish(step, mine, fitted)
    return states


def _measure(
    plan: Plan, ready: list[tuple[int, Step, Exprs]], dataset: Dataset, events: EventSource, engine: Engine
) -> Mapping[Name, pl.DataFrame]:
    """The merged statistics of the steps, in one pass."""
    wanted: dict[Name, Statistic] = {
        (number, name): statistic
        for number, step, columns in ready
        for name, statistic in _op(step).statistics(step, columns).items()
    }
    if not wanted:
        return {}

    def partial(rows: pl.LazyFrame) -> list[pl.DataFrame]:
        prepared = prepare(plan, rows, dataset.schema, events)
        plans = [statistic.plan(prepared) for statistic in wanted.values()]
        return pl.collect_all(plans, engine="streaming")

    def merge(left: list[pl.DataFrame], right: list[pl.DataFrame]) -> list[pl.DataFrame]:
        parts = zip(wanted.values(), left, right, strict=True)
        return [statistic.merge(one, other) for statistic, one, other in parts]

    totals = engine.map_reduce(partial, merge, dataset.partitions)
    return dict(zip(wanted, totals, strict=True))


def _op(step: Step) -> Fits:
    assert isinstance(step.op, Fits)
    return step.op
