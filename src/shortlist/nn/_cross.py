"""Explicit feature crosses: each layer multiplies the first input with a map of the last."""

from typing import Literal

import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.nn._cross_step import crossed
from shortlist.nn._precision import lowered, records
from shortlist.nn._seeded import linear, normal
from shortlist.rng import derive

__all__ = ["CrossMixture", "CrossNetwork", "CrossVectors"]

Gate = Literal["softmax", "sigmoid"]


class CrossVectors(nn.Module):
    """Crosses of the first kind: ``x[l+1] = x[0] (x[l] . w) + b + x[l]`` with vectors w and b of width D.

    Args:
        dim: width D of the input and of the output.
        depth: number of cross layers; 0 is the identity.
        seed: initial w are uniform in ``+-1/sqrt(D)``; b are 0.

    Raises:
        ArgumentError: ``dim`` below 1, or ``depth`` below 0.

    Source: Wang et al., "Deep & cross network for ad click predictions", ADKDD 2017 (arXiv 1708.05123).

    >>> CrossVectors(3, depth=2)(torch.zeros(5, 3)).shape
    torch.Size([5, 3])
    """

    def __init__(self, dim: int, depth: int, *, seed: int = 0) -> None:
        _check("CrossVectors", dim, depth, 1)
        super().__init__()
        self.layers = nn.ModuleList(
            linear(dim, 1, derive(seed, "cross", layer), bias=False) for layer in range(depth)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(dim)) for _ in range(depth))

    def forward(self, x: Tensor, first: Tensor | None = None) -> Tensor:
        """``[B, D]`` to ``[B, D]``; ``first`` is what the first layer makes of x, where known already."""
        last = x
        for layer, bias in zip(self.layers, self.biases, strict=True):
            mapped = layer(last) if first is None else first
            last, first = x * mapped + bias + last, None
        return last


class CrossNetwork(nn.Module):
    """Explicit feature crosses of bounded degree: ``x[l+1] = x[0] * (W x[l] + b) + x[l]``.

    After ``depth`` layers the output, as wide as the input, holds products of up to ``depth + 1`` inputs.

    Args:
        dim: width D of the input and of the output.
        depth: number of cross layers; 0 is the identity.
        rank: rank of W, written as the product of a ``[D, rank]`` and a ``[rank, D]`` matrix; None is full.
        seed: initial weights and biases are uniform in ``+-1/sqrt(input width)``.

    Raises:
        ArgumentError: ``dim`` or ``rank`` below 1, or ``depth`` below 0.

    Source: Wang et al., "DCN V2: improved deep & cross network", WWW 2021 (arXiv 2008.13535).

    >>> CrossNetwork(3, depth=2, rank=1)(torch.zeros(5, 3)).shape
    torch.Size([5, 3])
    """

    def __init__(self, dim: int, depth: int, *, rank: int | None = None, seed: int = 0) -> None:
        _check("CrossNetwork", dim, depth, 1 if rank is None else rank)
        super().__init__()
        self.layers = nn.ModuleList(
            linear(dim, dim, derive(seed, "cross", layer))
            if rank is None
            else nn.Sequential(
                linear(dim, rank, derive(seed, "cross", layer, "down"), bias=False),
                linear(rank, dim, derive(seed, "cross", layer, "up")),
            )
            for layer in range(depth)
        )

    def forward(self, x: Tensor, first: Tensor | None = None) -> Tensor:
        """``[B, D]`` to ``[B, D]``; ``first`` is what the first layer makes of x, where known already."""
        whole = [layer for layer in self.layers if isinstance(layer, nn.Linear)]
        if first is None and 0 < len(whole) == len(self.layers) and records(x, *self.parameters()):
            return crossed(lowered(x), whole)
        last = x
        for layer in self.layers:
            mapped = layer(last) if first is None else first
            last, first = torch.addcmul(last, x, mapped.to(x.dtype)), None
        return last


class CrossMixture(nn.Module):
    """Low-rank crosses by several experts, weighed by a gate that reads the last layer.

    With experts k and widths D and r, each layer is::

        x[l+1] = sum_k g_k(x[l]) x[0] * (U_k tanh(C_k tanh(V_k x[l])) + b) + x[l]        g = gate(G x[l])

    Args:
        dim: width D of the input and of the output.
        depth: number of cross layers; 0 is the identity.
        rank: width r of an expert's subspace.
        experts: number of experts.
        gate: ``"softmax"`` over the experts, or a ``"sigmoid"`` each.
        seed: initial weights are normal, with variance 1 over the width that is summed; b and G start at 0.

    Raises:
        ArgumentError: a size out of range, or an unknown gate.

    Source: Wang et al., "DCN V2: improved deep & cross network", WWW 2021 (arXiv 2008.13535), section 3.4.

    >>> CrossMixture(3, depth=2, rank=2, experts=4)(torch.zeros(5, 3)).shape
    torch.Size([5, 3])
    """

    def __init__(
        self, dim: int, depth: int, *, rank: int, experts: int, gate: Gate = "softmax", seed: int = 0
    ) -> None:
        _check("CrossMixture", dim, depth, min(rank, experts))
        if gate not in ("softmax", "sigmoid"):
            raise ArgumentError("CrossMixture.gate", received=gate, expected="'softmax' or 'sigmoid'")
        super().__init__()
        self._gate = gate

        def matrices(name: str, rows: int, columns: int) -> nn.ParameterList:
            seeds = (derive(seed, "mixture", name, layer) for layer in range(depth))
            std = float(rows) ** -0.5
            return nn.ParameterList(
                nn.Parameter(normal(experts, rows, columns, std=std, seed=own)) for own in seeds
            )

        self.down = matrices("down", dim, rank)
        self.inner = matrices("inner", rank, rank)
        self.up = matrices("up", rank, dim)
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(dim)) for _ in range(depth))
        self.gates = nn.ParameterList(nn.Parameter(torch.zeros(dim, experts)) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """``[B, D]`` to ``[B, D]``."""
        last = x
        for down, inner, up, bias, gate in zip(
            self.down, self.inner, self.up, self.biases, self.gates, strict=True
        ):
            mapped = ((last @ down).tanh() @ inner).tanh() @ up + bias  # [K, B, D]
            logits = last @ gate
            weights = logits.softmax(1) if self._gate == "softmax" else logits.sigmoid()
            last = x * (mapped * weights.T.unsqueeze(2)).sum(0) + last
        return last


def _check(where: str, dim: int, depth: int, rank: int) -> None:
    if dim < 1 or depth < 0 or rank < 1:
        raise ArgumentError(
            where,
            received=f"dim {dim}, depth {depth}, rank or experts {rank}",
            expected="dim >= 1, depth >= 0, rank and experts >= 1",
        )
