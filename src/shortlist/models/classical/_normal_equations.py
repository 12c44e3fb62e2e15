"""The systems of one half of alternating least squares, one for each row."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from shortlist.scorers import Penalty, batches, gathered

__all__ = ["Padded", "System", "padded", "system"]


class System(NamedTuple):
    """``(shared + sum_i x_i h_i h_i' + ridge I) w = sum_i t_i h_i`` a row; x ``inside``, t ``target``.

    Attributes:
        indptr: int64 [R + 1], where each row begins in the next three.
        indices: int32 [E], columns.
        inside: float32 [E].
        target: float32 [E].
        factors: H, float32 [N, D].
        shared: float32 [D, D].
        ridge: float32 [R].
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    inside: npt.NDArray[np.float32]
    target: npt.NDArray[np.float32]
    factors: npt.NDArray[np.float32]
    shared: npt.NDArray[np.float32]
    ridge: npt.NDArray[np.float32]


class Padded(NamedTuple):
    """Some rows of a system, each padded to the longest: b rows of L columns.

    Attributes:
        rows: [b], their numbers.
        vectors: float64 [b, L, D].
        inside: float64 [b, L], 0 in padding.
        target: float64 [b, L], 0 in padding.
    """

    rows: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float64]
    inside: npt.NDArray[np.float64]
    target: npt.NDArray[np.float64]


def system(rows: csr_array, factors: npt.NDArray[np.float32], penalty: Penalty) -> System:
    """The systems of the rows of a canonical CSR matrix [R, N], for factors [N, D] of its columns."""
    inside, target = penalty.weights(rows.data.astype(np.float32, copy=False))
    return System(
        rows.indptr.astype(np.int64, copy=False),
        rows.indices.astype(np.int32, copy=False),
        inside,
        target,
        factors,
        np.float32(penalty.alpha0) * (factors.T @ factors),
        penalty.ridge(rows, rows.shape[1]).astype(np.float32),
    )


def padded(one: System) -> list[Padded]:
    """All rows that are not empty, batch by batch; gathered when asked for."""
    shape = len(one.indptr) - 1, len(one.factors)
    numbered = csr_array((np.arange(1, len(one.indices) + 1), one.indices, one.indptr), shape)
    return [_batch(one, numbered, rows) for rows in batches(np.diff(one.indptr), one.factors.shape[1])]


def _batch(one: System, numbered: Any, rows: npt.NDArray[np.int64]) -> Padded:
    vectors, places = gathered(numbered, rows, one.factors)
    place = places.astype(np.int64)
    inside, target = (np.append(0, part)[place] for part in (one.inside, one.target))
    return Padded(rows, vectors, inside, target)
