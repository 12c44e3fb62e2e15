"""New rows for a fitted workflow: statistics that add up, and vocabularies that grow."""

from collections.abc import Iterable, Mapping

from shortlist.errors import ArgumentError
from shortlist.features._coverage import RAW, nulls_of
from shortlist.features._fit import Fitted, Name, as_fits, finished
from shortlist.features._frames import waiting
from shortlist.features._measure import Measuring
from shortlist.features._op import Exprs, Fits, FitsAgain, Grows, Step
from shortlist.features._plan import Key, Plan, stateless
from shortlist.features._rows import Rows
from shortlist.features._statistics import Statistic

__all__ = ["extended", "updated"]


def updated(plan: Plan, before: Fitted, rows: Rows) -> Fitted:
    """What fitting on the old and the new rows together would have given.

    Raises:
        ArgumentError: the totals were not kept, or there is a step whose statistics cannot be added to.
    """
    ready = waiting(plan, stateless(plan.steps))
    wanted = _wanted(ready)
    _check(plan, before, wanted, {key for key, _, _ in ready})
    new = Measuring(plan, rows, whole=True).measure({**wanted, RAW: nulls_of(plan)})
    totals = {name: one.merge(before.totals[name], new[name]) for name, one in wanted.items()}
    states = {**before.states}
    for found in _in_turn(ready):
        states |= finished(plan, [found], totals, states)
    seen = nulls_of(plan).seen(new[RAW])
    return Fitted(states, totals, tuple(a + b for a, b in zip(before.seen, seen, strict=True)))


def extended(plan: Plan, before: Fitted, rows: Rows) -> Fitted:
    """The same states with the new values of the rows behind the old ones."""
    growing = {key: step for key, step in plan.steps if isinstance(step.op, Grows)}
    states = dict(before.states)
    fixed = {key: state for key, state in before.states.items() if key not in growing}
    ready = [found for found in waiting(plan, fixed, training=False) if found[0] in growing]
    wanted = _wanted(ready)
    totals = Measuring(plan, rows, whole=True).measure(wanted) if wanted else {}
    for key, step, _ in ready:
        mine = {name: total for (owner, name), total in totals.items() if owner == key}
        assert isinstance(step.op, Grows)
        states[key] = step.op.grown(step, states[key], mine) if mine else states[key]
    changed = {id(old): states[key] for key, old in before.states.items() if states[key] is not old}
    return Fitted(
        {key: changed.get(id(state), states[key]) for key, state in before.states.items()},
        before.totals,
        before.seen,
    )


def _wanted(ready: Iterable[tuple[Key, Step, Exprs]]) -> dict[Name, Statistic]:
    """What the steps count in their first round."""
    return {
        (key, name): one
        for key, step, columns in ready
        for name, one in as_fits(step).statistics(step, columns).items()
    }


def _in_turn(ready: Iterable[tuple[Key, Step, Exprs]]) -> list[tuple[Key, Step, Exprs]]:
    """Steps that take over a state last."""
    return sorted(ready, key=lambda found: len(as_fits(found[1]).after()))


def _check(plan: Plan, before: Fitted, wanted: Mapping[Name, Statistic], ready: set[Key]) -> None:
    counted = {key for key, _ in wanted}
    if counted and not before.totals:
        raise ArgumentError(
            "Workflow.update",
            received="a workflow fitted without keep_totals",
            expected="the statistics of the rows that it was fitted on",
            remedy="fit it with keep_totals=True",
        )
    for key, step in plan.steps:
        learned = isinstance(step.op, Fits)
        if learned and (key not in ready or (key in counted and isinstance(step.op, FitsAgain))):
            raise ArgumentError(
                "Workflow.update",
                received=f"{type(step.op).__name__} of column {step.inputs[0].name!r}",
                expected="statistics of raw values that add up",
                remedy="fit the workflow anew on all rows",
            )
