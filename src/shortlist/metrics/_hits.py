"""Which recommended items are relevant: the one table every ranking metric reads."""

from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError

__all__ = ["check_truth", "hits", "row_blocks"]

# A block of cells that stays in the processor's cache is several times faster than one large table.
_CELLS = 1 << 18


def hits(
    recommended: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64], items: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Mark the recommended items that are relevant to their query.

    An item recommended twice to the same query counts once, at its better place, so that no list can
    score above 1.

    Args:
        recommended: item ids [Q, K] in order of recommendation; a negative id means "no item".
        offsets: [Q + 1]; the relevant items of query q are ``items[offsets[q]:offsets[q + 1]]``.
        items: relevant item ids, strictly ascending within each query.

    Returns:
        Booleans [Q, K].

    Raises:
        ArgumentError: the shapes disagree, or a row of the truth is not sorted or has a duplicate.

    >>> import numpy as np
    >>> hits(np.array([[5, 2, 5], [2, -1, -1]]), np.array([0, 1, 3]), np.array([5, 2, 9]))
    array([[ True, False, False],
           [ True, False, False]])
    """
    if recommended.ndim != 2:
        raise ArgumentError(
            "metrics.hits", received=f"recommended of shape {recommended.shape}", expected="item ids [Q, K]"
        )
    check_truth("metrics.hits", len(recommended), offsets, items)
    found = np.zeros(recommended.shape, dtype=bool)
    for block in row_blocks(*recommended.shape):
        found[block] = _found(recommended[block], offsets[block], offsets[1:][block], items)
    return found


def check_truth(where: str, queries: int, offsets: npt.NDArray[Any], items: npt.NDArray[Any]) -> None:
    """Raise unless ``offsets`` and ``items`` hold one strictly ascending row for each query."""
    steps = np.diff(offsets)
    if offsets.shape != (queries + 1,) or offsets[0] != 0 or offsets[-1] != len(items) or (steps < 0).any():
        raise ArgumentError(
            where,
            received=f"offsets of shape {offsets.shape} over {len(items)} items for {queries} queries",
            expected="offsets [Q + 1] that start at 0, never fall and end at the number of items",
        )
    ascending = np.diff(items) > 0
    ascending[offsets[1:-1][(offsets[1:-1] > 0) & (offsets[1:-1] < len(items))] - 1] = True
    if not ascending.all():
        raise ArgumentError(
            where,
            received="relevant items out of order or twice in one query",
            expected="strictly ascending items in each query",
            remedy="sort the items of each query and drop duplicates",
        )


def row_blocks(rows: int, columns: int) -> list[slice]:
    """Cut a table of rows by columns into slices of rows that fit the cache."""
    step = max(1, _CELLS // max(columns, 1))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def _found(
    recommended: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    stop: npt.NDArray[np.int64],
    items: npt.NDArray[np.int64],
) -> npt.NDArray[np.bool_]:
    """Binary search of each cell in its own row of the truth; works for ids of any size."""
    low = np.broadcast_to(start[:, None], recommended.shape)
    high = end = np.broadcast_to(stop[:, None], recommended.shape)
    if len(items) == 0:
        return np.zeros(recommended.shape, dtype=bool)
    for _ in range(int((stop - start).max(initial=0)).bit_length()):
        middle = (low + high) >> 1
        right = (middle < high) & (items[np.minimum(middle, len(items) - 1)] < recommended)
        low, high = np.where(right, middle + 1, low), np.where(right, high, middle)
    found = (low < end) & (recommended >= 0) & (items[np.minimum(low, len(items) - 1)] == recommended)
    return _first_only(found, low)


def _first_only(found: npt.NDArray[np.bool_], place: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Keep the first of several hits on one entry of the truth."""
    cells = np.flatnonzero(found)
    _, first = np.unique(place.ravel()[cells], return_index=True)
    once = np.zeros(found.size, dtype=bool)
    once[cells[first]] = True
    return once.reshape(found.shape)
