"""Numbers to the intervals they fall in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import polars as pl

from shortlist.data import Array
from shortlist.errors import ArgumentError
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._quantiles import Quantiles
from shortlist.features._scalars import Floats
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.features.ops._checks import known_columns, number, positive
from shortlist.features.ops._numeric import change_arrays, change_frames, continuous
from shortlist.schema import Column, Domain, Tags

__all__ = ["Bucketize"]


@dataclass(frozen=True)
class Bucketize(Op):
    """The number of boundaries that are not above x: ``x < b0`` is 0, ``b0 <= x < b1`` is 1, and so on.

    Null and NaN stay null (NVTabular puts NaN into the last bucket); lists go by element. The buckets are raw
    categories ``0 .. len(boundaries)``, tagged CATEGORICAL: Categorify after it gives them codes, with null
    and padding apart.

    Boundaries are given, or learned: ``quantiles=4`` puts them at the exact quartiles of the finite numbers
    seen in fitting. Quantiles that fall on one number make one boundary, so there may be fewer buckets; a
    column without numbers has no boundary and one bucket.

    Attributes:
        boundaries: rising numbers, for all columns or by column.
        quantiles: number of buckets with about as many rows each, for all columns or by column.

    Raises:
        ArgumentError: boundaries do not rise, a column has none, or not just one option is given.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"x": [-2.0, -1.0, 0.0, 1.0, None]}))
    >>> Workflow(["x" >> Bucketize([-1, 0, 1])]).fit(rows).transform(rows).collect()["x"].to_list()
    [0, 1, 2, 3, None]
    >>> Workflow(["x" >> Bucketize(quantiles=2)]).fit(rows).transform(rows).collect()["x"].to_list()
    [0, 0, 1, 1, None]
    """

    boundaries: Sequence[float] | Mapping[str, Sequence[float]] | None = None
    quantiles: int | Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        if (self.boundaries is None) == (self.quantiles is None):
            raise ArgumentError(
                "Bucketize",
                received="neither or both of boundaries and quantiles",
                expected="one of them",
                remedy="write Bucketize([18, 30, 50]) or Bucketize(quantiles=10)",
            )
        positive("Bucketize.quantiles", self.quantiles, least=2)
        given = self.boundaries
        if given is not None:
            object.__setattr__(self, "boundaries", _each(given))

    def check(self, groups: Sequence[tuple[Column, ...]]) -> None:
        """Refuse boundaries or quantiles of columns that the branch does not have."""
        names = [column.name for group in groups for column in group]
        known_columns("Bucketize.boundaries", self.boundaries, names)
        known_columns("Bucketize.quantiles", self.quantiles, names)

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:
        """A column of bucket numbers of the same name."""
        column = continuous("Bucketize", inputs[0])
        asked = self._asked(column.name)
        boundaries = asked if state is None else state.values["boundaries"]
        high = None if isinstance(boundaries, int) else len(boundaries)
        tags = (column.tags - {Tags.CONTINUOUS}) | {Tags.CATEGORICAL}
        domain = Domain(column.name, low=0, high=high)
        return Made((replace(column, dtype="int64", tags=tags, domain=domain),))

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """The first counts that find the quantiles."""
        return self.more(step, columns, {})

    def more(self, step: Step, columns: Exprs, totals: Mapping[str, pl.DataFrame]) -> Mapping[str, Statistic]:
        """The next counts that find the quantiles."""
        (column,) = step.inputs
        asked = self._asked(column.name)
        if not isinstance(asked, int):
            return {}
        return _quantiles(asked).asked(column, columns[column.name], totals)

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """The boundaries."""
        asked = self._asked(step.inputs[0].name)
        if isinstance(asked, int):
            return State({"boundaries": sorted(set(_quantiles(asked).found(totals)))})
        return State({"boundaries": list(asked)})

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:
        """Binary search among the boundaries."""
        bounds = np.array(state.values["boundaries"], np.float64)

        def search(x: pl.Series) -> pl.Series:
            found = pl.Series(x.name, np.searchsorted(bounds, x.to_numpy(), side="right"), pl.Int64)
            return found.to_frame().select(pl.when(x.is_not_null()).then(pl.first())).to_series()

        return change_frames(
            step, columns, lambda x: x.map_batches(search, return_dtype=pl.Int64, is_elementwise=True)
        )

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """The same; integers, or floats where there are nulls."""
        bounds = np.array(state.values["boundaries"], np.float64)

        def search(x: Floats) -> Array:
            found = np.searchsorted(bounds, x, side="right")
            missing = np.isnan(x)
            return np.where(missing, np.nan, found) if missing.any() else found

        return change_arrays(columns, search)

    def _asked(self, name: str) -> Sequence[float] | int:
        """The boundaries of a column, or the number of its quantiles."""
        option = self.quantiles if self.boundaries is None else self.boundaries
        if not isinstance(option, Mapping):
            assert option is not None
            return option
        if name not in option:
            which = "quantiles" if self.boundaries is None else "boundaries"
            raise ArgumentError(
                f"Bucketize.{which}", received=f"nothing for column {name!r}", expected=f"{which} for it"
            )
        return option[name]


def _quantiles(number: int) -> Quantiles:
    return Quantiles(tuple(part / number for part in range(1, number)))


def _each(given: Sequence[float] | Mapping[str, Sequence[float]]) -> object:
    return {name: _rising(b) for name, b in given.items()} if isinstance(given, Mapping) else _rising(given)


def _rising(boundaries: Sequence[float]) -> tuple[float, ...]:
    for bound in boundaries:
        number("Bucketize.boundaries", np.asarray(bound).item())
    plain = tuple(float(bound) for bound in boundaries)
    if not plain or any(not low < high for low, high in pairwise(plain)):
        raise ArgumentError("Bucketize.boundaries", received=boundaries, expected="rising numbers")
    return plain
