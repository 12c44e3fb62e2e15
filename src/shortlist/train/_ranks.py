"""Several processes that train one model together, each on its share of every batch."""

import atexit
import os
from itertools import accumulate
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd import Function

from shortlist.nn import sum_rows

__all__ = ["Ranks"]


class Ranks:
    """The processes of a run, or this one alone.

    Sums run over the processes in the order of their ranks, so the same run gives the same numbers. Every
    method must be called by all processes alike.

    Attributes:
        rank: number of this process, from 0.
        world: number of processes.

    >>> alone = Ranks()
    >>> alone.several, alone.total(torch.tensor([2.0])).tolist()
    (False, [2.0])
    """

    def __init__(self, rank: int = 0, world: int = 1) -> None:
        self.rank, self.world = rank, world

    @classmethod
    def here(cls, device: torch.device) -> "Ranks":
        """The processes that ``torchrun`` started, or those of the process group that is open already.

        A group that this opens is closed when the process ends: NCCL for CUDA devices, else gloo.
        """
        if not dist.is_available():
            return cls()
        if not dist.is_initialized() and int(os.environ.get("WORLD_SIZE", "1")) > 1:
            if device.type == "cuda":
                torch.cuda.set_device(device)
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
            atexit.register(_close)
        return cls(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else cls()

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.world > 1

    @property
    def first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def total(self, values: Tensor) -> Tensor:
        """Sum over the processes, without gradients."""
        if not self.several:
            return values
        summed = values.detach().clone()
        dist.all_reduce(summed)
        return summed

    def agreed(self, value: Any) -> Any:
        """What the first process has: plain data."""
        if not self.several:
            return value
        held = [value]
        dist.broadcast_object_list(held)
        return held[0]

    def wait(self) -> None:
        """Until all processes are here."""
        if self.several:
            dist.barrier()

    def same(self, tensors: dict[str, Tensor]) -> None:
        """Fill the tensors of every process, in place, with those of the first."""
        if self.several:
            for value in tensors.values():
                dist.broadcast(value, 0)

    def edges(self, rows: int, device: torch.device) -> list[int]:
        """Where each process's part begins, their rows one after another, and the end of the last."""
        lengths = self._lengths(rows, device) if self.several else [rows]
        return [0, *accumulate(lengths)]

    def gather(self, values: Tensor) -> Tensor:
        """Rows ``[n, ...]`` of all processes, one after another; each may have another number of them.

        Gradients flow back to the process that a row came from, summed over the processes that used it.
        """
        if not self.several:
            return values
        lengths = self._lengths(len(values), values.device)
        longest = max(lengths)
        padding = values.new_zeros(longest - len(values), *values.shape[1:])
        parts = _Gather.apply(torch.cat([values, padding]), self.world)  # type: ignore[no-untyped-call]
        return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])

    def sum_rows(self, rows: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        """Rows ``[R]`` and gradients ``[R, D]`` of all processes, summed by row in the order of the ranks."""
        return sum_rows(self.gather(rows), self.gather(sums))

    @torch.no_grad()
    def sum_gradients(self, parameters: list[nn.Parameter]) -> None:
        """Sum ``grad`` over the processes, in one exchange; one that no process has stays None."""
        if not self.several or len(parameters) == 0:
            return
        had = torch.tensor([float(one.grad is not None) for one in parameters], device=parameters[0].device)
        parts = [torch.zeros_like(one) if one.grad is None else one.grad for one in parameters]
        whole = torch.cat([had, *(part.reshape(-1).to(had.dtype) for part in parts)])
        dist.all_reduce(whole)
        anyone = whole[: len(parameters)].tolist()
        pieces = torch.split(whole[len(parameters) :], [one.numel() for one in parameters])
        for parameter, piece, count in zip(parameters, pieces, anyone, strict=True):
            parameter.grad = piece.view_as(parameter).to(parameter.dtype) if count > 0 else None

    def _lengths(self, length: int, device: torch.device) -> list[int]:
        found = [torch.zeros(1, dtype=torch.int64, device=device) for _ in range(self.world)]
        dist.all_gather(found, torch.tensor([length], device=device))
        return [int(one) for one in found]


def _close() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


class _Gather(Function):
    """all_gather whose backward gives each process the sum of the gradients of its own part."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, world: int) -> tuple[Tensor, ...]:
        ctx.world = world
        parts = [torch.empty_like(values) for _ in range(world)]
        dist.all_gather(parts, values.contiguous())
        return tuple(parts)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        # Gathered and added in the order of the ranks: a sum in another order has other last digits.
        sent = torch.stack([grad.contiguous() for grad in grads])
        received = [torch.empty_like(sent) for _ in range(ctx.world)]
        dist.all_gather(received, sent)
        own = dist.get_rank()
        return torch.stack([part[own] for part in received]).sum(0), None
