"""A measured pipeline over newer tables."""

from dataclasses import replace
from typing import Any

from shortlist.data import Index
from shortlist.pipeline import Match, Pipeline, Retrieve, Stage, State, build_index, changed

__all__ = ["brought_to_present"]


def brought_to_present(pipe: Pipeline, state: State) -> Pipeline:
    """The same models and workflows over another state, with indexes of its catalogue.

    Items that came after training are encoded by what is known of them.
    """
    indexes: dict[int, Index] = {}

    def moved(stage: Stage) -> Stage:
        if not isinstance(stage, Retrieve | Match):
            return stage
        old: Any = stage.index
        if id(old) not in indexes:
            indexes[id(old)] = build_index(stage.model, stage.flow, state)
        return replace(stage, index=indexes[id(old)])

    fallback = None if pipe.fallback is None else changed(pipe.fallback, moved)
    stages = [changed(stage, moved) for stage in pipe.stages]
    return Pipeline(stages, state=state, fallback=fallback)
