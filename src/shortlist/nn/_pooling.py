"""A history as a weighted sum of its events."""

import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.nn._history import from_end
from shortlist.nn._seeded import linear
from shortlist.rng import derive

__all__ = ["AttentionPooling", "MeanPooling", "RecencyPooling", "SumPooling"]

_OUT = -1e9  # beside it every score weighs all; minus infinity would make NaN of a history without events


class SumPooling(nn.Module):
    """The sum of the events.

    >>> SumPooling()(torch.tensor([[[1.0], [2.0], [9.0]]]), torch.tensor([[True, True, False]])).tolist()
    [[3.0]]
    """

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """``[B, L, D]`` and ``[B, L]`` to ``[B, D]``."""
        return (vectors * mask.unsqueeze(2).to(vectors.dtype)).sum(1)


class MeanPooling(nn.Module):
    """The mean of the events; zeros when there are none.

    >>> MeanPooling()(torch.tensor([[[1.0], [2.0], [9.0]]]), torch.tensor([[True, True, False]])).tolist()
    [[1.5]]
    """

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """``[B, L, D]`` and ``[B, L]`` to ``[B, D]``."""
        counted = mask.sum(1, keepdim=True).clamp(min=1).to(vectors.dtype)
        return (vectors * mask.unsqueeze(2).to(vectors.dtype)).sum(1) / counted


class RecencyPooling(nn.Module):
    """A mean whose weights are learned by how many events ago: ``softmax(a[0], a[1], ...)`` from the newest.

    It starts as the plain mean.

    Args:
        max_length: places with a weight of their own; all older events have the weight of the oldest place.

    Raises:
        ArgumentError: ``max_length`` is below 1.

    >>> pooling = RecencyPooling(3)
    >>> pooling(torch.tensor([[[1.0], [2.0]]]), torch.ones(1, 2, dtype=torch.bool)).tolist()
    [[1.5]]
    """

    def __init__(self, max_length: int) -> None:
        super().__init__()
        if max_length < 1:
            raise ArgumentError("RecencyPooling.max_length", received=max_length, expected="an integer >= 1")
        self.logits = nn.Parameter(torch.zeros(max_length))

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """``[B, L, D]`` and ``[B, L]`` to ``[B, D]``."""
        places = from_end(mask).clamp(0, len(self.logits) - 1)
        return _weighted(vectors, mask, self.logits[places])


class AttentionPooling(nn.Module):
    """A mean weighted by the events themselves: ``softmax over j of w . tanh(W x_j + b)``.

    No target is looked at, so the vector can be compared with any item.

    Args:
        dim: width D of the events.
        hidden: width of W's output.
        seed: of the initial weights.

    Raises:
        ArgumentError: a width is below 1.

    Source: Yang et al., "Hierarchical attention networks for document classification", NAACL 2016.

    >>> AttentionPooling(4, hidden=8)(torch.zeros(2, 0, 4), torch.zeros(2, 0, dtype=torch.bool)).shape
    torch.Size([2, 4])
    """

    def __init__(self, dim: int, *, hidden: int = 64, seed: int = 0) -> None:
        super().__init__()
        if min(dim, hidden) < 1:
            raise ArgumentError("AttentionPooling", received=(dim, hidden), expected="widths >= 1")
        self.hidden = linear(dim, hidden, derive(seed, "pooling", "hidden"))
        self.score = linear(hidden, 1, derive(seed, "pooling", "score"), bias=False)

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """``[B, L, D]`` and ``[B, L]`` to ``[B, D]``."""
        return _weighted(vectors, mask, self.score(self.hidden(vectors).tanh()).squeeze(2))


def _weighted(vectors: Tensor, mask: Tensor, scores: Tensor) -> Tensor:
    weights = scores.float().masked_fill(~mask, _OUT).softmax(1) * mask
    return (vectors * weights.unsqueeze(2)).sum(1)
