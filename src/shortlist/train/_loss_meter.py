"""The mean loss of an epoch, kept where the loss is made."""

import math

import torch
from torch import Tensor

from shortlist.errors import ArgumentError

__all__ = ["LossMeter"]

_STEPS_UNREAD = 64


class LossMeter:
    """Adds up losses by rows, and stops a run whose loss is not finite.

    Reading a number from an accelerator waits for all work queued on it. There, the sum stays on the device
    and is read every 64 steps and whenever somebody asks; on a CPU it costs nothing and is read each step.

    Args:
        device: where losses are.
    """

    def __init__(self, device: torch.device) -> None:
        self._every = 1 if device.type == "cpu" else _STEPS_UNREAD
        self._sum = torch.zeros((), dtype=torch.float64, device=device)
        self._unread = 0
        self.rows = 0

    def add(self, loss: Tensor, rows: int, *, epoch: int, step: int) -> None:
        """Add the mean loss of some rows.

        Raises:
            ArgumentError: a loss was not finite.
        """
        self._sum += loss.detach().double() * rows
        self.rows += rows
        self._unread += 1
        if self._unread >= self._every:
            self.total(epoch=epoch, step=step)

    def total(self, *, epoch: int, step: int) -> float:
        """The sum so far.

        Raises:
            ArgumentError: a loss was not finite.
        """
        unread, self._unread = self._unread, 0
        value = self._sum.item()
        if not math.isfinite(value):
            where = f"step {step}" if unread <= 1 else f"steps {step - unread + 1} to {step}"
            raise ArgumentError(
                f"fit: epoch {epoch}, {where}",
                received=f"a loss of {value}",
                expected="a finite loss",
                remedy="lower lr or raise the temperature, and look for extreme values in continuous columns",
            )
        return float(value)

    def load(self, total: float, rows: int) -> None:
        """Go on from a sum and its rows."""
        self._sum.fill_(total)
        self.rows = rows
