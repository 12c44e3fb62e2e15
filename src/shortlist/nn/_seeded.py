"""Layers whose initial values depend on a seed alone, not on torch's global generator."""

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

__all__ = ["linear", "normal"]


def linear(input_dim: int, output_dim: int, seed: int, *, bias: bool = True) -> nn.Linear:
    """A linear layer, weights and biases uniform in ``+-1/sqrt(input width)``.

    >>> torch.equal(linear(3, 2, seed=1).weight, linear(3, 2, seed=1).weight)
    True
    """
    layer: nn.Linear = skip_init(nn.Linear, input_dim, output_dim, bias=bias)  # type: ignore[no-untyped-call]
    generator = torch.Generator().manual_seed(seed)
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -(input_dim**-0.5), input_dim**-0.5, generator=generator)
    return layer


def normal(*shape: int, std: float, seed: int) -> Tensor:
    """Values of a normal distribution around 0.

    >>> normal(2, 3, std=0.1, seed=0).shape
    torch.Size([2, 3])
    """
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * std
