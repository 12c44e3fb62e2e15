"""Row weights as shares."""

from torch import Tensor

from shortlist.errors import ArgumentError

__all__ = ["shares"]


def shares(weights: Tensor | None, like: Tensor, where: str) -> Tensor:
    """Weights ``[B]`` divided by their sum; equal shares where there are none, zeros where all are zero."""
    if weights is None:
        return like.new_full(like.shape, 1.0 / max(len(like), 1))
    if weights.shape != like.shape:
        raise ArgumentError(
            f"{where}.weights", received=tuple(weights.shape), expected=f"[B] = {tuple(like.shape)}"
        )
    total = weights.sum().to(like.dtype)
    return weights.to(like.dtype) / total.where(total > 0, 1.0)
