"""The front door of every pointwise loss."""

import torch
from torch import Tensor

from shortlist.errors import ArgumentError
from shortlist.losses._numbers import sum_dtype

__all__ = ["labelled"]


def labelled(where: str, predictions: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Predictions and labels ``[B]`` in one type, float32 at least.

    Raises:
        ArgumentError: shapes differ.
    """
    if predictions.ndim != 1 or labels.shape != predictions.shape:
        raise ArgumentError(
            where,
            received=f"predictions {tuple(predictions.shape)} and labels {tuple(labels.shape)}",
            expected="two tensors of the same shape [B]",
        )
    dtype = sum_dtype(predictions) if predictions.is_floating_point() else torch.float32
    return predictions.to(dtype), labels.to(dtype)
