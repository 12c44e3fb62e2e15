"""A history read event by event."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.nn._dropout import Dropout
from shortlist.nn._history import from_start, last
from shortlist.nn._seeded import linear
from shortlist.rng import derive

__all__ = ["RecurrentEncoder"]

_CELLS: dict[str, Any] = {"gru": nn.GRU, "lstm": nn.LSTM}


class RecurrentEncoder(nn.Module):
    """The state after the newest event of a GRU or LSTM that starts from zeros.

    Args:
        dim: width D of the events and of the result.
        cell: ``"gru"`` or ``"lstm"``.
        hidden: width of the state, mapped linearly to D if it differs; None is D.
        layers: recurrent layers, one over another.
        dropout: share of the events' numbers, and of states between layers and at the end, set to zero in
            training, in [0, 1).
        seed: initial weights and biases are uniform in ``+-1/sqrt(hidden)``.

    Raises:
        ArgumentError: an option is out of range.

    Source: Hidasi et al., "Session-based recommendations with recurrent neural networks", ICLR 2016
    (arXiv 1511.06939).

    >>> encoder = RecurrentEncoder(8, cell="gru", hidden=16)
    >>> encoder(torch.ones(2, 3, 8), torch.tensor([[True, True, False], [False, False, False]]))[1].any()
    tensor(False)
    """

    def __init__(
        self,
        dim: int,
        *,
        cell: Literal["gru", "lstm"] = "gru",
        hidden: int | None = None,
        layers: int = 1,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        width = dim if hidden is None else hidden
        if cell not in _CELLS or min(dim, width, layers) < 1 or not 0.0 <= dropout < 1.0:
            raise ArgumentError(
                "RecurrentEncoder",
                received=f"cell {cell!r}, dim {dim}, hidden {hidden}, layers {layers}, dropout {dropout}",
                expected="'gru' or 'lstm', sizes >= 1 and dropout in [0, 1)",
            )
        with torch.random.fork_rng(devices=[]):  # its constructor draws from the global generator
            self.cell: Any = _CELLS[cell](
                dim, width, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0
            )
        self.causal = True
        _draw(self.cell, width, derive(seed, "cell"))
        self.dropout = Dropout(dropout)
        self.outer: nn.Module = (
            nn.Identity() if width == dim else linear(width, dim, derive(seed, "recurrent", "out"))
        )

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Vector of each history: ``[B, L, D]`` and a mask ``[B, L]`` of its events, to ``[B, D]``."""
        return last(self.positions(vectors, mask), mask)

    def positions(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Vector at each event: ``[B, L, D]``, zeros at padding."""
        # Events move to the front, as padding before or between them would change the state; padding goes to
        # one slot behind all others.
        slots = torch.where(mask, from_start(mask), mask.shape[1])
        fronted = _fronted(self.dropout(vectors), slots)
        states, _ = self.cell(fronted)
        states = states[: mask.shape[0]].gather(1, slots.unsqueeze(2).expand(-1, -1, states.shape[2]))
        out: Tensor = self.outer(self.dropout(states)) * mask.unsqueeze(2)
        return out


def _fronted(vectors: Tensor, slots: Tensor) -> Tensor:
    rows, length, dim = vectors.shape
    # A recurrent layer refuses to have no rows: an exported one, whose rows are not known, gets one more.
    spare = 1 if torch.compiler.is_compiling() or rows == 0 else 0
    room = vectors.new_zeros(rows + spare, length + 1, dim)
    return room.scatter(1, slots.unsqueeze(2).expand(-1, -1, dim), vectors)


def _draw(cell: nn.Module, hidden: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in cell.parameters():
        nn.init.uniform_(parameter, -(hidden**-0.5), hidden**-0.5, generator=generator)
