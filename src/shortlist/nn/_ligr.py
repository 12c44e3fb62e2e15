"""The gated transformer of LiGR and eSASRec."""

from torch import Tensor, nn
from torch.nn import functional

from shortlist.nn._attention import SelfAttention, check_heads
from shortlist.nn._dropout import Dropout
from shortlist.nn._seeded import linear
from shortlist.nn._stack import BlockStack
from shortlist.rng import derive

__all__ = ["LiGRBlock", "LiGREncoder"]


class LiGRBlock(nn.Module):
    """``x <- x + sigmoid(G x) * f(norm(x))`` for f attention, then for f a SwiGLU layer.

    SwiGLU is ``W3 (silu(W1 x) * W2 x)``, without biases.

    Args:
        dim: width D.
        heads: attention heads.
        expansion: width of the hidden layer, in times D.
        dropout: share of attention weights, hidden activations and added vectors set to zero in training.
        seed: of the initial weights.
    """

    def __init__(self, dim: int, *, heads: int, expansion: int, dropout: float, seed: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))
        self.gates = nn.ModuleList(linear(dim, dim, derive(seed, "gate", number)) for number in range(2))
        self.attention = SelfAttention(dim, heads=heads, dropout=dropout, seed=derive(seed, "attention"))
        self.wide = linear(dim, 2 * expansion * dim, derive(seed, "wide"), bias=False)
        self.narrow = linear(expansion * dim, dim, derive(seed, "narrow"), bias=False)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, allowed: Tensor) -> Tensor:
        """``[B, L, D]`` and which slots each may attend to ``[B, 1, L, L]``, to ``[B, L, D]``."""
        attended = self.dropout(self.attention(self.norms[0](x), allowed))
        x = x + self.gates[0](x).sigmoid() * attended
        gate, value = self.wide(self.norms[1](x)).chunk(2, dim=2)
        fed = self.dropout(self.narrow(self.dropout(functional.silu(gate) * value)))
        out: Tensor = x + self.gates[1](x).sigmoid() * fed
        return out


class LiGREncoder(BlockStack):
    """A history's vector by gated self-attention: learned positions, LiGR blocks, a final norm.

    Args:
        dim: width D of the events and of the result.
        max_length: longest history that is read; of longer ones, the newest events.
        blocks: number of blocks.
        heads: attention heads in each.
        expansion: width of the hidden layers, in times D.
        dropout: share set to zero in training, in [0, 1).
        causal: an event sees only earlier ones and itself; False lets all see all.
        seed: of the initial weights.

    Raises:
        ArgumentError: an option is out of range, or ``dim`` is not a multiple of ``heads``.

    Source: Borisyuk et al., "From features to transformers: redefining ranking for scalable impact"
    (arXiv 2502.03417).

    >>> import torch
    >>> LiGREncoder(8, max_length=5)(torch.ones(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        dim: int,
        *,
        max_length: int = 50,
        blocks: int = 2,
        heads: int = 1,
        expansion: int = 4,
        dropout: float = 0.2,
        causal: bool = True,
        seed: int = 0,
    ) -> None:
        check_heads("LiGREncoder", dim, heads, dropout)
        made = [
            LiGRBlock(
                dim, heads=heads, expansion=expansion, dropout=dropout, seed=derive(seed, "block", depth)
            )
            for depth in range(blocks)
        ]
        super().__init__(
            made, dim=dim, max_length=max_length, dropout=dropout, causal=causal, seed=derive(seed, "stack")
        )
