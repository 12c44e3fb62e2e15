"""Columns of codes that tell too little."""

from dataclasses import dataclass

from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features.ops._checks import positive
from shortlist.schema import Column

__all__ = ["DropLowCardinality"]


@dataclass(frozen=True)
class DropLowCardinality(Op):
    """Leaves out columns of codes whose greatest code is below ``min_cardinality``, along both paths.

    Codes 0, 1 and 2 are padding, null and unknown, so the default leaves out columns that had one value or
    none in fitting; each further bucket for unknown values adds a code. A column whose number of codes is not
    known (no Categorify or HashBucket before this op) stays. The schema of an unfitted workflow has them all;
    a later op of the branch does not see a column that is left out.

    Attributes:
        min_cardinality: least value that the greatest code must have; codes.

    Raises:
        ArgumentError: ``min_cardinality`` is no positive integer.

    >>> import polars as pl
    >>> from shortlist.features import Workflow, ops
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"shop": ["a", "a"], "color": ["red", "blue"]}))
    >>> flow = Workflow([["shop", "color"] >> ops.Categorify() >> DropLowCardinality()]).fit(rows)
    >>> flow.transform(rows).collect().to_dict(as_series=False)
    {'color': [4, 3]}
    """

    min_cardinality: int = 4

    def __post_init__(self) -> None:
        positive("DropLowCardinality.min_cardinality", self.min_cardinality)

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """The same column, or none."""
        domain = inputs[0].domain
        size = None if domain is None else domain.size
        return Made(() if size is not None and size - 1 < self.min_cardinality else inputs)

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """The same expression, or none."""
        return {column.name: columns[column.name] for column in step.outputs}

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """The same array, or none."""
        return {column.name: columns[column.name] for column in step.outputs}
