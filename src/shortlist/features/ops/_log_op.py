"""Logarithms."""

from dataclasses import dataclass

from shortlist.features._op import Step
from shortlist.features._scalars import Log1p, Scalar
from shortlist.features._state import State
from shortlist.features.ops._numeric import Numeric

__all__ = ["LogOp"]


@dataclass(frozen=True)
class LogOp(Numeric):
    """``log(1 + x)`` of numbers, alone or in lists.

    Null stays null, and numbers of -1 or less, which have no such logarithm, become null (in NVTabular minus
    infinity and NaN).

    >>> import numpy as np, polars as pl
    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"price": [0.0, np.e - 1, -2.0]}))
    >>> Workflow(["price" >> LogOp()]).fit(rows).transform(rows).collect()["price"].to_list()
    [0.0, 1.0, None]
    """

    def scalars(self, step: Step, state: State) -> tuple[Scalar, ...]:  # noqa: ARG002
        """Natural logarithm in float64."""
        return (Log1p(),)
