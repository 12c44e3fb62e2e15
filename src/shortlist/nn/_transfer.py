"""Tasks that follow one another, as a click and what comes of it."""

import torch
from torch import Tensor, nn

from shortlist.nn._seeded import linear
from shortlist.rng import derive

__all__ = ["InformationTransfer", "chained"]


def chained(logits: Tensor) -> Tensor:
    """Logits of steps that each need all before: of the product of the steps' probabilities.

    ``p_t = sigmoid(a_1) ... sigmoid(a_t)``, computed as ``x_t = -log(exp(-x) + exp(-a) + exp(-x - a))`` from
    x = x_{t-1} and a = a_t, which neither overflows nor rounds to 1.

    Args:
        logits: ``[N, T]`` a: of each step, given those before.

    Returns:
        ``[N, T]``.

    >>> chained(torch.tensor([[0.0, 0.0]])).sigmoid().tolist()  # 1/2 and 1/4
    [[0.5, 0.25]]
    """
    known = [logits[:, 0]]
    for step in logits.unbind(1)[1:]:
        last = known[-1]
        known.append(-torch.stack([-last, -step, -last - step], dim=1).logsumexp(1))
    return torch.stack(known, dim=1)


class InformationTransfer(nn.Module):
    """What a task takes over from the one before: attention over that one's vector p and its own q.

    ``z = sum over u in {p, q} of w_u V u`` with ``w = softmax(<Q u, K u> / sqrt(D))`` over the two.

    Args:
        dim: width D of the vectors.
        seed: of the initial weights.

    Source: Xi et al., "Modeling the sequential dependence among audience multi-step conversions with
    multi-task learning in targeted display advertising", KDD 2021 (arXiv 2105.08489).

    >>> InformationTransfer(4)(torch.zeros(5, 4), torch.zeros(5, 4)).shape
    torch.Size([5, 4])
    """

    def __init__(self, dim: int, *, seed: int = 0) -> None:
        super().__init__()
        self.query, self.key, self.value = (
            linear(dim, dim, derive(seed, name)) for name in ("query", "key", "value")
        )

    def forward(self, before: Tensor, own: Tensor) -> Tensor:
        """P and q ``[N, D]`` to ``[N, D]``."""
        both = torch.stack([before, own], dim=1)
        scores = (self.query(both) * self.key(both)).sum(2) * float(before.shape[1]) ** -0.5
        mixed: Tensor = (self.value(both) * scores.softmax(1).unsqueeze(2)).sum(1)
        return mixed
