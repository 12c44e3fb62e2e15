"""Sums of stretches of numbers."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt

from shortlist.data._ragged import Array
from shortlist.data._workspace import Workspace

__all__ = ["Sums"]

Positions = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_TINY = float(np.finfo(np.float64).tiny)


class Sums:
    """How many numbers a stretch of E numbers holds, and their sum; NaN and infinite ones are left out.

    A sum is the difference of two running sums. Each number is split in two for them: a multiple of a power
    of two so large that these add up without rounding, and the rest. A sum is off by no more than about 1e-13
    of the largest number, however long the log before it. Memory: 8 to 24 bytes a number.

    Args:
        size: E.
        numbers: float64 numbers of a stretch.
        space: where the running sums are made.

    >>> sums = Sums(4, lambda part: np.array([1e9, 0.5, np.nan, 0.25])[part], Workspace())
    >>> [found.tolist() for found in sums.between(np.array([1, 0]), np.array([4, 1]))]
    [[2, 1], [0.75, 1000000000.0]]
    """

    def __init__(self, size: int, numbers: Callable[[slice], Floats], space: Workspace) -> None:
        parts = list(space.parts(size))
        largest = max(float(np.abs(_finite(numbers(part))).max(initial=0.0)) for part in parts)
        spare = 52 - max(size, 1).bit_length()
        self._grid = max(float(np.ldexp(1.0, int(np.frexp(largest)[1]) - spare)), _TINY)

        def running(of: Callable[[Floats], Array], dtype: npt.DTypeLike) -> Array:
            return _running((of(numbers(part)) for part in parts), dtype, space)

        whole = all(bool(np.isfinite(numbers(part)).all()) for part in parts)
        plain = all(not self._rest(numbers(part)).any() for part in parts)
        self._counts = None if whole else running(np.isfinite, np.int64)
        self._coarse = running(self._coarsely, np.float64)
        self._fine = None if plain else running(self._rest, np.float64)

    def between(self, start: Positions, stop: Positions) -> tuple[Positions, Floats]:
        """Count int64 [N] and sum float64 [N] of the numbers in each stretch [start, stop)."""
        total = self._coarse[stop] - self._coarse[start]
        if self._fine is not None:
            total = total + (self._fine[stop] - self._fine[start])
        count = stop - start if self._counts is None else self._counts[stop] - self._counts[start]
        return count, total

    def _coarsely(self, x: Floats) -> Floats:
        return np.rint(_finite(x) / self._grid) * self._grid

    def _rest(self, x: Floats) -> Floats:
        return _finite(x) - self._coarsely(x)


def _finite(x: Floats) -> Floats:
    return np.where(np.isfinite(x), x, 0.0)


def _running(parts: Iterable[Array], dtype: npt.DTypeLike, space: Workspace) -> Array:
    """Sums of the first 0, 1, .. E values."""

    def carried() -> Iterator[Array]:
        total = np.zeros(1, dtype)
        yield total
        for part in parts:
            sums = total[-1] + np.cumsum(part, dtype=dtype)
            total = sums[-1:] if len(sums) else total
            yield sums

    return space.joined(carried(), dtype)
