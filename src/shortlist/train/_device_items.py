"""Item features where the model is, so that no batch waits for the processor."""

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shortlist.data import Batch, Ragged
from shortlist.loader import Table

__all__ = ["DeviceItems"]


class DeviceItems:
    """The item columns of a catalogue as tensors on one device.

    Args:
        table: one row an item.
        row_of: ``[V]`` the row of each item code.
        device: where the tensors are.
    """

    def __init__(self, table: Table, row_of: npt.NDArray[np.int64], device: torch.device | str) -> None:
        self._columns = table.batch(device)
        self._row_of = torch.from_numpy(row_of).to(device)

    def batch(self, codes: Tensor) -> Batch:
        """The item columns of these codes."""
        nowhere = torch.full_like(codes, -1)
        return self.overlaid(self._columns, codes, nowhere)

    def overlaid(self, batch: Batch, codes: Tensor, rows: Tensor) -> Batch:
        """The same, with the features of a row of the batch where there is one.

        Args:
            batch: holds the item columns, on the device.
            codes: ``[M]`` item codes.
            rows: ``[M]`` row of the batch that holds the item, -1 for none.
        """
        codes, rows = codes.to(self._row_of.device), rows.to(self._row_of.device)
        here, there = rows.clamp(min=0), self._row_of[codes].clamp(min=0)
        own = rows >= 0
        columns: dict[str, Any] = {}
        for name in self._columns:
            ours, theirs = cast("Any", batch[name]), cast("Any", self._columns[name])
            if isinstance(theirs, Ragged):
                columns[name] = _lists(ours, theirs, here, there, own)
            else:
                mask = own.reshape(-1, *(1 for _ in theirs.shape[1:]))
                ours_taken = ours[here] if len(ours) > 0 else theirs[there]
                columns[name] = torch.where(mask, ours_taken, theirs[there])
        return Batch(columns, rows=len(codes))


def _lists(ours: Any, theirs: Any, here: Tensor, there: Tensor, own: Tensor) -> Any:
    """Row ``here`` of the one where ``own``, else row ``there`` of the other."""
    # The two are laid end to end: the offsets of the second go on after the values of the first.
    values = torch.cat([ours.values, theirs.values])
    starts = torch.where(own, _at(ours.offsets, here), theirs.offsets[there] + len(ours.values))
    ends = torch.where(own, _at(ours.offsets, here + 1), theirs.offsets[there + 1] + len(ours.values))
    lengths = ends - starts
    offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    shift = torch.repeat_interleave(starts - offsets[:-1], lengths)
    return Ragged(
        cast("Any", values[torch.arange(len(shift), device=shift.device) + shift]), cast("Any", offsets)
    )


def _at(offsets: Tensor, places: Tensor) -> Tensor:
    return offsets[places.clamp(max=len(offsets) - 1)]
