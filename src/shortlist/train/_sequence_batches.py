"""A batch of lists as rectangles with little padding."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shortlist.data import Batch, Ragged

__all__ = ["Rectangle", "rectangles"]

_SLACK = 256  # slots of padding that cost as much as a pass of their own through the layers


class Rectangle(NamedTuple):
    """Some rows of a batch, filled up with 0 on the right.

    R rows, L codes in the longest.
    """

    rows: Tensor
    """``[R]`` int64: their places in the batch."""
    codes: Tensor
    """``[R, L]`` int64."""
    lengths: Tensor
    """``[R]`` int64: codes in each row, 2 at least."""
    ages: Tensor | None
    """``[R, L - 1]`` float32: days from each code but the last to that one."""


def rectangles(batch: Batch, history: str, ages: str | None) -> Iterator[Rectangle]:
    """Rows of like length together, so that layers do not work on padding.

    Args:
        batch: tensors, lists as `Ragged`.
        history: the list column of codes.
        ages: the list column of ages, or None.
    """
    codes: Any = batch.ragged(history)
    given: Any = None if ages is None else batch.ragged(ages)
    lengths = codes.offsets.diff()
    for rows in _groups(lengths.cpu().numpy()):
        places = torch.from_numpy(rows).to(lengths.device)
        width = int(rows.size and lengths[places].max())
        yield Rectangle(
            rows=places,
            codes=_filled(codes, places, width),
            lengths=lengths[places],
            ages=None if given is None else _filled(given, places, width - 1),
        )


def _groups(lengths: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """Places of rows of like length, longest first: a group ends where its padding would cost more."""
    order = np.argsort(-lengths, kind="stable")
    falling = lengths[order]
    start = 0
    while start < len(order):
        padding = np.cumsum(falling[start] - falling[start:])
        size = max(int(np.searchsorted(padding, _SLACK, side="right")), 1)
        yield order[start : start + size]
        start += size


def _filled(column: Ragged, rows: Tensor, width: int) -> Tensor:
    values: Any = column.values
    offsets: Any = column.offsets
    slots = torch.arange(width, device=values.device)
    places = offsets[:-1][rows].unsqueeze(1) + slots
    inside = places < offsets[1:][rows].unsqueeze(1)
    last = max(len(values) - 1, 0)
    filled: Tensor = values[places.clamp(max=last)] * inside
    return filled
