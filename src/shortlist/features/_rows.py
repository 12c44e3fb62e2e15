"""A data set as a workflow sees it: grouped where its first op says so, beside the events to look back on."""

from dataclasses import dataclass

from shortlist.features._event_source import EventSource
from shortlist.features._regroup import Regroups
from shortlist.features.engine import Engine, Local
from shortlist.io import Dataset
from shortlist.schema import Schema

__all__ = ["Rows", "grouped", "opened"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to work on.

    Attributes:
        dataset: the rows that the branches read.
        events: what history ops look back on.
        engine: where the work is done.
    """

    dataset: Dataset
    events: EventSource
    engine: Engine

    @property
    def schema(self) -> Schema:
        """The columns that the branches read."""
        return self.dataset.schema


def opened(head: Regroups | None, dataset: Dataset, log: Dataset | None, engine: Engine | None) -> Rows:
    """The rows of a data set and of the log before it."""
    works = engine or Local()
    given = [dataset] if log is None else [log, dataset]
    rows = given if head is None else [head.regroup(one, works) for one in given]
    return Rows(rows[-1], EventSource(rows, works), works)


def grouped(head: Regroups | None, raw: Schema) -> Schema:
    """The columns that the branches read."""
    return raw if head is None else head.schema(raw)
