"""Cross layers of whole matrices as one function, whose gradients are made in few passes over memory."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

__all__ = ["crossed"]


def crossed(x: Tensor, layers: Sequence[nn.Linear]) -> Tensor:
    """``x[l+1] = x[0] * (W x[l] + b) + x[l]`` for each layer in turn.

    All products and sums are in the type of ``x``, with weights converted to it; gradients of the weights
    have the type of the weights.

    Args:
        x: ``[B, D]``.
        layers: D to D, at least one.

    Returns:
        ``[B, D]``.

    >>> layer = nn.Linear(1, 1)
    >>> _ = nn.init.constant_(layer.weight, 2.0), nn.init.constant_(layer.bias, 1.0)
    >>> crossed(torch.tensor([[3.0]]), [layer]).item()  # 3 * (2 * 3 + 1) + 3
    24.0
    """
    parameters = [part for layer in layers for part in (layer.weight, layer.bias)]
    out: Tensor = _Crossed.apply(x, *parameters)  # type: ignore[no-untyped-call]
    return out


class _Crossed(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, *parameters: Tensor) -> Tensor:
        weights = [part.to(x.dtype) for part in parameters[::2]]
        biases = [part.to(x.dtype) for part in parameters[1::2]]
        inputs, products = [x], []
        for weight, bias in zip(weights, biases, strict=True):
            products.append(functional.linear(inputs[-1], weight, bias))
            inputs.append(torch.addcmul(inputs[-1], x, products[-1]))
        ctx.save_for_backward(*inputs[:-1], *products, *weights)
        ctx.depth, ctx.types = len(weights), [part.dtype for part in parameters]
        return inputs[-1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        depth, saved = ctx.depth, ctx.saved_tensors
        inputs, products, weights = saved[:depth], saved[depth : 2 * depth], saved[2 * depth :]
        grad = grads[0]
        ones = grad.new_ones(1, len(grad))  # a product with ones sums a column sooner than a sum does
        first: Tensor | None = None
        found: list[Tensor] = []
        for layer in reversed(range(depth)):
            factor = grad * inputs[0]
            of_first = grad * products[layer] if first is None else first.addcmul_(grad, products[layer])
            first = of_first
            found = [factor.t() @ inputs[layer], (ones @ factor).squeeze(0), *found]
            grad = torch.addmm(grad, factor, weights[layer])
        assert first is not None
        typed = [part.to(kind) for part, kind in zip(found, ctx.types, strict=True)]
        return (grad.add_(first), *typed)
