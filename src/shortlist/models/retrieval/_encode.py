"""One border for all retrieval models: tensors in, a tensor out; NumPy in, NumPy out."""

from typing import Any, Protocol

import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.models._arrays import Columns, columns_of, holds_tensors, in_chunks, inference
from shortlist.schema import Schema

__all__ = ["Side", "encode"]

# Lists that are encoded take a matrix each, so that fewer rows are held at a time.
_ROWS_WITH_LISTS = 4096


class Side(Protocol):
    """For type-checking only: a tower."""

    inputs: Schema

    def __call__(self, columns: Columns) -> Tensor:
        """Vectors ``[B, D]`` of encoded columns."""


def encode(model: nn.Module, side: Side, batch: Batch, where: str) -> Any:
    """Vectors of one side of a model.

    Args:
        model: whose first parameter says the device, and which is in evaluation mode for NumPy arrays.
        side: the tower.
        batch: every column of its inputs, encoded; others are passed by.
        where: named in errors.

    Returns:
        ``[B, D]``: a NumPy array for a batch of NumPy arrays; a tensor with gradients for one of tensors.

    Raises:
        SchemaError: a column is missing or of another kind.
    """

    def run(part: Batch) -> Tensor:
        return side(columns_of(part, side.inputs, where, _device(model)))

    if holds_tensors(batch):
        return run(batch)
    lists = any(getattr(part, "encoders", ()) for part in _parts(side))
    with inference(model):
        return in_chunks(batch, run, _ROWS_WITH_LISTS if lists else None)


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def _parts(side: Any) -> list[nn.Module]:
    return list(side.modules()) if isinstance(side, nn.Module) else []
