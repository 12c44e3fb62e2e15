"""One pass over pieces of a matrix of scores: the loss of each row, and the gradients of all vectors."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from shortlist.losses._numbers import lowest, sum_dtype
from shortlist.losses._pairs import Pairs, cut, scores_at_once

__all__ = ["CHUNK_SCORES", "Passed", "Terms", "by_maximum", "nothing"]

CHUNK_SCORES = 2**21  # scores held at a time: at most 8 MB, which a processor's cache can hold


class Terms(NamedTuple):
    """What enters the sums beside the vectors: finite numbers of the sums' type, without gradients."""

    log_weights: Tensor | None
    positive_log_weights: Tensor | None
    exclude: Pairs | None
    shares: Tensor
    with_gradients: bool
    query_of: Tensor | None = None
    """``[B]``: the query of each row; None where each has its own."""
    summed: bool = False
    """Whether plain sums of exponentials will do."""


class Passed(NamedTuple):
    """A scalar, and its gradients by the queries, positives and negatives; zeros where none are wanted."""

    loss: Tensor
    gradients: list[Tensor]


def by_maximum(
    queries: Tensor, positives: Tensor, negatives: Tensor, terms: Terms, dtype: torch.dtype
) -> Passed:
    """For scores of any size: the largest of a row is taken off before the exponentials.

    With n a row's logsumexp over negatives and p its target, its loss is softplus(n - p), whose slope is
    sigmoid(n - p).
    """
    passed, shares = nothing(queries, positives, negatives, terms), terms.shares
    grads, loss = passed.gradients, passed.loss
    columns = negatives.to(dtype)
    size = scores_at_once(queries, CHUNK_SCORES)
    for rows, pairs in cut(len(queries), len(negatives), terms.exclude, size):
        query, positive = queries[rows].to(shares.dtype), positives[rows].to(shares.dtype)
        target = (query * positive).sum(1)
        if terms.positive_log_weights is not None:
            target += terms.positive_log_weights[rows]
        probabilities, log_sum = _softmax(query.to(dtype), columns, terms.log_weights, pairs)
        loss += functional.softplus(log_sum - target) @ shares[rows]
        if terms.with_gradients:
            slope = ((log_sum - target).sigmoid() * shares[rows]).unsqueeze(1)
            probabilities = probabilities.to(dtype)
            grads[0][rows] = slope * (torch.mm(probabilities, columns) - positive)
            grads[1][rows] = -slope * query
            grads[2] += torch.mm(probabilities.T, (slope * query).to(dtype))
    return passed


def nothing(queries: Tensor, positives: Tensor, negatives: Tensor, terms: Terms) -> Passed:
    """What is added to: a loss and gradients of 0."""
    vectors = (queries, positives, negatives)
    return Passed(
        terms.shares.new_zeros(()), [torch.zeros_like(part, dtype=terms.shares.dtype) for part in vectors]
    )


def _softmax(
    queries: Tensor, negatives: Tensor, log_weights: Tensor | None, pairs: Pairs | None
) -> tuple[Tensor, Tensor]:
    """Softmax over the negatives ``[b, M]`` and the log of the sum it divides by ``[b]``."""
    scores = torch.mm(queries, negatives.T)
    scores = scores.to(sum_dtype(queries)) if log_weights is None else torch.add(scores, log_weights)
    if pairs is not None:
        scores[pairs] = lowest(scores.dtype)
    probabilities = scores.softmax(1)
    # The largest probability cannot underflow, so its logarithm is as exact as a second pass over the scores.
    return probabilities, scores.amax(1) - probabilities.amax(1).log()
