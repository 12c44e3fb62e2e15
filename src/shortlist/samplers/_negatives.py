"""The negatives of one batch."""

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Negatives"]


class Negatives(NamedTuple):
    """The items of one batch, with what a loss needs to know of how they were drawn.

    Encode ``codes``: the vectors are the negatives, and ``vectors[positives]`` the positives. The codes are
    the distinct items of the batch and its draws, filled up to a multiple of 128 with repeats of the first,
    since processors compile a matrix product anew for every shape. An item that was not drawn, but only
    fills up or is only a positive, has count 0 and is nobody's negative.
    """

    codes: Tensor
    """``[M]`` item codes to encode, one for each column."""
    positives: Tensor
    """``[B]`` the column of each row's positive."""
    counts: Tensor
    """``[M]`` float32: how many times each column's item was drawn, 0 or more."""
    log_q: Tensor
    """``[M]`` float32: log of the probability that one draw gives this column's item."""
    positive_log_q: Tensor
    """``[B]`` float32: the same for each row's positive."""
    exclude: tuple[Tensor, Tensor]
    """Row and column numbers of the pairs that are no negatives, ordered by row, each once. Pairs with
    a column that nobody has as a negative (count 0) may be missing."""
    queued: Tensor | None = None
    """``[M]`` bool: the column is a negative only because a queue remembers it; None is for none."""

    def log_weights(
        self, *, log_q: bool = True, correct_positive: bool = True
    ) -> tuple[Tensor, Tensor | None]:
        """What a softmax adds to the scores of the negatives and of the positives.

        A negative drawn c times out of T with probability q a draw stands for ``c / (T q)`` items; one that
        was not drawn gets minus infinity.

        Args:
            log_q: correct for unequal probabilities; without it, a negative counts c times.
            correct_positive: treat the positive as one draw too (Yi et al. 2019); without it, its score
                stays exact and the sum estimates the one over the whole catalogue.

        Returns:
            ``[M]`` float32 for the negatives, and ``[B]`` or None for the positives.

        >>> none, half = torch.empty(0, dtype=torch.int64), torch.tensor([0.5]).log()
        >>> negatives = Negatives(torch.tensor([7]), none, torch.tensor([3.0]), half, half[:0], (none, none))
        >>> weights, _ = negatives.log_weights()
        >>> round(weights.exp().item(), 6)
        2.0
        """
        if not log_q:
            return self.counts.log(), None
        log_draws = self.counts.sum().clamp(min=1.0).log()
        positive = -self.positive_log_q - log_draws if correct_positive else None
        return self.counts.log() - self.log_q - log_draws, positive

    def rows(self) -> Tensor:
        """A row of the batch that holds each column's item, so that its features need not be looked up.

        Returns:
            ``[M]`` int64; -1 for an item that was drawn and is not in the batch.
        """
        rows = torch.full_like(self.codes, -1)
        rows[self.positives] = torch.arange(len(self.positives), device=rows.device)
        filling = self.codes == self.codes[:1]
        return torch.where(filling, rows[:1], rows)

    def to(self, device: torch.device | str) -> "Negatives":
        """The same on another device."""
        return Negatives(
            codes=self.codes.to(device),
            positives=self.positives.to(device),
            counts=self.counts.to(device),
            log_q=self.log_q.to(device),
            positive_log_q=self.positive_log_q.to(device),
            exclude=(self.exclude[0].to(device), self.exclude[1].to(device)),
            queued=None if self.queued is None else self.queued.to(device),
        )
