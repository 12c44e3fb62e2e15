"""Sparse feature vectors by key, and products of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shortlist.features._key_table import KeyTable

__all__ = ["SparseRows", "products"]

Places = npt.NDArray[np.int64]
# Pairs of rows that are multiplied at once: memory grows with it.
_AT_ONCE = 8192


@dataclass(frozen=True, slots=True, eq=False)
class SparseRows:
    """Sparse vectors: row ``i`` has ``features[offsets[i]:offsets[i + 1]]`` with the weights at these places.

    Attributes:
        offsets: int64 [V + 1].
        features: int64 [T], rising within a row.
        weights: float64 [T].
        size: a number above every feature's.
    """

    offsets: Places
    features: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]
    size: int

    @classmethod
    def of(cls, table: KeyTable) -> "SparseRows":
        """Read the columns ``features`` and ``weights``."""
        lists = table.frame["features"]
        offsets = np.zeros(len(lists) + 1, dtype=np.int64)
        np.cumsum(lists.list.len().to_numpy(), out=offsets[1:])
        features, weights = (
            table.frame[name].explode(empty_as_null=False).to_numpy() for name in ("features", "weights")
        )
        size = 1 + int(features.max(initial=0))
        return cls(offsets, features.astype(np.int64), weights.astype(np.float64), size)

    def entries(self, rows: Places) -> tuple[Places, Places]:
        """Places of the entries of some rows, and for each the number of its row among them."""
        lengths = (self.offsets[1:] - self.offsets[:-1])[rows]
        number = np.repeat(np.arange(len(rows)), lengths)
        starts = self.offsets[:-1][rows] - np.cumsum(lengths) + lengths
        return np.arange(len(number)) + starts[number], number


def products(
    left: SparseRows, left_rows: Places, right: SparseRows, right_rows: Places
) -> npt.NDArray[np.float64]:
    """Float64 [B]: the inner product of each pair of rows, 0 where one of them is negative.

    >>> rows = SparseRows(np.array([0, 2, 3]), np.array([0, 5, 5]), np.array([1.0, 2.0, 3.0]), 6)
    >>> products(rows, np.array([0, 0, -1]), rows, np.array([0, 1, 0])).tolist()
    [5.0, 6.0, 0.0]
    """
    out = np.zeros(len(left_rows), dtype=np.float64)
    size = max(left.size, right.size)
    for known in _pieces(np.flatnonzero((left_rows >= 0) & (right_rows >= 0))):
        ours, row = left.entries(left_rows[known])
        theirs, other = right.entries(right_rows[known])
        place = row * size + left.features[ours]
        wanted = other * size + right.features[theirs]
        found = np.minimum(np.searchsorted(place, wanted), max(len(place) - 1, 0))
        hit = np.flatnonzero(place[found] == wanted) if len(place) else np.zeros(0, dtype=np.int64)
        shares = left.weights[ours[found[hit]]] * right.weights[theirs[hit]]
        out[known] = np.bincount(other[hit], weights=shares, minlength=len(known))
    return out


def _pieces(rows: Places) -> Iterator[Places]:
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]
