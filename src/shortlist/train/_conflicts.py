"""Gradients of several tasks by what they share."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

__all__ = ["Junction", "project"]


class Junction:
    """Stands between a trunk and the heads of several tasks, and may hand the trunk another gradient.

    >>> x = torch.ones(2, requires_grad=True)
    >>> junction = Junction(x)
    >>> loss = junction.replaced((junction.hidden * 2).sum(), torch.tensor([5.0, 7.0]))
    >>> (3 * loss).backward()
    >>> x.grad.tolist()
    [15.0, 21.0]
    """

    def __init__(self, hidden: Tensor) -> None:
        self._held: dict[str, Tensor] = {}
        self.hidden: Tensor = _Exchange.apply(hidden, self._held)  # type: ignore[no-untyped-call]

    def gradients(self, losses: list[Tensor]) -> Tensor:
        """Of each loss by the vectors that the tasks share: ``[T, N, width]``."""
        with torch.autocast(self.hidden.device.type, enabled=False):
            return torch.stack(
                [torch.autograd.grad(loss, self.hidden, retain_graph=True)[0] for loss in losses]
            )

    def replaced(self, loss: Tensor, gradient: Tensor) -> Tensor:
        """The loss, whose backward pass gives the trunk this gradient, times what multiplies the loss."""
        self._held["gradient"] = gradient
        out: Tensor = _Listen.apply(loss, self._held)  # type: ignore[no-untyped-call]
        return out


def project(gradients: Tensor, order: Tensor) -> Tensor:
    """The sum of gradients of which none pulls against another: ``[T, ...]`` to ``[...]``.

    From each g_i, for each other g_j in the order given with ``g_i . g_j < 0``, the part along g_j is taken:
    ``g_i <- g_i - (g_i . g_j / |g_j|^2) g_j``.

    Source: Yu et al., "Gradient surgery for multi-task learning", NeurIPS 2020 (arXiv 2001.06782).

    >>> pulls = torch.tensor([[1.0, 0.0], [-1.0, 1.0]])
    >>> project(pulls, torch.tensor([0, 1])).tolist()  # (1/2, 1/2) and (0, 1)
    [0.5, 1.5]
    """
    flat = gradients.flatten(1)
    lengths = flat.square().sum(1)
    total = torch.zeros_like(flat[0])
    for task in range(len(flat)):
        pull = flat[task]
        for other in order.tolist():
            if other != task:
                along = (pull * flat[other]).sum().clamp(max=0.0) / lengths[other].clamp(min=1e-30)
                pull = pull - along * flat[other]
        total = total + pull
    return total.reshape(gradients.shape[1:])


class _Exchange(Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, held: dict[str, Tensor]) -> Tensor:
        ctx.held = held
        return hidden.view_as(hidden)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        held = ctx.held
        if "scale" not in held:
            return grads[0], None
        return (held["gradient"] * held["scale"]).to(grads[0].dtype), None


class _Listen(Function):
    @staticmethod
    def forward(ctx: Any, loss: Tensor, held: dict[str, Tensor]) -> Tensor:
        ctx.held = held
        return loss.view_as(loss)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        ctx.held["scale"] = grads[0].detach()
        return grads[0], None
