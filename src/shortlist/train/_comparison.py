"""What the loss of one batch compares."""

from typing import NamedTuple

from torch import Tensor

from shortlist.losses import sampled_softmax

__all__ = ["Comparison", "softmax"]


class Comparison(NamedTuple):
    """Vectors of a batch and of its negatives, with what a loss needs to know of how they were drawn.

    B rows, M negatives that all rows share, D width.
    """

    queries: Tensor
    """``[B, D]``."""
    positives: Tensor
    """``[B, D]``: vector of each row's item."""
    negatives: Tensor
    """``[M, D]``."""
    log_weights: Tensor
    """``[M]``: log of how many items a negative stands for; minus infinity leaves it out."""
    positive_log_weights: Tensor | None
    """``[B]``: what is added to a positive's score; None is nothing."""
    exclude: tuple[Tensor, Tensor]
    """Row and column numbers of the pairs that are no negatives, ordered by row."""
    weights: Tensor | None
    """``[B]``: weight of each row; None is equal weights."""
    temperature: float | Tensor
    """Divides the scores."""


def softmax(compared: Comparison) -> Tensor:
    """Cross-entropy of the positives against the negatives: a scalar, chunk by chunk."""
    return sampled_softmax(
        compared.queries,
        compared.positives,
        compared.negatives,
        temperature=compared.temperature,
        log_weights=compared.log_weights,
        positive_log_weights=compared.positive_log_weights,
        exclude=compared.exclude,
        weights=compared.weights,
    )
