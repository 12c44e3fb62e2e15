"""A data set as a workflow sees it: grouped where its first op says so, beside the events to look back on."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from shortlist.features._branch import Branch
from shortlist.features._event_source import EventSource
from shortlist.features._op import KeepsRows, Op
from shortlist.features._regroup import Regroups
from shortlist.features.engine import Engine, Local
from shortlist.io import Dataset
from shortlist.schema import Schema

__all__ = ["Rows", "after", "grouped", "opened"]


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


def opened(
    head: Regroups | None,
    branches: Sequence[Branch],
    dataset: Dataset,
    log: Dataset | None,
    engine: Engine | None,
) -> Rows:
    """The rows of a data set and of the log before it."""
    works = engine or Local()
    given = [dataset] if log is None else [log, dataset]
    rows = given if head is None else [_regrouped(head, branches, one, works) for one in given]
    return Rows(rows[-1], EventSource(rows, works), works)


def grouped(head: Regroups | None, raw: Schema) -> Schema:
    """The columns that the branches read."""
    return raw if head is None else head.schema(raw)


def after(head: Regroups | None, branches: Sequence[Branch], schema: Schema) -> tuple[Branch, ...]:
    """The branches that read the given columns: without the filters of rows that are then grouped."""
    return tuple(branch for branch in branches if head is None or not _is_before(branch, schema))


def _is_before(branch: Branch, schema: Schema) -> bool:
    return any(name not in schema for op in branch.ops for name in _filtered(op) if not branch.chosen)


def _filtered(op: Op) -> list[str]:
    return op.rows(()).meta.root_names() if isinstance(op, KeepsRows) else []


def _regrouped(head: Regroups, branches: Sequence[Branch], dataset: Dataset, engine: Engine) -> Dataset:
    """The new rows, of those that filters of raw columns keep."""
    schema = head.schema(dataset.schema)
    before = [op for branch in branches if _is_before(branch, schema) for op in branch.ops]
    kept = [op.rows(()) for op in before if isinstance(op, KeepsRows)]
    for name in (name for rows in kept for name in rows.meta.root_names()):
        dataset.schema[name]  # refuses a name that neither the rows nor the groups have
    return head.regroup(dataset.filter(pl.all_horizontal(kept)) if kept else dataset, engine)
