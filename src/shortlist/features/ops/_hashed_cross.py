"""Combinations of columns to codes without a vocabulary."""

from dataclasses import dataclass, replace
from typing import ClassVar

import polars as pl

from shortlist.errors import ArgumentError
from shortlist.features._frame_columns import element_type
from shortlist.features._gather import Gather
from shortlist.features._key_table import KeyTable
from shortlist.features._op import Made, Step
from shortlist.features._state import State
from shortlist.features._vocabulary import Vocabulary
from shortlist.features.ops._checks import column_type, positive
from shortlist.features.ops._combination import combined_column
from shortlist.features.ops._keyed import Keyed
from shortlist.schema import Column, Domain, Tags

__all__ = ["HashedCross"]


@dataclass(frozen=True)
class HashedCross(Keyed):
    """``2 + hash(a, b, ...) % buckets`` of the columns of a group, as one new column.

    A null in some of the columns is a value like any other; where all are null the code is 1. The hash is
    the same on every machine and in every version, and depends on the columns' order: NVTabular's, an
    exclusive or, gives one code to all rows whose two values are equal, and another on CPU than on GPU.
    Nothing is fitted, and nothing can be decoded; 0 stays free for padding.

    Attributes:
        buckets: how many codes the combinations are spread over.
        name: name of the new column; None for the columns' names joined by ``_X_``.

    Raises:
        ArgumentError: ``buckets`` is no positive integer, or columns come one by one instead of as a group.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"city": ["Rome", None], "hour": [9, None]}))
    >>> flow = Workflow([[["city", "hour"]] >> HashedCross(100)]).fit(rows)
    >>> flow.schema["city_X_hour"].domain.size, flow.transform(rows).collect()["city_X_hour"].to_list()
    (102, [..., 1])
    """

    grouped: ClassVar[bool] = True

    buckets: int
    name: str | None = None

    def __post_init__(self) -> None:
        positive("HashedCross.buckets", self.buckets)

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """One column of codes in place of the group."""
        if len(inputs) < 2:
            raise ArgumentError(
                "HashedCross",
                received=f"column {inputs[0].name!r} by itself",
                expected="a group of columns",
                remedy='write [["a", "b"]] >> HashedCross(100)',
            )
        for column in inputs:
            column_type("HashedCross", column, "int", "uint", "string", "bool", remedy="Bucketize it first")
        column = combined_column(inputs, self.name or "_X_".join(column.name for column in inputs))
        domain = Domain(column.name, self._empty(inputs).size)
        return Made((replace(column, tags=column.tags | {Tags.CATEGORICAL}, domain=domain),), together=True)

    def gather(self, step: Step, state: State, inputs: tuple[Column, ...]) -> Gather:  # noqa: ARG002
        """The hash of every combination."""
        return self._empty(inputs).gather(step.outputs[0].name)

    def _empty(self, inputs: tuple[Column, ...]) -> Vocabulary:
        nothing = pl.DataFrame(schema={column.name: element_type(column) for column in inputs})
        return Vocabulary(KeyTable(nothing, tuple(nothing.columns)), self.buckets)
