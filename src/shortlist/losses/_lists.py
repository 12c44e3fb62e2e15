"""Lists laid end to end: the front door of every listwise loss."""

from typing import NamedTuple

import torch
from torch import Tensor

from shortlist.errors import ArgumentError
from shortlist.losses._numbers import sum_dtype
from shortlist.losses._weights import mean, shares

__all__ = ["Lists", "as_lists", "pairs_within"]


class Lists(NamedTuple):
    """Scores and labels of B lists, checked and widened."""

    scores: Tensor
    """``[N]``."""
    labels: Tensor
    """``[N]``."""
    offsets: Tensor
    """``[B + 1]`` int64."""
    shares: Tensor
    """``[B]`` of each list in the mean."""

    @property
    def lengths(self) -> Tensor:
        """``[B]``."""
        return self.offsets.diff()

    def owners(self) -> Tensor:
        """``[N]`` the list that each position belongs to."""
        return torch.repeat_interleave(self.lengths, output_size=len(self.scores))

    def padded(self, values: Tensor, fill: float) -> Tensor:
        """``[N]`` values as ``[B, L]``, L the length of the longest list, at least 1."""
        longest = max(int(self.lengths.max()) if len(self.lengths) else 0, 1)
        owners = self.owners()
        places = torch.arange(len(values), device=values.device) - self.offsets[owners]
        return values.new_full((len(self.lengths), longest), fill).index_put((owners, places), values)

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Positions ``[P]`` of all pairs of one list, both orders and with itself: the sum of n^2 of them."""
        return pairs_within(self.offsets)

    def sums(self, values: Tensor, positions: Tensor) -> Tensor:
        """Sum of ``[P]`` values over each list ``[B]``, value i standing at ``positions[i]``."""
        return values.new_zeros(len(self.lengths)).index_add(0, self.owners()[positions], values)

    def mean(self, losses: Tensor) -> Tensor:
        """Mean of ``[B]`` losses over the lists."""
        return mean(losses, self.shares)

    def ranks(self) -> Tensor:
        """``[N]`` rank of each position in its list by score, 1 the highest; ties by position."""
        return _ranks(self.scores.detach(), self)

    def ideal_ranks(self) -> Tensor:
        """``[N]`` the same by label."""
        return _ranks(self.labels, self)


def pairs_within(offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Positions ``[P]`` of all pairs of one list, as of ``Lists.pairs``."""
    owners = torch.repeat_interleave(offsets.diff())
    counts = offsets.diff()[owners]
    left = torch.repeat_interleave(counts)
    starts = counts.cumsum(0) - counts
    inside = torch.arange(len(left), device=left.device) - starts[left]
    return left, offsets[owners[left]] + inside


def as_lists(where: str, scores: Tensor, labels: Tensor, offsets: Tensor, weights: Tensor | None) -> Lists:
    """Check the scores of a batch of lists.

    Raises:
        ArgumentError: shapes or offsets do not agree.
    """
    if scores.ndim != 1 or labels.shape != scores.shape:
        raise ArgumentError(
            where,
            received=f"scores {tuple(scores.shape)} and labels {tuple(labels.shape)}",
            expected="two tensors of the same shape [N]",
        )
    starts = offsets.to(device=scores.device, dtype=torch.int64)
    if starts.ndim != 1 or len(starts) == 0 or _disagree(starts, len(scores)):
        received = f"shape {tuple(starts.shape)}, {starts[:3].tolist()} to {starts[-1:].tolist()}"
        raise ArgumentError(
            f"{where}.offsets",
            received=received,
            expected=f"[B + 1] numbers rising from 0 to N = {len(scores)}",
        )
    dtype = sum_dtype(scores)
    like = scores.detach().new_zeros(len(starts) - 1, dtype=dtype)
    return Lists(scores.to(dtype), labels.to(dtype), starts, shares(weights, like, where))


def _disagree(offsets: Tensor, length: int) -> bool:
    return int(offsets[0]) != 0 or int(offsets[-1]) != length or bool((offsets.diff() < 0).any())


def _ranks(values: Tensor, lists: Lists) -> Tensor:
    owners = lists.owners()
    order = values.argsort(descending=True, stable=True)
    order = order[owners[order].argsort(stable=True)]
    places = torch.arange(len(values), device=values.device) - lists.offsets[owners]
    return torch.empty_like(places).index_put((order,), places) + 1
