"""Rows of one positive and its negatives: the front door of every loss of the score family."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.losses._numbers import constant, lowest, sum_dtype
from shortlist.losses._weights import mean, shares

__all__ = ["Compared", "compare", "need_number"]


class Compared(NamedTuple):
    """Checked and widened scores; a negative that is left out has score 0, weight 0 and no gradient."""

    positives: Tensor
    """``[B, 1]``."""
    negatives: Tensor
    """``[B, N]``."""
    log_weights: Tensor
    """``[B, N]`` constants, a hugely negative number for a negative that is left out."""
    left_out: Tensor
    """``[B, N]`` bool."""
    shares: Tensor
    """``[B]`` of each row in the mean; 0 for a row without negatives."""

    def weights(self) -> Tensor:
        """How many items each negative stands for ``[B, N]``."""
        return self.log_weights.exp()

    def mean(self, losses: Tensor) -> Tensor:
        """Mean of ``[B]`` losses over the rows."""
        return mean(losses, self.shares)

    def average(self, values: Tensor) -> Tensor:
        """Average of ``[B, N]`` over the negatives, by weight: ``[B]``."""
        return (values * self.log_weights.softmax(1)).sum(1)

    def total(self, values: Tensor) -> Tensor:
        """Sum of ``[B, N]`` over the negatives, by weight: ``[B]``."""
        return (values * self.weights()).sum(1)

    def log_softmax(self) -> Tensor:
        """Log of the softmax over the negatives alone ``[B, N]``, by weight."""
        return (self.negatives + self.log_weights).log_softmax(1)

    def highest(self) -> Tensor:
        """The highest negative of each row ``[B]``."""
        return self.negatives.masked_fill(self.left_out, lowest(self.negatives.dtype)).amax(1)


def compare(  # noqa: PLR0917
    where: str,
    positives: Tensor,
    negatives: Tensor,
    log_weights: Tensor | None,
    exclude: Tensor | None,
    weights: Tensor | None,
) -> Compared:
    """Check the scores of a batch and bring them into one form.

    Raises:
        ArgumentError: shapes do not agree.
    """
    _check(where, positives, negatives, log_weights, exclude)
    dtype = sum_dtype(negatives)
    floor = lowest(dtype)
    given = constant(log_weights, dtype)
    left_out = torch.zeros_like(negatives, dtype=torch.bool) if exclude is None else exclude
    if given is not None:
        left_out = left_out | (given <= floor)
    else:
        given = negatives.new_zeros((), dtype=dtype)
    if negatives.shape[1] == 0:  # one column that is left out, so that a highest score exists
        negatives, left_out = functional.pad(negatives, (0, 1)), left_out.new_ones(len(negatives), 1)
        given = given.new_zeros(())
    some = ~left_out.all(1)
    return Compared(
        positives=positives.to(dtype).unsqueeze(1),
        negatives=negatives.to(dtype).masked_fill(left_out, 0.0),
        log_weights=torch.where(left_out, floor, given),
        left_out=left_out,
        shares=shares(weights, positives.detach().to(dtype), where) * some,
    )


def need_number(where: str, value: float, *, above: float | None = None, least: float | None = None) -> None:
    """Refuse an option that is not a number in its range.

    Raises:
        ArgumentError: it is not.
    """
    if (above is not None and not value > above) or (least is not None and not value >= least):
        sign = f"> {above:g}" if above is not None else f">= {least:g}"
        raise ArgumentError(where, received=value, expected=f"a number {sign}")


def _check(
    where: str, positives: Tensor, negatives: Tensor, log_weights: Tensor | None, exclude: Tensor | None
) -> None:
    if positives.ndim != 1 or negatives.ndim != 2 or len(negatives) != len(positives):
        raise ArgumentError(
            where,
            received=f"positives {tuple(positives.shape)} and negatives {tuple(negatives.shape)}",
            expected="scores [B] and [B, N]",
        )
    shape = tuple(negatives.shape)
    if log_weights is not None and log_weights.shape not in (shape, shape[1:]):
        raise ArgumentError(
            f"{where}.log_weights",
            received=tuple(log_weights.shape),
            expected=f"[N] = {shape[1:]} or [B, N] = {shape}",
        )
    if exclude is not None and (exclude.shape != shape or exclude.dtype != torch.bool):
        raise ArgumentError(
            f"{where}.exclude",
            received=f"{exclude.dtype} {tuple(exclude.shape)}",
            expected=f"torch.bool [B, N] = {shape}",
        )
