"""Numbers to the intervals they fall in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import polars as pl

from shortlist.data import Array
from shortlist.errors import ArgumentError
from shortlist.features._array_columns import Floats
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features.ops._numeric import change_arrays, change_frames, continuous
from shortlist.schema import Column, Domain, Tags

__all__ = ["Bucketize"]


@dataclass(frozen=True)
class Bucketize(Op):
    """The number of boundaries that are not above x: ``x < b0`` is 0, ``b0 <= x < b1`` is 1, and so on.

    Null stays null. The buckets are raw categories ``0 .. len(boundaries)``, tagged CATEGORICAL: Categorify
    after it gives them codes, with null and padding apart.

    Attributes:
        boundaries: rising numbers, for all columns or by column.

    Raises:
        ArgumentError: boundaries do not rise, or a column has none.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"x": [-2.0, -1.0, 0.0, 1.0, None]}))
    >>> Workflow(["x" >> Bucketize([-1, 0, 1])]).fit(rows).transform(rows).collect()["x"].to_list()
    [0, 1, 2, 3, None]
    """

    boundaries: Sequence[float] | Mapping[str, Sequence[float]]

    def __post_init__(self) -> None:
        given = self.boundaries
        plain = (
            {name: _rising(b) for name, b in given.items()} if isinstance(given, Mapping) else _rising(given)
        )
        object.__setattr__(self, "boundaries", plain)

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """A column of bucket numbers of the same name."""
        column = continuous("Bucketize", inputs[0])
        tags = (column.tags - {Tags.CONTINUOUS}) | {Tags.CATEGORICAL}
        domain = Domain(column.name, low=0, high=len(self._of(column.name)))
        return Made((replace(column, dtype="int64", tags=tags, domain=domain),))

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """One comparison for each boundary."""
        boundaries = self._of(step.inputs[0].name)

        def bucket(x: pl.Expr) -> pl.Expr:
            return pl.sum_horizontal(
                *((x >= bound).cast(pl.Int64) for bound in boundaries), ignore_nulls=False
            )

        return change_frames(step, columns, bucket)

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """Binary search; integers, or floats where there are nulls."""
        boundaries = np.asarray(self._of(step.inputs[0].name), np.float64)

        def bucket(x: Floats) -> Array:
            found = np.searchsorted(boundaries, x, side="right")
            missing = np.isnan(x)
            return np.where(missing, np.nan, found) if missing.any() else found.astype(np.int64)

        return change_arrays(columns, bucket)

    def _of(self, name: str) -> Sequence[float]:
        if not isinstance(self.boundaries, Mapping):
            return self.boundaries
        if name not in self.boundaries:
            raise ArgumentError(
                "Bucketize.boundaries", received=f"nothing for column {name!r}", expected="boundaries for it"
            )
        return self.boundaries[name]


def _rising(boundaries: Sequence[float]) -> tuple[float, ...]:
    plain = tuple(float(bound) for bound in boundaries)
    if not plain or any(not low < high for low, high in pairwise(plain)):
        raise ArgumentError("Bucketize.boundaries", received=boundaries, expected="rising numbers")
    return plain
