"""The transformer of SASRec."""

from torch import Tensor, nn

from shortlist.nn._attention import SelfAttention, check_heads
from shortlist.nn._dropout import Dropout
from shortlist.nn._seeded import linear
from shortlist.nn._stack import BlockStack
from shortlist.rng import derive

__all__ = ["SASRecBlock", "SASRecEncoder"]


class SASRecBlock(nn.Module):
    """``q = norm(x)``, ``y = norm(q + attention(q, x))``, then ``y + drop(W2 drop(relu(W1 y)))``.

    Queries are made of q, keys and values of x. What is added to has been normalised: the event itself weighs
    as much as what it attends to from the first step on, however small the embeddings are.

    Args:
        dim: width D.
        heads: attention heads.
        expansion: width of the hidden layer, in times D.
        dropout: share of attention weights, hidden activations and outputs set to zero in training.
        seed: of the initial weights.
    """

    def __init__(self, dim: int, *, heads: int, expansion: int, dropout: float, seed: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))
        self.attention = SelfAttention(dim, heads=heads, dropout=dropout, seed=derive(seed, "attention"))
        self.feed = nn.Sequential(
            linear(dim, expansion * dim, derive(seed, "feed", 0)),
            nn.ReLU(),
            Dropout(dropout),
            linear(expansion * dim, dim, derive(seed, "feed", 1)),
            Dropout(dropout),
        )

    def forward(self, x: Tensor, allowed: Tensor) -> Tensor:
        """``[B, L, D]`` and which slots each may attend to ``[B, 1, L, L]``, to ``[B, L, D]``."""
        asking = self.norms[0](x)
        y = self.norms[1](asking + self.attention(x, allowed, asking))
        out: Tensor = y + self.feed(y)
        return out


class SASRecEncoder(BlockStack):
    """A history's vector by the self-attention of SASRec: learned positions, blocks, a final norm.

    An event sees only earlier ones and itself.

    Args:
        dim: width D of the events and of the result.
        max_length: longest history that is read; of longer ones, the newest events.
        blocks: number of blocks.
        heads: attention heads in each.
        expansion: width of the hidden layers, in times D.
        dropout: share set to zero in training, in [0, 1).
        seed: of the initial weights.

    Raises:
        ArgumentError: an option is out of range, or ``dim`` is not a multiple of ``heads``.

    Source: Kang, McAuley, "Self-attentive sequential recommendation", ICDM 2018 (arXiv 1808.09781).

    >>> import torch
    >>> SASRecEncoder(8, max_length=5)(torch.ones(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        dim: int,
        *,
        max_length: int = 50,
        blocks: int = 2,
        heads: int = 1,
        expansion: int = 1,
        dropout: float = 0.2,
        seed: int = 0,
    ) -> None:
        check_heads("SASRecEncoder", dim, heads, dropout)
        made = [
            SASRecBlock(
                dim, heads=heads, expansion=expansion, dropout=dropout, seed=derive(seed, "block", depth)
            )
            for depth in range(blocks)
        ]
        super().__init__(
            made, dim=dim, max_length=max_length, dropout=dropout, causal=True, seed=derive(seed, "stack")
        )
