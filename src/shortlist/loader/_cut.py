"""Parts of a batch of tensors."""

from itertools import pairwise
from typing import Any

from shortlist.data import Batch, Ragged

__all__ = ["bounds", "cut"]


def bounds(rows: int, parts: int) -> list[int]:
    """Where each of several nearly equal parts starts, and the end of the last.

    >>> bounds(7, 3)
    [0, 2, 4, 7]
    """
    return [rows * part // parts for part in range(parts + 1)]


def cut(batch: Batch, pieces: int) -> list[Batch]:
    """Nearly equal runs of the rows of a batch of tensors, without copying; runs without rows are left out.

    >>> import torch
    >>> batch = Batch({"item": torch.tensor([5, 6, 7])})
    >>> [piece["item"].tolist() for piece in cut(batch, 2)]
    [[5], [6, 7]]
    """
    places = [(low, high) for low, high in pairwise(bounds(len(batch), pieces)) if low < high]
    if len(places) < 2:
        return [batch]
    return [
        Batch({name: _rows(column, low, high) for name, column in batch.items()}, rows=high - low)
        for low, high in places
    ]


def _rows(column: Any, low: int, high: int) -> Any:
    if not isinstance(column, Ragged):
        return column[low:high]
    offsets: Any = column.offsets
    first, last = int(offsets[low]), int(offsets[high])
    return Ragged.trusted(column.values[first:last], offsets[low : high + 1] - first)
