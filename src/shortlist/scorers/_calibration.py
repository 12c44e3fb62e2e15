"""Scores to probabilities that are as often right as they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError, BundleError, near

__all__ = ["Calibration", "Isotonic", "Platt", "Sliced", "read_calibration"]

Scores: TypeAlias = npt.NDArray[Any]
Chances: TypeAlias = npt.NDArray[np.float32]
Slices: TypeAlias = Sequence[Any] | npt.NDArray[Any]

# A step of a fitted staircase is given this slope, so that no two scores become one.
_SLOPE = 1e-4
_FURTHEST = 1e-7


class Calibration(Protocol):
    """A map from scores to probabilities that never changes an order, but for that between slices."""

    @property
    def by(self) -> str | None:
        """The column whose values have maps of their own."""

    def apply(self, scores: Scores, slices: Slices | None = None) -> Chances:
        """Float32 [N] in [0, 1] of scores [N] and, where ``by`` is given, the column's values [N]."""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""


@final
@dataclass(frozen=True)
class Platt:
    """``p = sigmoid(slope * z + intercept)``, z the log odds of a probability, or a score as it is.

    Attributes:
        slope: above 0.
        intercept: shifts the odds.
        odds: whether scores are probabilities.

    Source: Platt, "Probabilistic outputs for support vector machines", 1999.

    >>> Platt(1.0, np.log(0.25), odds=True).apply(np.array([0.5])).tolist()     # odds 1 become 1 / 4
    [0.20000000298023224]
    """

    slope: float
    intercept: float
    odds: bool
    by: None = None

    @classmethod
    def shift(cls, factor: float) -> "Platt":
        """Odds times a factor above 0."""
        return cls(1.0, float(np.log(factor)), odds=True)

    def apply(self, scores: Scores, slices: Slices | None = None) -> Chances:  # noqa: ARG002
        """See `Calibration`."""
        margin = self.slope * log_odds(scores, odds=self.odds) + self.intercept
        return np.exp(-np.logaddexp(0.0, -margin)).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """See `Calibration`."""
        return {"kind": "platt", "slope": self.slope, "intercept": self.intercept, "odds": self.odds}


@final
@dataclass(frozen=True)
class Isotonic:
    """Straight lines between points of a rising staircase, level beyond its ends.

    A ten-thousandth of the score's own sigmoid (of the score, where it is a probability) is mixed in, so that
    the map rises everywhere and no order is lost.

    Attributes:
        scores: rising [K].
        chances: never falling [K].
        odds: whether scores are probabilities.

    Source: Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass probability
    estimates", KDD 2002.

    >>> Isotonic((0.0, 1.0), (0.0, 0.5), odds=True).apply(np.array([0.5])).round(3).tolist()
    [0.25]
    """

    scores: tuple[float, ...]
    chances: tuple[float, ...]
    odds: bool
    by: None = None

    def apply(self, scores: Scores, slices: Slices | None = None) -> Chances:  # noqa: ARG002
        """See `Calibration`."""
        values = np.asarray(scores, dtype=np.float64)
        own = np.clip(values, 0, 1) if self.odds else np.exp(-np.logaddexp(0.0, -values))
        steps = np.interp(values, self.scores, self.chances)
        return ((1 - _SLOPE) * steps + _SLOPE * own).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """See `Calibration`."""
        return {
            "kind": "isotonic",
            "scores": list(self.scores),
            "chances": list(self.chances),
            "odds": self.odds,
        }


@final
@dataclass(frozen=True)
class Sliced:
    """A map for each value of a column, and one for all other values.

    Attributes:
        by: the column.
        parts: value as text -> its map.
        rest: for values without one, and for null.
    """

    by: str
    parts: Mapping[str, Calibration]
    rest: Calibration

    def apply(self, scores: Scores, slices: Slices | None = None) -> Chances:
        """See `Calibration`.

        Raises:
            ArgumentError: the values of the column are missing.
        """
        if slices is None or len(slices) != len(scores):
            raise ArgumentError(
                "calibration",
                received="no values" if slices is None else f"{len(slices)} values for {len(scores)} scores",
                expected=f"the value of {self.by!r} for each score",
            )
        names = texts(slices)
        chances = self.rest.apply(scores)
        for name, part in self.parts.items():
            rows = names == name
            if rows.any():
                chances[rows] = part.apply(np.asarray(scores)[rows])
        return chances

    def to_json(self) -> dict[str, Any]:
        """See `Calibration`."""
        parts = {name: part.to_json() for name, part in self.parts.items()}
        return {"kind": "sliced", "by": self.by, "parts": parts, "rest": self.rest.to_json()}


def read_calibration(plain: Mapping[str, Any]) -> Calibration:
    """Inverse of ``to_json``.

    Raises:
        BundleError: the kind is unknown, or something is missing.
    """
    kinds = {"platt": Platt, "isotonic": Isotonic, "sliced": Sliced}
    options = dict(plain)
    kind = options.pop("kind", None)
    if kind not in kinds:
        raise BundleError(
            "calibration",
            received=f"kind {kind!r}",
            expected="one of this version",
            remedy=near(str(kind), kinds),
        )
    try:
        if kind == "sliced":
            parts = {name: read_calibration(part) for name, part in options["parts"].items()}
            return Sliced(options["by"], parts, read_calibration(options["rest"]))
        if kind == "platt":
            return Platt(**options)
        return Isotonic(tuple(options["scores"]), tuple(options["chances"]), options["odds"])
    except (KeyError, TypeError) as error:
        raise BundleError(
            "calibration", received=f"{kind} with {error}", expected="the options of this version"
        ) from error


def log_odds(scores: Scores, *, odds: bool) -> npt.NDArray[np.float64]:
    """Log odds of probabilities, kept within 1e-7 of 0 and 1; other scores as they are."""
    values = np.asarray(scores, dtype=np.float64)
    if not odds:
        return values
    inside = np.clip(values, _FURTHEST, 1 - _FURTHEST)
    return np.log(inside) - np.log1p(-inside)


def texts(values: Slices) -> npt.NDArray[Any]:
    """Values as texts, by which slices are known: whole numbers without a point, null and NaN as ``None``."""
    return np.array([_text(value) for value in np.asarray(values).tolist()], dtype=object)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "None" if np.isnan(value) else str(int(value)) if value.is_integer() else str(value)
    return str(value)
