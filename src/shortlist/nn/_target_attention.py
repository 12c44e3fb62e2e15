"""A history as a candidate sees it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.nn._blocks import MLP
from shortlist.nn._seeded import linear
from shortlist.rng import derive

__all__ = ["TargetAttention"]


class TargetAttention(nn.Module):
    """Sum of a history's events, each weighed by how it goes with the candidate: ``sum_j a(e_j, t) e_j``.

    ``a = MLP([e, t, e - t, e * t])``, a number that is not normalised over the history: two matching events
    weigh more than one.

    Args:
        dim: width D of events and candidates.
        hidden: widths of the hidden layers, with PReLU.
        seed: of the initial weights.

    Raises:
        ArgumentError: no hidden layer, or a width below 1.

    Source: Zhou et al., "Deep interest network for click-through rate prediction", KDD 2018
    (arXiv 1706.06978).

    >>> unit = TargetAttention(4, (8,))
    >>> unit(torch.zeros(2, 3, 4), torch.ones(2, 3, dtype=torch.bool), torch.zeros(5, 4), None).shape
    Traceback (most recent call last):
    ...
    shortlist.errors.ArgumentError: TargetAttention: expected as many candidates as histories, or query_of;...
    >>> query_of = torch.tensor([0, 0, 0, 1, 1])
    >>> unit(torch.zeros(2, 3, 4), torch.ones(2, 3, dtype=torch.bool), torch.zeros(5, 4), query_of).shape
    torch.Size([5, 4])
    """

    def __init__(self, dim: int, hidden: Sequence[int] = (80, 40), *, seed: int = 0) -> None:
        super().__init__()
        if len(hidden) == 0:
            raise ArgumentError("TargetAttention.hidden", received=(), expected="one or more widths")
        self.first = linear(4 * dim, hidden[0], derive(seed, "attention"))
        self.activation = nn.PReLU()
        self.rest = MLP(
            hidden[0], (*hidden[1:], 1), activation=nn.PReLU, seed=derive(seed, "attention", "rest")
        )

    def forward(self, events: Tensor, mask: Tensor, target: Tensor, query_of: Tensor | None) -> Tensor:
        """What each candidate makes of its query's history.

        Args:
            events: ``[Q, L, D]``.
            mask: bool ``[Q, L]``, true at events.
            target: ``[N, D]``.
            query_of: int64 ``[N]``, the query of each candidate; None when Q is N.

        Returns:
            ``[N, D]``; zeros for an empty history.
        """
        if query_of is None and not torch.compiler.is_compiling() and len(events) != len(target):
            raise ArgumentError(
                "TargetAttention",
                received=f"{len(target)} candidates and {len(events)} histories",
                expected="as many candidates as histories, or query_of",
            )
        # W [e, t, e - t, e * t] = (W1 + W3) e + (W2 - W3) t + W4 (e * t): the first once a query.
        dim = target.shape[1]
        of_event, of_target, of_both, of_product = (
            self.first.weight[:, place * dim : (place + 1) * dim] for place in range(4)
        )
        known = functional.linear(events, of_event + of_both)
        if query_of is not None:
            known, events, mask = (part.index_select(0, query_of) for part in (known, events, mask))
        product = functional.linear(events * target.unsqueeze(1), of_product)
        own = functional.linear(target, of_target - of_both, self.first.bias)
        weights = self.rest(self.activation(known + product + own.unsqueeze(1)))
        seen: Tensor = (events * (weights * mask.unsqueeze(2)).to(events.dtype)).sum(1)
        return seen
