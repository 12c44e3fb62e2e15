"""Zero mean and unit standard deviation."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import polars as pl

from shortlist.features._op import Exprs, Step
from shortlist.features._scalars import Affine, Scalar
from shortlist.features._state import State
from shortlist.features._statistics import Moments, Statistic
from shortlist.features._summary import numbers
from shortlist.features.ops._numeric import Numeric

__all__ = ["Normalize"]

# A deviation this small beside the mean is what rounding leaves of a constant column.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Normalize(Numeric):
    """``(x - mean) / std`` of numbers, alone or in lists (over all elements).

    Mean and standard deviation (of the sample: divided by n - 1) are those of the finite values seen in
    fitting. A constant column (up to the rounding of its mean), a single value and a column without values
    have a deviation of 0, and give ``x - mean``. Null stays null: put FillMissing before or after.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"price": [1.0, 2.0, 3.0, None]}))
    >>> Workflow(["price" >> Normalize()]).fit(rows).transform(rows).collect()["price"].to_list()
    [-1.0, 0.0, 1.0, None]
    """

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """Number, mean and squared differences."""
        (column,) = step.inputs
        return {"moments": Moments(numbers(column, columns[column.name]), column.is_list)}

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """Mean and standard deviation."""
        n, mean, m2 = totals["moments"].row(0)
        std = sqrt(m2 / (n - 1)) if n > 1 else 0.0
        return State({"mean": mean, "std": std if std > _ROUNDING * abs(mean) else 0.0})

    def scalars(self, step: Step, state: State) -> tuple[Scalar, ...]:  # noqa: ARG002
        """Subtract and divide in float64."""
        std = state.values["std"]
        return (Affine(state.values["mean"], std if std > 0 else 1.0),)
