"""Columns side by side, in the type that the layer above reads."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from shortlist.nn._precision import lowered, records

__all__ = ["side_by_side"]


def side_by_side(parts: Sequence[Tensor]) -> Tensor:
    """``lowered(torch.cat(parts, 1))`` of float32 parts ``[B, W]``, in one pass over them.

    >>> side_by_side([torch.ones(2, 1), torch.zeros(2, 2)]).tolist()
    [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    kind = lowered(parts[0][:0]).dtype
    if kind == parts[0].dtype or not records(*parts):
        return lowered(torch.cat(list(parts), 1))
    out: Tensor = _SideBySide.apply(kind, *parts)  # type: ignore[no-untyped-call]
    return out


class _SideBySide(Function):
    @staticmethod
    def forward(ctx: Any, kind: torch.dtype, *parts: Tensor) -> Tensor:
        ctx.widths, ctx.types = [part.shape[1] for part in parts], [part.dtype for part in parts]
        out = parts[0].new_empty(len(parts[0]), sum(ctx.widths), dtype=kind)
        for place, part in zip(torch.split(out, ctx.widths, 1), parts, strict=True):
            place.copy_(part)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        places = zip(torch.split(grads[0], ctx.widths, 1), ctx.types, ctx.needs_input_grad[1:], strict=True)
        return (None, *(part.to(kind) if needed else None for part, kind, needed in places))
