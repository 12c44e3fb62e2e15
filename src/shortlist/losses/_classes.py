"""Losses of one of several classes a row."""

from torch import Tensor
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.losses._numbers import sum_dtype
from shortlist.losses._weights import mean, shares

__all__ = ["cross_entropy"]


def cross_entropy(
    predictions: Tensor, labels: Tensor, *, weights: Tensor | None = None, label_smoothing: float = 0.0
) -> Tensor:
    """Weighted mean of ``-log softmax(x)[y]``.

    Args:
        predictions: ``[B, C]`` logits x of the classes.
        labels: ``[B]`` class numbers y, from 0 to C - 1.
        weights: ``[B]``, each >= 0; None is equal weights.
        label_smoothing: e in [0, 1]: the share of the label that is spread over all classes alike.

    Returns:
        A scalar; 0 for an empty batch or weights that are all zero.

    Raises:
        ArgumentError: shapes differ, a label is no class, or ``label_smoothing`` is not in [0, 1].

    >>> import math, torch
    >>> loss = cross_entropy(torch.tensor([[0.0, math.log(3.0)]]), torch.tensor([1]))
    >>> math.isclose(loss.item(), -math.log(3 / 4), rel_tol=1e-6)
    True
    """
    if predictions.ndim != 2 or labels.shape != predictions.shape[:1]:
        raise ArgumentError(
            "cross_entropy",
            received=f"predictions {tuple(predictions.shape)} and labels {tuple(labels.shape)}",
            expected="[B, C] and [B]",
        )
    if not 0.0 <= label_smoothing <= 1.0:
        raise ArgumentError(
            "cross_entropy.label_smoothing", received=label_smoothing, expected="a number in [0, 1]"
        )
    classes = labels.long()
    if not labels.is_cuda and bool(((classes < 0) | (classes >= predictions.shape[1])).any()):
        raise ArgumentError(
            "cross_entropy.labels",
            received=f"classes from {int(classes.min())} to {int(classes.max())}",
            expected=f"0 to {predictions.shape[1] - 1}",
        )
    logits = predictions.to(sum_dtype(predictions))
    losses = functional.cross_entropy(logits, classes, reduction="none", label_smoothing=label_smoothing)
    return mean(losses, shares(weights, losses, "cross_entropy"))
