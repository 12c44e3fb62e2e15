"""Rows that trees learn from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError, DataError
from shortlist.scorers import Matrix

__all__ = ["TreeRows"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TreeRows:
    """A matrix with labels.

    Attributes:
        matrix: float32 [N, F], NaN for what is missing.
        labels: float64 [N].
        weights: float64 [N], >= 0; None for 1 each.
        groups: int64 [N], the request of each row; None where there are none.
    """

    matrix: Matrix
    labels: Floats
    weights: Floats | None = None
    groups: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        others = [each for each in (self.labels, self.weights, self.groups) if each is not None]
        if any(each.shape != (len(self.matrix),) for each in others):
            raise ArgumentError(
                "TreeRows",
                received=f"{[each.shape for each in others]} for a matrix of {len(self.matrix)} rows",
                expected="one label, weight and request for each row",
            )
        if not np.isfinite(self.labels).all():
            raise DataError("trees: labels", received="labels that are missing", expected="a number a row")

    def __len__(self) -> int:
        return len(self.matrix)

    def grouped(self) -> "TreeRows":
        """The rows of one request together; their order stays otherwise."""
        if self.groups is None or bool((np.diff(self.groups) >= 0).all()):
            return self
        order = np.argsort(self.groups, kind="stable")
        weights = None if self.weights is None else self.weights[order]
        return TreeRows(self.matrix[order], self.labels[order], weights, self.groups[order])

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Rows of each request, in order."""
        groups: Any = self.groups
        return np.unique(groups, return_counts=True)[1].astype(np.int64)

    @property
    def group_weights(self) -> Floats | None:
        """Mean weight of each request."""
        if self.weights is None:
            return None
        means: Floats = np.add.reduceat(self.weights, np.cumsum(self.sizes) - self.sizes) / self.sizes
        return means
