"""Heads: from a candidate's vector to the logits of all targets."""

from torch import Tensor, nn

from shortlist.nn._seeded import linear

__all__ = ["AddedHead"]


class AddedHead(nn.Module):
    """The first T numbers are logits already; a linear map of the others is added to them.

    Args:
        width: width of the input.
        outputs: number T of logits.
        seed: of the map, which has no bias: what is added to has one.

    >>> import torch
    >>> AddedHead(2, 2)(torch.tensor([[1.0, 2.0]])).tolist()
    [[1.0, 2.0]]
    """

    def __init__(self, width: int, outputs: int, *, seed: int = 0) -> None:
        super().__init__()
        self._outputs = outputs
        self.map = linear(width - outputs, outputs, seed, bias=False) if width > outputs else None

    def forward(self, hidden: Tensor) -> Tensor:
        """``[N, width]`` to ``[N, T]``."""
        if self.map is None:
            return hidden
        logits: Tensor = hidden[:, : self._outputs] + self.map(hidden[:, self._outputs :])
        return logits
