"""Dropout whose random numbers cost little on a processor."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from shortlist.errors import ArgumentError

__all__ = ["Dropout", "drop"]

_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


class Dropout(nn.Module):
    """Set a share of the numbers to zero in training, and scale the others up to the same expectation.

    Args:
        share: in [0, 1).

    Raises:
        ArgumentError: ``share`` is outside [0, 1).

    >>> Dropout(0.5).eval()(torch.ones(2)).tolist()
    [1.0, 1.0]
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        if not 0.0 <= share < 1.0:
            raise ArgumentError("Dropout.share", received=share, expected="a share in [0, 1)")
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return drop(x, self.share if self.training else 0.0)


def drop(x: Tensor, share: float) -> Tensor:
    """Set a share of the numbers to zero, and scale the others up.

    On a processor each number gets one byte of a random word, which is several times as fast as a random
    number each; the share is rounded to a multiple of 1/256.
    """
    cut = round(share * 256)
    if share == 0.0 or cut == 0:
        return x
    if x.device.type != "cpu":
        return functional.dropout(x, share)
    words = torch.randint(_LOWEST, _HIGHEST, ((x.numel() + 7) // 8,))
    kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= min(cut, 255)
    return x * (kept * (256.0 / (256 - min(cut, 255)))).to(x.dtype)
