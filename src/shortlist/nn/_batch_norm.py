"""Batch normalisation for batches of any number of rows."""

from torch import Tensor, nn
from torch.nn import functional

__all__ = ["BatchNorm"]


class BatchNorm(nn.BatchNorm1d):
    """``g (x - mean) / sqrt(variance + 1e-5) + b`` for each of D numbers, over the rows of the batch.

    When not training, and for a training batch of fewer than two rows, which has no variance, mean and
    variance are those of past batches, averaged with a decay of 0.9.

    Args:
        dim: width D.

    Source: Ioffe, Szegedy, "Batch normalization", ICML 2015.

    >>> import torch
    >>> BatchNorm(1)(torch.tensor([[1.0], [3.0]])).round(decimals=3).tolist()
    [[-1.0], [1.0]]
    """

    def __init__(self, dim: int) -> None:
        super().__init__(dim)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name that torch gives it
        """``[B, D]`` to ``[B, D]``."""
        if self.training and len(input) > 1:
            normalised: Tensor = super().forward(input)
            return normalised
        return functional.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )
