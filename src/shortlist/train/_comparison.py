"""What the loss of one batch compares, and the losses that compare it."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from shortlist.losses import SharedQueries, full_softmax, sampled_softmax
from shortlist.train._own_negatives import Own

__all__ = ["Comparison", "ScoreLoss", "of_scores", "over_all", "softmax"]

# Vectors are lengthened by as many numbers, of which one is needed: odd widths make slow products.
_MORE_WIDTH = 8


class Comparison(NamedTuple):
    """Vectors of a batch and of its negatives, with what a loss needs to know of how they were drawn.

    B rows, M columns that all rows share, H negatives of each row alone, D width.
    """

    queries: Tensor
    """``[B, D]``."""
    columns: Tensor
    """``[M, D]``: vectors of the columns."""
    positives: Tensor
    """``[B]`` int64: the column of each row's item."""
    log_weights: Tensor
    """``[M]``: log of how many items a negative stands for; minus infinity leaves it out."""
    positive_log_weights: Tensor | None
    """``[B]``: what is added to a positive's score; None is nothing."""
    exclude: tuple[Tensor, Tensor]
    """Row and column numbers of the pairs that are no negatives, ordered by row."""
    own: Own | None
    """Negatives of single rows; None for none."""
    weights: Tensor | None
    """``[B]``: weight of each row; None is equal weights."""
    temperature: float | Tensor
    """Divides the scores."""
    shared: SharedQueries | None = None
    """The queries, where several rows have the same; None where each row has its own."""

    def positive_scores(self) -> Tensor:
        """``[B]`` float32: inner products with the positives over the temperature."""
        positives = self.columns[self.positives].float()
        return (self.queries.float() * positives).sum(1) / self.temperature

    def own_scores(self) -> Tensor:
        """``[B, H]`` float32: inner products with the rows' own negatives over the temperature."""
        assert self.own is not None
        with torch.autocast(self.queries.device.type, enabled=False):
            scores = torch.bmm(self.own.vectors.float(), self.queries.float().unsqueeze(2)).squeeze(2)
        return scores / self.temperature


class ScoreLoss(Protocol):
    """For type-checking only: a loss of scores, as those of `shortlist.losses` with their options bound."""

    def __call__(
        self,
        positives: Tensor,
        negatives: Tensor,
        *,
        log_weights: Tensor | None = None,
        exclude: Tensor | None = None,
        weights: Tensor | None = None,
    ) -> Tensor:
        """A scalar of scores ``[B]`` and ``[B, N]``."""


def softmax(compared: Comparison) -> Tensor:
    """Cross-entropy of the positives against the negatives: a scalar, without a matrix of scores.

    A row's own negatives enter by an identity. With p the positive's score and h the logsumexp over the
    own ones, ``log(e^p + e^h + e^n) - p = [log(e^t + e^n) - t] + (t - p)`` with ``t = log(e^p + e^h)``: the
    first part is the loss over the shared negatives of a row whose positive scores t.
    """
    options = {
        "log_weights": compared.log_weights,
        "exclude": compared.exclude,
        "weights": compared.weights,
    }
    if compared.own is None:
        return sampled_softmax(
            compared.queries if compared.shared is None else compared.shared,
            compared.columns.index_select(0, compared.positives),
            compared.columns,
            temperature=compared.temperature,
            positive_log_weights=compared.positive_log_weights,
            **options,  # type: ignore[arg-type]
        )
    positive = compared.positive_scores()
    if compared.positive_log_weights is not None:
        positive = positive + compared.positive_log_weights
    # Minus infinity throughout a row would have no gradient; this weighs as little.
    lowest = torch.finfo(positive.dtype).min / 4
    own = (compared.own_scores() + compared.own.log_weights.clamp(min=lowest)).logsumexp(1)
    target = torch.logaddexp(positive, own)
    queries = compared.queries / compared.temperature
    one = torch.zeros(len(queries), _MORE_WIDTH, device=queries.device)
    one[:, 0] = 1.0
    shared = sampled_softmax(
        torch.cat([queries, one.to(queries)], 1),
        torch.cat([torch.zeros_like(queries, dtype=target.dtype), one * target.unsqueeze(1)], 1),
        torch.cat([compared.columns, compared.columns.new_zeros(len(compared.columns), _MORE_WIDTH)], 1),
        **options,  # type: ignore[arg-type]
    )
    return shared + _mean(target - positive, compared.weights)


def over_all(compared: Comparison, label_smoothing: float) -> Tensor:
    """Cross-entropy of the positives against every column: a scalar, without a matrix of scores."""
    return full_softmax(
        compared.queries,
        compared.positives,
        compared.columns,
        temperature=compared.temperature,
        log_weights=compared.log_weights,
        exclude=compared.exclude,
        weights=compared.weights,
        label_smoothing=label_smoothing,
    )


def of_scores(compared: Comparison, loss: ScoreLoss) -> Tensor:
    """A loss of the scores of the positives and of all negatives of each row: a scalar."""
    kept = compared.log_weights > -torch.inf
    negatives = torch.mm(compared.queries, compared.columns[kept].T).float() / compared.temperature
    log_weights, exclude = compared.log_weights[kept], _dense(compared, kept)
    if compared.own is not None:
        negatives = torch.cat([negatives, compared.own_scores()], 1)
        own = compared.own.log_weights
        log_weights = torch.cat([log_weights.expand(len(own), -1), own], 1)
        exclude = torch.cat([exclude, own == -torch.inf], 1)
    return loss(
        compared.positive_scores(),
        negatives,
        log_weights=log_weights,
        exclude=exclude,
        weights=compared.weights,
    )


def _dense(compared: Comparison, kept: Tensor) -> Tensor:
    """Bool ``[B, N]`` of the pairs left out, over the columns that are kept."""
    rows, columns = compared.exclude
    there = kept[columns]
    place = kept.cumsum(0) - 1
    exclude = kept.new_zeros(len(compared.queries), int(kept.sum()))
    exclude[rows[there], place[columns[there]]] = True
    return exclude


def _mean(values: Tensor, weights: Tensor | None) -> Tensor:
    if weights is None:
        return values.sum() / max(len(values), 1)
    mass = weights.to(values).sum().clamp(min=torch.finfo(values.dtype).tiny)
    return (values * weights.to(values)).sum() / mass
