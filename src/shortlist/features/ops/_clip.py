"""Numbers kept within bounds."""

from dataclasses import dataclass
from math import inf

from shortlist.errors import ArgumentError
from shortlist.features._op import Step
from shortlist.features._scalars import Clamp, Scalar
from shortlist.features._state import State
from shortlist.features.ops._checks import number
from shortlist.features.ops._numeric import Numeric

__all__ = ["Clip"]


@dataclass(frozen=True)
class Clip(Numeric):
    """Numbers below ``low`` become ``low``, above ``high`` become ``high``; null stays null.

    Attributes:
        low: least number; None for no lower bound.
        high: greatest number; None for no upper bound.

    Raises:
        ArgumentError: a bound is no number, there is none, or the lower one is above the upper one.

    >>> import polars as pl
    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"age": [-1, 30, 130, None]}))
    >>> Workflow(["age" >> Clip(0, 120)]).fit(rows).transform(rows).collect()["age"].to_list()
    [0.0, 30.0, 120.0, None]
    """

    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        number("Clip.low", self.low)
        number("Clip.high", self.high)
        if self.low is None and self.high is None:
            raise ArgumentError("Clip", received="no bound", expected="low, high or both")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ArgumentError("Clip.low", received=self.low, expected=f"at most high, which is {self.high}")

    def scalars(self, step: Step, state: State) -> tuple[Scalar, ...]:  # noqa: ARG002
        """Minimum and maximum."""
        return (Clamp(-inf if self.low is None else self.low, inf if self.high is None else self.high),)
