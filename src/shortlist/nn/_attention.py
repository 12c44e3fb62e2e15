"""Attention among the events of a history."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.nn._dropout import drop
from shortlist.nn._seeded import linear
from shortlist.rng import derive

__all__ = ["SelfAttention", "check_heads", "split_heads"]

_OUT = -1e9  # a score whose weight is zero


class SelfAttention(nn.Module):
    """Multi-head attention of a history's events to each other: ``softmax(Q K' / sqrt(D / heads)) V``.

    Args:
        dim: width D of the events.
        heads: number of heads, which D is divided among.
        dropout: share of the attention weights set to zero in training, in [0, 1).
        seed: of the initial weights.

    Raises:
        ArgumentError: ``dim`` is not a multiple of ``heads``, or ``dropout`` is outside [0, 1).

    Source: Vaswani et al., "Attention is all you need", NeurIPS 2017.

    >>> from shortlist.nn._history import visible
    >>> allowed = visible(torch.ones(2, 3, dtype=torch.bool), causal=True)
    >>> SelfAttention(8, heads=2)(torch.zeros(2, 3, 8), allowed).shape
    torch.Size([2, 3, 8])
    """

    def __init__(self, dim: int, *, heads: int = 1, dropout: float = 0.0, seed: int = 0) -> None:
        super().__init__()
        check_heads("SelfAttention", dim, heads, dropout)
        self.heads, self.dropout = heads, dropout
        self.inner = linear(dim, 3 * dim, derive(seed, "attention", "in"))
        self.outer = linear(dim, dim, derive(seed, "attention", "out"))

    def forward(self, x: Tensor, allowed: Tensor, asking: Tensor | None = None) -> Tensor:
        """What each event takes from those it may attend to.

        Args:
            x: ``[B, L, D]``, of which keys and values are made.
            allowed: ``[B, 1, L, L]`` which slots each may attend to.
            asking: ``[B, L, D]``, of which the Q are made; None is ``x``.

        Returns:
            ``[B, L, D]``.
        """
        query, key, value = (split_heads(part, self.heads) for part in self._projected(x, asking))
        mixed = _attended(query, key, value, allowed, self.dropout if self.training else 0.0)
        out: Tensor = self.outer(mixed.transpose(1, 2).flatten(2))
        return out

    def _projected(self, x: Tensor, asking: Tensor | None) -> tuple[Tensor, ...]:
        if asking is None:
            return self.inner(x).chunk(3, dim=2)  # type: ignore[no-any-return]
        weight, bias, dim = self.inner.weight, self.inner.bias, x.shape[2]
        pairs = functional.linear(x, weight[dim:], bias[dim:]).chunk(2, dim=2)
        return (functional.linear(asking, weight[:dim], bias[:dim]), *pairs)


def _attended(query: Tensor, key: Tensor, value: Tensor, allowed: Tensor, dropout: float) -> Tensor:
    if dropout == 0.0 and not torch.compiler.is_compiling():
        return functional.scaled_dot_product_attention(query, key, value, allowed)
    # With dropout it is this inside as well; exported, the fused form fails on histories that are all empty.
    scores = query @ key.transpose(2, 3) * float(query.shape[3]) ** -0.5
    weights: Tensor = scores.masked_fill(~allowed, _OUT).softmax(3)
    return drop(weights, dropout).to(value.dtype) @ value


def split_heads(x: Tensor, heads: int) -> Tensor:
    """``[B, L, D]`` to ``[B, heads, L, D / heads]``."""
    rows, length, dim = x.shape
    return x.reshape(rows, length, heads, dim // heads).transpose(1, 2)


def check_heads(where: str, dim: int, heads: int, dropout: float) -> None:
    """Refuse sizes that do not fit.

    Raises:
        ArgumentError: ``dim`` is not a multiple of ``heads``, or ``dropout`` is outside [0, 1).
    """
    if dim < 1 or heads < 1 or dim % heads != 0:
        raise ArgumentError(
            where, received=f"dim {dim} and heads {heads}", expected="dim >= 1, a multiple of heads"
        )
    if not 0.0 <= dropout < 1.0:
        raise ArgumentError(f"{where}.dropout", received=dropout, expected="a share in [0, 1)")
