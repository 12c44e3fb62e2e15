"""Fitting: passes over the partitions until every op has its state."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl

from shortlist.errors import ArgumentError
from shortlist.features._coverage import RAW, Seen, nulls_of, raw_seen
from shortlist.features._frames import waiting
from shortlist.features._measure import Measuring
from shortlist.features._op import Exprs, Fits, FitsAgain, Step
from shortlist.features._plan import Key, Plan, States, stateless
from shortlist.features._rows import Rows
from shortlist.features._state import State

__all__ = ["Fitted", "Name", "as_fits", "finished", "fit_states"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What came of fitting.

    Attributes:
        states: the state of every step.
        totals: the merged statistics that the states were made of, where they were to be kept.
        seen: rows and nulls of the raw columns; empty where nothing had to be counted.
    """

    states: dict[Key, State]
    totals: dict["Name", pl.DataFrame]
    seen: tuple[Seen, ...]


# A statistic of a step: the key of the step's state, and the op's name for the statistic.
Name = tuple[Key, str]
Ready = tuple[Key, Step, Exprs]


def fit_states(plan: Plan, rows: Rows, *, keep_totals: bool = False) -> Fitted:
    """The state of every step.

    One pass over the data fits all ops whose inputs need no unfitted op: as many passes as the longest chain
    of fitted ops in a branch, and none for what needs no statistics. Ops that ask for more rounds get them,
    all together.

    Raises:
        ArgumentError: ops wait for one another in a circle.
    """
    states, totals, seen = stateless(plan.steps), dict[Name, pl.DataFrame](), tuple[Seen, ...]()
    measuring = Measuring(plan, rows, whole=keep_totals)
    while todo := waiting(plan, states):
        ready = [
            found for found in todo if all(plan.giver(name) in states for name in as_fits(found[1]).after())
        ]
        if not ready:
            raise ArgumentError(
                "Categorify.like",
                received=f"columns {sorted(name for _, step, _ in todo for name in as_fits(step).after())}",
                expected="vocabularies that do not wait for one another",
                remedy="let one of the branches count its own values",
            )
        found = _totals(ready, measuring)
        seen = seen or raw_seen(plan, found)
        states |= finished(plan, ready, found, states)
        totals |= found if keep_totals else {}
    return Fitted(states, totals, seen)


def finished(
    plan: Plan, ready: Iterable[Ready], totals: Mapping[Name, pl.DataFrame], states: States
) -> dict[Key, State]:
    """The states of steps, from their totals."""

    def finish(found: Ready) -> tuple[Key, State]:
        key, step, _ = found
        others = {name: states[plan.giver(name)] for name in as_fits(step).after()}
        return key, as_fits(step).finish(step, _mine(totals, key), others)

    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        return dict(pool.map(finish, ready))


def as_fits(step: Step) -> Fits:
    """The op of a step that learns."""
    assert isinstance(step.op, Fits)
    return step.op


def _totals(ready: Sequence[Ready], measuring: "Measuring") -> dict[Name, pl.DataFrame]:
    """The merged statistics of steps, in as many rounds as their ops ask for."""
    totals: dict[Name, pl.DataFrame] = {}
    wanted = {key: as_fits(step).statistics(step, columns) for key, step, columns in ready}
    while any(wanted.values()):
        asked = {(key, name): one for key, named in wanted.items() for name, one in named.items()}
        totals |= measuring.measure(asked if totals else {**asked, RAW: nulls_of(measuring.plan)})
        wanted = {
            key: step.op.more(step, columns, _mine(totals, key))
            for key, step, columns in ready
            if wanted.get(key) and isinstance(step.op, FitsAgain)
        }
    return totals


def _mine(totals: Mapping[Name, pl.DataFrame], key: Key) -> dict[str, pl.DataFrame]:
    return {name: total for (owner, name), total in totals.items() if owner == key}
