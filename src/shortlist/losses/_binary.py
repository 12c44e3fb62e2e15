"""Loss of yes-or-no targets."""

from torch import Tensor
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.losses._weights import shares

__all__ = ["binary_cross_entropy"]


def binary_cross_entropy(logits: Tensor, labels: Tensor, *, weights: Tensor | None = None) -> Tensor:
    """Weighted mean of ``-y log sigmoid(x) - (1 - y) log(1 - sigmoid(x))``.

    Args:
        logits: ``[B]`` x, any real number.
        labels: ``[B]`` y in [0, 1].
        weights: ``[B]``, each >= 0; None is equal weights.

    Returns:
        A scalar; 0 for an empty batch or weights that are all zero.

    Raises:
        ArgumentError: shapes differ.

    >>> import math, torch
    >>> logits, labels, weights = torch.tensor([[0.0, 5.0], [1.0, 0.0], [1.0, 0.0]])
    >>> loss = binary_cross_entropy(logits, labels, weights=weights)
    >>> math.isclose(loss.item(), math.log(2), rel_tol=1e-6)
    True
    """
    if logits.ndim != 1 or labels.shape != logits.shape:
        raise ArgumentError(
            "binary_cross_entropy",
            received=f"logits {tuple(logits.shape)} and labels {tuple(labels.shape)}",
            expected="two tensors of the same shape [B]",
        )
    logits = logits.double() if logits.dtype.itemsize == 8 else logits.float()
    losses = functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="none")
    return losses @ shares(weights, logits, "binary_cross_entropy")
