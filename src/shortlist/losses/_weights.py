"""Row weights as shares, and the mean that they make."""

from torch import Tensor

from shortlist.errors import ArgumentError

__all__ = ["mean", "shares"]


def mean(losses: Tensor, shares: Tensor) -> Tensor:
    """Sum of ``[B]`` losses times their shares; ``torch.autocast`` would make a product of vectors coarse."""
    return (losses * shares).sum()


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
