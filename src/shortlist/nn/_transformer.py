"""The transformer of BERT4Rec, which normalises what each layer reads."""

from torch import Tensor, nn

from shortlist.nn._attention import SelfAttention, check_heads
from shortlist.nn._dropout import Dropout
from shortlist.nn._seeded import linear
from shortlist.nn._stack import BlockStack
from shortlist.rng import derive

__all__ = ["TransformerBlock", "TransformerEncoder"]


class TransformerBlock(nn.Module):
    """``x <- x + drop(attention(norm(x)))``, then ``x <- x + drop(W2 relu(W1 norm(x)))``.

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
        self.attention = SelfAttention(dim, heads=heads, dropout=dropout, seed=derive(seed, "attention"))
        self.feed = nn.Sequential(
            linear(dim, expansion * dim, derive(seed, "feed", 0)),
            nn.ReLU(),
            Dropout(dropout),
            linear(expansion * dim, dim, derive(seed, "feed", 1)),
        )
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, allowed: Tensor) -> Tensor:
        """``[B, L, D]`` and which slots each may attend to ``[B, 1, L, L]``, to ``[B, L, D]``."""
        x = x + self.dropout(self.attention(self.norms[0](x), allowed))
        out: Tensor = x + self.dropout(self.feed(self.norms[1](x)))
        return out


class TransformerEncoder(BlockStack):
    """A history's vector by self-attention: learned positions, transformer blocks, a final norm.

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

    Source: Xiong et al., "On layer normalization in the transformer architecture", ICML 2020 (arXiv
    2002.04745).

    >>> import torch
    >>> encoder = TransformerEncoder(8, max_length=5)
    >>> encoder(torch.ones(2, 3, 8), torch.tensor([[True, True, False], [False, False, False]]))[1].any()
    tensor(False)
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
        check_heads("TransformerEncoder", dim, heads, dropout)
        made = [
            TransformerBlock(
                dim, heads=heads, expansion=expansion, dropout=dropout, seed=derive(seed, "block", depth)
            )
            for depth in range(blocks)
        ]
        super().__init__(
            made, dim=dim, max_length=max_length, dropout=dropout, causal=causal, seed=derive(seed, "stack")
        )
