"""Gradients of a few rows of a large table: recorded in backward, summed by row, never made dense."""

from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

__all__ = ["RowGradients", "gather", "pool", "sum_rows"]

RowGradients: TypeAlias = list[tuple[Tensor, Tensor]]


def sum_rows(rows: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Sum the values that belong to the same row.

    The sort is stable and each sum runs in the order of the input, so the result does not depend on the
    number of threads.

    Args:
        rows: ``[N]`` int64 row numbers, in any order, with repeats.
        values: ``[N, D]`` one vector per entry of ``rows``.

    Returns:
        The distinct rows ``[R]``, ascending, and their sums ``[R, D]``.

    >>> rows, sums = sum_rows(torch.tensor([7, 2, 7]), torch.tensor([[1.0], [5.0], [2.0]]))
    >>> rows.tolist(), sums.tolist()
    ([2, 7], [[5.0], [3.0]])
    """
    few = rows.device.type == "cpu" and len(rows) > 0 and int(rows.max()) < 2**31
    ordered, order = (rows.int() if few else rows).sort(stable=True)  # half the bytes sort a third sooner
    distinct, counts = torch.unique_consecutive(ordered, return_counts=True)
    starts = counts.cumsum(0) - counts
    return distinct.long(), functional.embedding_bag(order, values, starts, mode="sum")


def gather(weight: Tensor, rows: Tensor, record: RowGradients) -> Tensor:
    """``weight[rows]`` whose backward appends (rows, summed gradient rows) to ``record``.

    Args:
        weight: ``[V, D]``.
        rows: int64 row numbers of any shape.
        record: receives one entry for each backward.

    Returns:
        ``[*rows.shape, D]``.
    """
    return _Gather.apply(weight, rows, record)  # type: ignore[no-any-return, no-untyped-call]


def pool(weight: Tensor, rows: Tensor, offsets: Tensor, record: RowGradients) -> Tensor:
    """Sum of the rows of each list, whose backward appends (rows, summed gradient rows) to ``record``.

    Args:
        weight: ``[V, D]``.
        rows: ``[N]`` int64 row numbers of all lists, one list after another.
        offsets: ``[B + 1]`` where each list starts, and the end of the last.
        record: receives one entry for each backward.

    Returns:
        ``[B, D]``.
    """
    return _Pool.apply(weight, rows, offsets, record)  # type: ignore[no-any-return, no-untyped-call]


class _Gather(Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, rows: Tensor, record: RowGradients) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.record = record
        if weight.device.type != "cpu" or rows.numel() == 0:
            return functional.embedding(rows, weight)
        # Sums of one row each: unlike a plain look-up this asks for the rows ahead.
        found = functional.embedding_bag(rows.reshape(-1, 1), weight, mode="sum")
        return found.view(*rows.shape, weight.shape[1])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, None, None]:
        (rows,) = ctx.saved_tensors
        ctx.record.append(sum_rows(rows.reshape(-1), grads[0].reshape(-1, grads[0].shape[-1])))
        return None, None, None


class _Pool(Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, rows: Tensor, offsets: Tensor, record: RowGradients) -> Tensor:
        ctx.save_for_backward(rows, offsets)
        ctx.record = record
        return functional.embedding_bag(rows, weight, offsets, mode="sum", include_last_offset=True)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, None, None, None]:
        rows, offsets = ctx.saved_tensors
        lists = torch.arange(len(offsets) - 1, device=rows.device).repeat_interleave(offsets.diff())
        ctx.record.append(sum_rows(rows, grads[0][lists]))
        return None, None, None, None
