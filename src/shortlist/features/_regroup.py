"""The form of an op that makes other rows: it stands at the head of a workflow."""

from typing import Protocol, runtime_checkable

from shortlist.data import Batch
from shortlist.features.engine import Engine
from shortlist.io import Dataset
from shortlist.schema import Schema

__all__ = ["Regroups"]


@runtime_checkable
class Regroups(Protocol):
    """Rows in, rows of another kind out: a session for its events, say."""

    def schema(self, raw: Schema) -> Schema:
        """The columns of the new rows."""

    def reads(self, raw: Schema) -> tuple[str, ...]:
        """Names of the raw columns that it needs when serving."""

    def regroup(self, dataset: Dataset, engine: Engine) -> Dataset:
        """The new rows of a data set."""

    def regroup_batch(self, batch: Batch, raw: Schema) -> Batch:
        """The new rows of a request's rows, whose columns are those of a schema."""
