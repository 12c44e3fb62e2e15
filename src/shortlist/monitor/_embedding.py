"""The cloud of vectors of a model, in few numbers."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.monitor._bins import Bins
from shortlist.rng import generator

__all__ = ["Embedding", "Moments"]

Floats = npt.NDArray[np.float64]

_DIGITS = 6


@final
@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over vectors; those of two batches add up.

    Attributes:
        count: vectors N.
        total: float64 [D], their sum.
        squares: float64 [D], the sum of their squares.
    """

    count: int
    total: Floats
    squares: Floats

    @classmethod
    def of(cls, vectors: npt.NDArray[Any]) -> "Moments":
        """Those of vectors [N, D]."""
        plain = np.asarray(vectors, np.float64)
        return cls(len(plain), plain.sum(axis=0), (plain**2).sum(axis=0))

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> Floats:
        """float64 [D]."""
        return self.total / max(self.count, 1)

    @property
    def deviation(self) -> Floats:
        """float64 [D]: standard deviation of each dimension."""
        inside = self.squares / max(self.count, 1) - self.mean**2
        return np.asarray(np.sqrt(np.maximum(inside, 0.0)), np.float64)


@final
@dataclass(frozen=True, eq=False)
class Embedding:
    """Vectors of requests or of items as they were when the fingerprint was taken.

    Attributes:
        mean: float64 [D].
        deviation: float64 [D].
        directions: float64 [P, D], fixed random directions of length 1.
        bins: ``"length"`` and ``"projection 1" ..`` -> bins of the lengths of the vectors, and of their
            inner products with the directions.
    """

    mean: Floats
    deviation: Floats
    directions: Floats
    bins: dict[str, Bins]

    @classmethod
    def of(cls, vectors: npt.NDArray[Any], *, directions: int, seed: int, most: int) -> "Embedding":
        """The fingerprint of vectors [N, D]."""
        drawn = generator(seed, "directions", vectors.shape[1]).normal(size=(directions, vectors.shape[1]))
        # Rounded as it is written, so that what is loaded counts alike.
        chosen = np.round(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), _DIGITS)
        moments = Moments.of(vectors)
        lines = _lines(vectors, chosen)
        bins = {name: Bins.of_numbers(values, most) for name, values in lines.items()}
        return cls(moments.mean, moments.deviation, chosen, bins)

    @property
    def dim(self) -> int:
        """Width D."""
        return len(self.mean)

    def lines(self, vectors: npt.NDArray[Any]) -> dict[str, Floats]:
        """Lengths and projections of vectors [N, D], by name."""
        return _lines(vectors, self.directions)

    def shift(self, now: Moments) -> float:
        """How far the mean has moved: the root mean square over dimensions, in standard deviations.

        Dimensions that never varied count by the mean deviation of all.
        """
        if now.count == 0:
            return float("nan")
        unit = np.where(self.deviation > 0, self.deviation, max(float(self.deviation.mean()), 1e-12))
        return float(np.sqrt((((now.mean - self.mean) / unit) ** 2).mean()))

    def to_plain(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "mean": np.round(self.mean, _DIGITS).tolist(),
            "deviation": np.round(self.deviation, _DIGITS).tolist(),
            "directions": self.directions.tolist(),
            "bins": {name: bins.to_plain() for name, bins in self.bins.items()},
        }

    @classmethod
    def of_plain(cls, plain: dict[str, Any]) -> "Embedding":
        """Read what `to_plain` gave."""
        mean, deviation, directions = (
            np.array(plain[name], np.float64) for name in ("mean", "deviation", "directions")
        )
        bins = {name: Bins.of_plain(one) for name, one in plain["bins"].items()}
        return cls(mean, deviation, directions, bins)


def _lines(vectors: npt.NDArray[Any], directions: Floats) -> dict[str, Floats]:
    plain = np.asarray(vectors, np.float64)
    along = plain @ directions.T
    named = {f"projection {place + 1}": along[:, place] for place in range(len(directions))}
    return {"length": np.sqrt((plain**2).sum(axis=1)), **named}
