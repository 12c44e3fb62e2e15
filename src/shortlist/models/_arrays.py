"""The border between batches, of NumPy arrays or of tensors, and what the layers read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from shortlist.data import Batch, Ragged
from shortlist.errors import SchemaError, near
from shortlist.models._inputs import is_categorical
from shortlist.schema import Column, Schema

__all__ = ["Columns", "columns_of", "holds_tensors", "in_chunks", "inference"]

Columns: TypeAlias = dict[str, Tensor | tuple[Tensor, Tensor]]

# Rows encoded at a time: bounds the memory of a large catalogue, costs nothing in speed.
_CHUNK = 65_536


def holds_tensors(batch: Batch) -> bool:
    """Whether the columns are tensors; a batch holds either tensors or NumPy arrays."""
    parts = (column.values if isinstance(column, Ragged) else column for _, column in batch.items())
    return any(isinstance(part, Tensor) for part in parts)


def columns_of(batch: Batch, inputs: Schema, where: str, device: torch.device) -> Columns:
    """The inputs as tensors: codes int64, numbers float32, lists as (values, offsets).

    Raises:
        SchemaError: a column is missing, or is a list where one value is expected or the other way round,
            or has values of another kind.
    """
    missing = [name for name in inputs.names if name not in batch]
    if len(missing) > 0:
        raise SchemaError(
            where,
            received=f"a batch without {missing}",
            expected=f"the columns {list(inputs.names)}",
            remedy=near(missing[0], batch),
        )
    return {column.name: _column(batch[column.name], column, where, device) for column in inputs}


def in_chunks(
    batch: Batch, encode: Callable[[Batch], Tensor], rows: int | None = None
) -> npt.NDArray[np.float32]:
    """Encode a batch of NumPy arrays so many rows at a time; None is a number that suits tables."""
    chunk = _CHUNK if rows is None else rows
    if len(batch) <= chunk:
        return encode(batch).float().cpu().numpy()
    starts = range(0, len(batch), chunk)
    parts = [batch.take(np.arange(start, min(start + chunk, len(batch)))) for start in starts]
    return np.concatenate([encode(part).float().cpu().numpy() for part in parts])


@contextmanager
def inference(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; the mode is set back afterwards."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


def _column(
    column: Any, expected: Column, where: str, device: torch.device
) -> Tensor | tuple[Tensor, Tensor]:
    if isinstance(column, Ragged) != expected.is_list:
        raise SchemaError(
            f"{where}: column {expected.name!r}",
            received="lists" if isinstance(column, Ragged) else "one value a row",
            expected="lists" if expected.is_list else "one value a row",
        )
    if isinstance(column, Ragged):
        offsets = _tensor(column.offsets, expected, where)
        return _tensor(column.values, expected, where).to(device), offsets.to(device)
    tensor = _tensor(column, expected, where).to(device)
    return tensor if is_categorical(expected) else tensor.float()


def _tensor(values: Any, expected: Column, where: str) -> Tensor:
    if isinstance(values, Tensor):
        tensor = values
    elif values.dtype.kind in "iufb":
        # torch shares the memory of an array and warns when it may not write to it.
        tensor = torch.from_numpy(values) if values.flags.writeable else torch.from_numpy(values.copy())
    else:
        raise SchemaError(
            f"{where}: column {expected.name!r}",
            received=f"values of type {values.dtype}",
            expected="codes" if is_categorical(expected) else "numbers",
            remedy="encode raw columns with Workflow.transform_batch first",
        )
    if not is_categorical(expected):
        return tensor
    if tensor.is_floating_point() or tensor.dtype == torch.bool:
        raise SchemaError(
            f"{where}: column {expected.name!r}",
            received=f"values of type {tensor.dtype}",
            expected="integer codes",
            remedy="encode raw columns with Workflow.transform_batch first",
        )
    return tensor.long()
