"""Heads of models of several tasks: one vector of a candidate to the logits of all targets."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from shortlist.nn import MLP, Experts, InformationTransfer, chained
from shortlist.rng import derive

__all__ = ["BottomHead", "ChainHead", "ExpertsHead", "Towers", "TransferHead"]


class Towers(nn.Module):
    """A small network for each target, whose answers stand side by side.

    Args:
        width: width of each tower's input.
        hidden: widths of a tower's hidden layers; () is a linear map.
        outputs: numbers that each target has.
        batch_norm: normalise hidden layers over the batch.
        dropout: share of hidden activations set to zero in training.
        seed: of the initial weights.
    """

    def __init__(
        self,
        width: int,
        hidden: Sequence[int],
        outputs: Sequence[int],
        *,
        batch_norm: bool = False,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.each = nn.ModuleList(
            MLP(
                width,
                (*hidden, count),
                dropout=dropout,
                batch_norm=batch_norm,
                seed=derive(seed, "tower", place),
            )
            for place, count in enumerate(outputs)
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """One ``[N, width]`` a target to ``[N, logits]``."""
        return torch.cat([tower(x) for tower, x in zip(self.each, inputs, strict=True)], dim=1)


class BottomHead(nn.Module):
    """A network that all targets share, then a tower each.

    Args:
        bottom: the shared network.
        towers: of the targets.
    """

    def __init__(self, bottom: nn.Module, towers: Towers) -> None:
        super().__init__()
        self.bottom, self.towers = bottom, towers

    def forward(self, hidden: Tensor) -> Tensor:
        """``[N, width]`` to ``[N, logits]``."""
        logits: Tensor = self.towers([self.bottom(hidden)] * len(self.towers.each))
        return logits


class ExpertsHead(nn.Module):
    """Levels of experts, then a tower a target.

    Args:
        levels: of experts, the last of them without a shared output.
        towers: of the targets.
    """

    def __init__(self, levels: Sequence[Experts], towers: Towers) -> None:
        super().__init__()
        self.levels, self.towers = nn.ModuleList(levels), towers

    def forward(self, hidden: Tensor) -> Tensor:
        """``[N, width]`` to ``[N, logits]``."""
        parts = [hidden] * (len(self.towers.each) + 1)
        for level in self.levels:
            parts = level(parts)
        logits: Tensor = self.towers(parts)
        return logits


class ChainHead(nn.Module):
    """A tower a target gives the chance of it once all before it have happened; the answer is of them all.

    Args:
        towers: of the targets, each of which needs the one before.
    """

    def __init__(self, towers: Towers) -> None:
        super().__init__()
        self.towers = towers

    def forward(self, hidden: Tensor) -> Tensor:
        """``[N, width]`` to ``[N, T]``."""
        return chained(self.towers([hidden] * len(self.towers.each)).float())


class TransferHead(nn.Module):
    """Each target's vector takes over what the one before knows, by attention.

    Args:
        bottoms: makes the vector of each target.
        width: of these vectors.
        towers: of the targets.
        seed: of the initial weights.
    """

    def __init__(self, bottoms: Sequence[nn.Module], width: int, towers: Towers, *, seed: int = 0) -> None:
        super().__init__()
        self.bottoms, self.towers = nn.ModuleList(bottoms), towers
        steps = range(1, len(bottoms))
        self.passes = nn.ModuleList(
            MLP(width, (width,), activate_last=True, seed=derive(seed, "pass", step)) for step in steps
        )
        self.transfers = nn.ModuleList(
            InformationTransfer(width, seed=derive(seed, "transfer", step)) for step in steps
        )

    def forward(self, hidden: Tensor) -> Tensor:
        """``[N, width]`` to ``[N, logits]``."""
        own = [bottom(hidden) for bottom in self.bottoms]
        known = [own[0]]
        for passed, transfer, mine in zip(self.passes, self.transfers, own[1:], strict=True):
            known.append(transfer(passed(known[-1]), mine))
        logits: Tensor = self.towers(known)
        return logits
