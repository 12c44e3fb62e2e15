"""How a pipeline is carried out for a number of items."""

from collections.abc import Sequence
from dataclasses import replace

from shortlist.pipeline._drop import Drop
from shortlist.pipeline._retrieve import Retrieve
from shortlist.pipeline._stage import Stage, changed
from shortlist.pipeline._take import Take

__all__ = ["filtered", "planned"]


def planned(stages: Sequence[Stage], k: int) -> tuple[Stage, ...]:
    """The stages, sources told how many candidates are enough when only cuts follow.

    >>> from shortlist.pipeline import Popular
    >>> [stage.k for stage in planned([Popular(k=500), Take(20)], k=10)]
    [10, 20]
    """
    enough: int | None = k
    out: list[Stage] = []
    for stage in reversed(stages):
        if isinstance(stage, Take):
            enough = None if enough is None else min(enough, stage.k)
            enough = stage.k if enough is None else enough
            out.append(stage)
            continue
        out.append(stage.limited(enough) if enough is not None and hasattr(stage, "limited") else stage)
        enough = None
    return tuple(reversed(out))


def filtered(stages: Sequence[Stage], conditions: Sequence[str]) -> tuple[Stage, ...]:
    """The stages for items that meet conditions: searched within, and enforced after the sources."""
    if not conditions or not stages:
        return tuple(stages)
    drops = [Drop(unless=text, name="filter") for text in conditions]
    return (changed(stages[0], lambda part: _within(part, tuple(conditions))), *drops, *stages[1:])


def _within(stage: Stage, conditions: tuple[str, ...]) -> Stage:
    if not isinstance(stage, Retrieve):
        return stage
    own = (stage.where,) if isinstance(stage.where, str) else stage.where
    return replace(stage, where=(*own, *conditions))
