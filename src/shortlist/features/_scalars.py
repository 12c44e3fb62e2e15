"""The arithmetic that numeric ops are made of: one definition for frames, for arrays and for single values.

Every part works in float64. A frame holds null where an array holds NaN. The numbers of a part may be arrays
[F, 1]: then `Scalar.array` changes F columns [F, B] at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.features._frame_columns import nan_to_null

__all__ = ["Affine", "Clamp", "Fill", "Floats", "Log1p", "Scalar", "run_expr", "run_scalars", "stacked"]

Floats = npt.NDArray[np.float64]
S = TypeVar("S")


class Scalar(Protocol):
    """A change of numbers, one by one."""

    def expr(self, x: pl.Expr) -> pl.Expr:
        """On a Float64 expression."""

    def array(self, x: Floats) -> Floats:
        """On float64 values."""

    def one(self, x: float) -> float:
        """On a single value, where calls of arrays would cost more than the arithmetic."""


@dataclass(frozen=True, slots=True, eq=False)
class Fill:
    """``value`` in place of null.

    >>> Fill(7.0).array(np.array([1.0, np.nan])).tolist()
    [1.0, 7.0]
    """

    value: Any

    def expr(self, x: pl.Expr) -> pl.Expr:
        """Fill nulls."""
        return x.fill_null(self.value)

    def array(self, x: Floats) -> Floats:
        """Fill NaN."""
        return np.where(x == x, x, self.value)  # noqa: PLR0124 - only NaN differs from itself

    def one(self, x: float) -> float:
        """Fill NaN."""
        return x if x == x else self.value  # noqa: PLR0124 - only NaN differs from itself


@dataclass(frozen=True, slots=True, eq=False)
class Clamp:
    """Kept within ``low`` and ``high``, which may be infinite.

    >>> Clamp(0.0, 2.0).array(np.array([-1.0, 3.0, np.nan])).tolist()
    [0.0, 2.0, nan]
    """

    low: Any
    high: Any

    def expr(self, x: pl.Expr) -> pl.Expr:
        """Minimum and maximum."""
        return x.clip(*(bound if np.isfinite(bound) else None for bound in (self.low, self.high)))

    def array(self, x: Floats) -> Floats:
        """Minimum and maximum."""
        kept: Floats = np.minimum(np.maximum(x, self.low), self.high)
        return kept

    def one(self, x: float) -> float:
        """Minimum and maximum."""
        return self.low if x < self.low else self.high if x > self.high else x


@dataclass(frozen=True, slots=True, eq=False)
class Log1p:
    """``log(1 + x)``; null where x is -1 or less.

    >>> Log1p().array(np.array([0.0, -1.0])).tolist()
    [0.0, nan]
    """

    def expr(self, x: pl.Expr) -> pl.Expr:
        """Natural logarithm, NumPy's as that of arrays, which takes several numbers at once."""

        def changed(values: pl.Series) -> pl.Series:
            numbers = values.to_numpy()
            known = numbers.size > 0 and numbers.min() > -1.0
            return nan_to_null(pl.Series(values.name, np.log1p(numbers) if known else self.array(numbers)))

        return x.map_batches(changed, return_dtype=pl.Float64, is_elementwise=True)

    def array(self, x: Floats) -> Floats:
        """Natural logarithm."""
        return np.log1p(np.where(x > -1.0, x, np.nan))

    def one(self, x: float) -> float:
        """Natural logarithm, of the same library as that of arrays."""
        return float(np.log1p(x)) if x > -1.0 else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """``(x - shift) / scale``.

    >>> Affine(1.0, 2.0).array(np.array([5.0])).tolist()
    [2.0]
    """

    shift: Any
    scale: Any

    def expr(self, x: pl.Expr) -> pl.Expr:
        """Subtract and divide."""
        moved: pl.Expr = (x - self.shift) / self.scale
        return moved

    def array(self, x: Floats) -> Floats:
        """Subtract and divide."""
        moved: Floats = (x - self.shift) / self.scale
        return moved

    def one(self, x: float) -> float:
        """Subtract and divide."""
        moved: float = (x - self.shift) / self.scale
        return moved


def stacked(parts: Sequence[S]) -> S:
    """Parts of one kind as one part over as many columns.

    >>> stacked([Fill(0.0), Fill(1.0)]).array(np.array([[np.nan], [np.nan]])).tolist()
    [[0.0], [1.0]]
    """
    numbers = zip(*(astuple(part) for part in parts), strict=True)  # type: ignore[call-overload]
    return type(parts[0])(*(np.array(values, dtype=np.float64)[:, None] for values in numbers))


def run_expr(parts: Iterable[Scalar], x: pl.Expr) -> pl.Expr:
    """The parts one after the other on a Float64 expression."""
    for part in parts:
        x = part.expr(x)
    return x


def run_scalars(parts: Iterable[Scalar], x: Floats) -> Floats:
    """The parts one after the other on float64 values."""
    for part in parts:
        x = part.array(x)
    return x
