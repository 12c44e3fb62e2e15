"""Values to codes without a vocabulary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from shortlist.features._frame_columns import element_type
from shortlist.features._gather import Gather
from shortlist.features._key_table import KeyTable
from shortlist.features._op import Made, Step
from shortlist.features._state import State
from shortlist.features._vocabulary import Vocabulary
from shortlist.features.ops._checks import column_type, known_columns, of_column, positive
from shortlist.features.ops._keyed import Keyed
from shortlist.schema import Column, Domain, Tags

__all__ = ["HashBucket"]


@dataclass(frozen=True)
class HashBucket(Keyed):
    """``2 + hash(x) % buckets`` of integers, strings and booleans, alone or in lists; null is 1.

    These are the codes of Categorify with an empty vocabulary, so 0 stays free for padding and a table needs
    ``2 + buckets`` rows. Nothing is fitted, and nothing can be decoded. (NVTabular hashes nulls like values,
    starts at 0, takes lists on a GPU only, and has another hash there.)

    Attributes:
        buckets: how many codes the values are spread over, for all columns or by column.

    Raises:
        ArgumentError: ``buckets`` is no positive integer.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"agent": ["x", "y", None]}))
    >>> Workflow(["agent" >> HashBucket(8)]).fit(rows).schema["agent"].domain.size
    10
    """

    buckets: int | Mapping[str, int]

    def __post_init__(self) -> None:
        positive("HashBucket.buckets", self.buckets)

    def check(self, groups: Sequence[tuple[Column, ...]]) -> None:
        """Refuse buckets of columns that the branch does not have."""
        known_columns("HashBucket.buckets", self.buckets, [c.name for group in groups for c in group])

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """A column of codes of the same name."""
        (column,) = inputs
        column_type("HashBucket", column, "int", "uint", "string", "bool", remedy="cast it, or Bucketize it")
        tags = (column.tags - {Tags.CONTINUOUS, Tags.TEXT}) | {Tags.CATEGORICAL}
        domain = Domain(column.name, self._empty(column).size)
        return Made((replace(column, dtype="int64", tags=tags, domain=domain),))

    def gather(self, step: Step, state: State, inputs: tuple[Column, ...]) -> Gather:  # noqa: ARG002
        """The hash of every value."""
        return self._empty(inputs[0]).gather(inputs[0].name)

    def _empty(self, column: Column) -> Vocabulary:
        nothing = pl.DataFrame(schema={"value": element_type(column)})
        return Vocabulary(KeyTable(nothing, ("value",)), of_column(self.buckets, [column.name], 1))
