"""Blocks of attention, one after another, over a history."""

from collections.abc import Sequence

from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.nn._dropout import Dropout
from shortlist.nn._history import from_end, last, recent, visible
from shortlist.nn._seeded import normal
from shortlist.rng import derive

__all__ = ["BlockStack"]

_STD = 0.05  # that of the item embeddings


class BlockStack(nn.Module):
    """Learned positions, dropout, blocks and a final layer norm; what transformer and LiGR encoders share.

    Positions are counted back from the newest event, so that padding on either side changes nothing. Of
    histories longer than ``max_length`` the newest events are read.

    Args:
        blocks: modules ``(x [B, L, D], allowed [B, 1, L, L]) -> [B, L, D]``.
        dim: width D.
        max_length: longest history that is read.
        dropout: share of the events' numbers set to zero in training.
        causal: whether an event sees only earlier ones and itself.
        seed: of the positions.

    Raises:
        ArgumentError: there are no blocks, or ``max_length`` is below 1.
    """

    def __init__(
        self,
        blocks: Sequence[nn.Module],
        *,
        dim: int,
        max_length: int,
        dropout: float,
        causal: bool,
        seed: int,
    ) -> None:
        super().__init__()
        if len(blocks) < 1 or max_length < 1:
            raise ArgumentError(
                type(self).__name__,
                received=f"{len(blocks)} blocks and max_length {max_length}",
                expected="both >= 1",
            )
        self.max_length, self.causal = max_length, causal
        self.place = nn.Parameter(normal(max_length, dim, std=_STD, seed=derive(seed, "positions")))
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Vector of each history: ``[B, L, D]`` and a mask ``[B, L]`` of its events, to ``[B, D]``."""
        return last(self.positions(vectors, mask), mask)

    def positions(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Vector at each event: ``[B, L, D]``, zeros at padding and at events that are too old to be read."""
        mask = recent(mask, self.max_length)
        places = from_end(mask).clamp(0, self.max_length - 1)
        events = mask.unsqueeze(2)
        x = self.dropout(vectors + self.place[places]) * events
        allowed = visible(mask, causal=self.causal)
        for block in self.blocks:
            x = block(x, allowed)
        out: Tensor = self.norm(x) * events
        return out
