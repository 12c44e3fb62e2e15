"""Counts of what live requests look like, over the bins of a fingerprint."""

from collections.abc import Mapping
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from shortlist.monitor._bins import Bins, Counts
from shortlist.monitor._embedding import Moments
from shortlist.monitor._fingerprint import Fingerprint
from shortlist.monitor._observe import Observed

__all__ = ["Tally"]


@final
class Tally:
    """What some requests hold, in the bins of a fingerprint. Two tallies of one fingerprint add up.

    What the fingerprint does not know is not counted.

    Args:
        fingerprint: whose bins.

    Attributes:
        requests: how many requests were added.
        features: name -> int64 [B].
        unknown: name -> values in no vocabulary.
        lines: name of vectors -> ``"length"``, ``"projection 1"`` .. -> int64 [B].
        moments: name of vectors -> their sums.
    """

    def __init__(self, fingerprint: Fingerprint) -> None:
        self.fingerprint = fingerprint
        self.requests = 0
        self.features: dict[str, Counts] = {}
        self.unknown: dict[str, int] = {}
        self.lines: dict[str, dict[str, Counts]] = {}
        self.moments: dict[str, Moments] = {}

    def add(self, seen: Observed) -> Self:
        """Count some requests."""
        self.requests += seen.requests
        for name, one in seen.features.items():
            known = self.fingerprint.features.get(name)
            if known is not None:
                _grow(self.features, name, _counted(known.bins, one.values))
                self.unknown[name] = self.unknown.get(name, 0) + one.unknown
        for name, vectors in seen.vectors.items():
            cloud = self.fingerprint.embeddings.get(name)
            if cloud is None or cloud.dim != vectors.shape[1]:
                continue
            lines = self.lines.setdefault(name, {})
            for line, values in cloud.lines(vectors).items():
                _grow(lines, line, cloud.bins[line].count_numbers(values))
            self._move(name, Moments.of(vectors))
        return self

    def plus(self, other: "Tally") -> "Tally":
        """Both together, as a new one."""
        both = Tally(self.fingerprint)
        for one in (self, other):
            both.requests += one.requests
            _grow_all(both.features, one.features)
            for name, lines in one.lines.items():
                _grow_all(both.lines.setdefault(name, {}), lines)
            for name, count in one.unknown.items():
                both.unknown[name] = both.unknown.get(name, 0) + count
            for name, moments in one.moments.items():
                both._move(name, moments)
        return both

    def _move(self, name: str, moments: Moments) -> None:
        self.moments[name] = moments if name not in self.moments else self.moments[name] + moments


def _counted(bins: Bins, values: npt.NDArray[Any]) -> Counts:
    if bins.of_number:
        return bins.count_numbers(_numbers(values))
    return bins.count_categories(values.tolist())


def _numbers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if values.dtype.kind == "f":
        return values
    return np.array([value if isinstance(value, int | float) else np.nan for value in values], np.float64)


def _grow(counts: dict[str, Counts], name: str, more: Counts) -> None:
    counts[name] = counts[name] + more if name in counts else more


def _grow_all(counts: dict[str, Counts], more: Mapping[str, Counts]) -> None:
    for name, one in more.items():
        _grow(counts, name, one)
