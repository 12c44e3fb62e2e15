"""The gradients of one batch, computed in pieces and on several processes."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from shortlist.data import Batch
from shortlist.loader import cut
from shortlist.nn import Precision, mixed_precision
from shortlist.train._objectives import Task
from shortlist.train._ranks import Ranks

__all__ = ["Gradients", "Together", "Weighed"]


@runtime_checkable
class Weighed(Protocol):
    """A task whose loss is a mean with other weights than one a row."""

    def mass(self, batch: Batch) -> Tensor:
        """What the mean divides by: a scalar. Weights of the rows added up, or positions predicted."""


@runtime_checkable
class Together(Protocol):
    """A task whose rows stand in each other's loss, as in-batch negatives do: it sees the whole batch."""

    def bind(self, ranks: Ranks, pieces: int) -> None:
        """Take rows of all processes together, and encode a batch in so many pieces."""


@dataclass(frozen=True, slots=True)
class Gradients:
    """Adds the gradients of the mean loss of a batch to the parameters, those of this process's rows.

    With w the mass of a piece and W that of the whole batch, over all pieces of all processes, the loss is
    the sum of ``w / W`` times the mean of each piece, which is the mean of the whole batch. Only one piece's
    activations are held at a time. A task that is `Together` sees its batch whole.

    Attributes:
        task: gives the mean loss of some rows.
        ranks: the processes that share each batch.
        pieces: how many a batch is cut into.
        precision: of matrix products.
        device: of the model.
    """

    task: Task
    ranks: Ranks
    pieces: int
    precision: Precision
    device: torch.device

    def __call__(self, batch: Batch) -> Tensor:
        """The loss of the whole batch, over all processes; a scalar without gradients."""
        parts = [batch] if isinstance(self.task, Together) else cut(batch, self.pieces)
        if len(parts) == 1 and not self.ranks.several:
            return self._add(batch, None)
        masses = [self._mass(part) for part in parts]
        whole = self.ranks.total(torch.stack(masses).sum())
        total = torch.zeros_like(whole)
        for part, mass in zip(parts, masses, strict=True):
            total += self._add(part, torch.where(whole > 0, mass / whole, mass))
        return self.ranks.total(total)

    def _add(self, batch: Batch, share: Tensor | None) -> Tensor:
        with mixed_precision(self.precision, self.device.type):
            loss = self.task.loss(batch)
        if share is not None:
            loss = loss * share.to(loss.dtype)
        if loss.requires_grad:
            torch.autograd.backward(loss)
        return loss.detach()

    def _mass(self, batch: Batch) -> Tensor:
        if isinstance(self.task, Weighed):
            return self.task.mass(batch).detach().double()
        return torch.tensor(float(len(batch)), dtype=torch.float64, device=self.device)
