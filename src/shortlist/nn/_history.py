"""What encoders of a history share: which events there are, in which order, and what each may see."""

from typing import Protocol

import torch
from torch import Tensor

__all__ = ["HistoryEncoder", "from_end", "from_start", "last", "recent", "visible"]


class HistoryEncoder(Protocol):
    """Turns the vectors of a history, oldest first, into one vector.

    A rectangle of histories is ``[B, L, D]`` with a mask ``[B, L]`` that is True at events. Padding may stand
    on either side and be of any amount: the result is the same, and an empty history gives zeros.
    """

    def __call__(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """``[B, L, D]`` and ``[B, L]`` to ``[B, D]``."""


def from_start(mask: Tensor) -> Tensor:
    """Place of each event among its history's events, 0 for the oldest; ``[B, L]``, any number at padding.

    >>> from_start(torch.tensor([[True, True, False]])).tolist()
    [[0, 1, 1]]
    """
    return mask.long().cumsum(1) - 1


def from_end(mask: Tensor) -> Tensor:
    """Place of each event counted back from the newest, which is 0; ``[B, L]``, any number at padding.

    >>> from_end(torch.tensor([[False, True, True]])).tolist()
    [[2, 1, 0]]
    """
    count = mask.long()
    return count.sum(1, keepdim=True) - count.cumsum(1)


def recent(mask: Tensor, limit: int) -> Tensor:
    """The mask of the newest ``limit`` events of each history.

    >>> recent(torch.tensor([[True, True, True, False]]), 2).tolist()
    [[False, True, True, False]]
    """
    return mask & (from_end(mask) < limit)


def visible(mask: Tensor, *, causal: bool) -> Tensor:
    """Which slots each slot may attend to: events, up to itself if causal; and itself, so that none has none.

    Returns:
        ``[B, 1, L, L]`` bool, the third axis looking at the fourth.

    >>> visible(torch.tensor([[True, True, False]]), causal=True)[0, 0].int().tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    slots = torch.arange(mask.shape[1], device=mask.device)
    own = slots[:, None] == slots[None, :]
    seen = mask[:, None, :]
    if causal:
        seen = seen & (slots[None, :] <= slots[:, None])
    return (seen | own).unsqueeze(1)


def last(vectors: Tensor, mask: Tensor) -> Tensor:
    """The vector of each history's newest event, zeros where there is none; ``[B, L, D]`` to ``[B, D]``.

    >>> last(torch.tensor([[[5.0], [7.0], [0.0]]]), torch.tensor([[True, True, False]])).tolist()
    [[7.0]]
    """
    newest = mask & (from_end(mask) == 0)
    return (vectors * newest.unsqueeze(2).to(vectors.dtype)).sum(1)
