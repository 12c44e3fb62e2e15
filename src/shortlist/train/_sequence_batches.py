"""A batch of lists as rectangles with little padding."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

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
    places: Tensor
    """``[R, L]`` int64: where each code stands among all codes of the batch; their number at padding."""
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
        width = int(lengths[places].max())
        slots = _slots(codes, places, width)
        ages_of = None if given is None else _slots(given, places, width - 1)
        yield Rectangle(
            rows=places,
            codes=functional.pad(codes.values, (0, 1))[slots],
            places=slots,
            lengths=lengths[places],
            ages=None if ages_of is None else functional.pad(given.values, (0, 1))[ages_of],
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


def _slots(column: Ragged, rows: Tensor, width: int) -> Tensor:
    """Where the values of some rows stand, as a rectangle; one behind the last for padding."""
    offsets: Any = column.offsets
    places = offsets[:-1][rows].unsqueeze(1) + torch.arange(width, device=rows.device)
    slots: Tensor = places.masked_fill(places >= offsets[1:][rows].unsqueeze(1), len(column.values))
    return slots
