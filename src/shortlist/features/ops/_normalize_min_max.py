"""Numbers between 0 and 1."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from shortlist.features._op import Exprs, Step
from shortlist.features._scalars import Affine, Clamp, Scalar
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.features._summary import Summary, elements
from shortlist.features.ops._numeric import Numeric

__all__ = ["NormalizeMinMax"]


@dataclass(frozen=True)
class NormalizeMinMax(Numeric):
    """``(x - low) / (high - low)`` of numbers, alone or in lists (over all elements); null stays null.

    ``low`` and ``high`` are the least and the greatest finite value seen in fitting. A constant column, whose
    range is 0, gives ``x - low + 0.5``: its one value stands in the middle. A column without values counts as
    a constant 0. NVTabular gives 0.5 for a constant too, but NaN where the constant is 0.

    Attributes:
        clip: whether values beyond those seen in fitting are kept within 0 and 1; if not, they lie outside.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"price": [2.0, 4.0, 10.0, None]}))
    >>> Workflow(["price" >> NormalizeMinMax()]).fit(rows).transform(rows).collect()["price"].to_list()
    [0.0, 0.25, 1.0, None]
    """

    clip: bool = False

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """The least and the greatest value."""
        (column,) = step.inputs
        x = elements(column, columns[column.name]).cast(pl.Float64)
        finite = pl.when(x.is_finite()).then(x)
        return {"range": Summary(least={"low": finite}, greatest={"high": finite})}

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """The range."""
        low, high = totals["range"].select("low", "high").row(0)
        return State({"low": 0.0, "high": 0.0} if low is None else {"low": low, "high": high})

    def scalars(self, step: Step, state: State) -> tuple[Scalar, ...]:  # noqa: ARG002
        """Subtract and divide in float64."""
        low, high = state.values["low"], state.values["high"]
        constant = (Affine(low, 1.0), Affine(-0.5, 1.0))
        parts: tuple[Scalar, ...] = (Affine(low, high - low),) if high > low else constant
        return (*parts, Clamp(0.0, 1.0)) if self.clip else parts
