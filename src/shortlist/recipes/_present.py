"""A measured pipeline over newer tables."""

from dataclasses import replace
from typing import Any

from shortlist.data import Index
from shortlist.pipeline import Match, Merge, Pipeline, Retrieve, Stage, State, build_index

__all__ = ["brought_to_present"]


def brought_to_present(pipe: Pipeline, state: State) -> Pipeline:
    """The same models and workflows over another state, with indexes of its catalogue.

    Items that came after training are encoded by what is known of them.
    """
    indexes: dict[int, Index] = {}

    def moved(stage: Stage) -> Stage:
        if isinstance(stage, Merge):
            return Merge(*(moved(source) for source in stage.sources), name=stage.name)
        if not isinstance(stage, Retrieve | Match):
            return stage
        old: Any = stage.index
        if id(old) not in indexes:
            indexes[id(old)] = build_index(stage.model, stage.flow, state)
        return replace(stage, index=indexes[id(old)])

    fallback = None if pipe.fallback is None else moved(pipe.fallback)
    return Pipeline([moved(stage) for stage in pipe.stages], state=state, fallback=fallback)
