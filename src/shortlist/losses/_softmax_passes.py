"""One pass over pieces of a matrix of scores: the loss of each row, and the gradients of all vectors."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from shortlist.losses._numbers import lowest, sum_dtype
from shortlist.losses._pairs import Pairs, cut, scores_at_once

__all__ = ["Passed", "Terms", "by_maximum", "by_sums", "sums_fit"]

_CHUNK_SCORES = 2**21  # scores held at a time: at most 8 MB, which a processor's cache can hold
_LARGEST = 60.0  # sums of so many exponentials stay far from the ends of float32, e^88 and e^-87
_MORE_WIDTH = 8  # columns beside the vectors, of which two are needed: odd widths make slow products


class Terms(NamedTuple):
    """What enters the sums beside the vectors: finite numbers of the sums' type, without gradients."""

    log_weights: Tensor | None
    positive_log_weights: Tensor | None
    exclude: Pairs | None
    shares: Tensor
    with_gradients: bool


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
    passed, shares = _nothing(queries, positives, negatives, terms), terms.shares
    grads, loss = passed.gradients, passed.loss
    columns = negatives.to(dtype)
    size = scores_at_once(queries, _CHUNK_SCORES)
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


def sums_fit(queries: Tensor, negatives: Tensor, terms: Terms, dtype: torch.dtype) -> bool:
    """Whether exponentials of scores and weights stay far within float32 as they are, and `by_sums` is apt.

    Scores are bounded by the product of the longest vectors. Only on a processor: an accelerator would have
    to be waited for.
    """
    if dtype != torch.bfloat16 or queries.device.type != "cpu" or min(len(queries), len(negatives)) == 0:
        return False
    bound = queries.norm(dim=1).max() * negatives.norm(dim=1).max()
    for weights in (terms.log_weights, terms.positive_log_weights):
        if weights is not None and bool((bound + _finite(weights).abs().max()) > _LARGEST):
            return False
    return bool(bound <= _LARGEST)


def by_sums(
    queries: Tensor, positives: Tensor, negatives: Tensor, terms: Terms, dtype: torch.dtype
) -> Passed:
    """For scores that `sums_fit`: each is touched by its product, its exponential and two more products.

    With w the weights, ``Z = sum of w_j e^(s_j)`` and p the target, a row's loss is ``log(1 + Z e^-p)`` and
    its slope by s_j is ``w_j e^(s_j) / (Z + e^p)``. The weights are put on the vectors of the columns, and Z
    is one more column of the product that makes the queries' gradients.
    """
    passed, shares = _nothing(queries, positives, negatives, terms), terms.shares
    wide, own = queries.to(shares.dtype), positives.to(shares.dtype)
    target = (wide * own).sum(1)
    if terms.positive_log_weights is not None:
        target = target + terms.positive_log_weights
    weights = shares.new_ones(len(negatives)) if terms.log_weights is None else terms.log_weights.exp()
    narrow, columns, weighed = queries.to(dtype), negatives.to(dtype).T, _weighed(negatives, weights, dtype)
    of_target, width = target.exp(), queries.shape[1]
    sums = shares.new_empty(len(queries), weighed.shape[1])
    for rows, pairs in cut(len(queries), len(negatives), terms.exclude, _CHUNK_SCORES):
        scores = torch.mm(narrow[rows], columns).exp_()
        if pairs is not None:
            scores[pairs] = 0.0
        part = sums[rows].copy_(torch.mm(scores, weighed))
        if terms.with_gradients:
            share = shares[rows] / (part[:, width] + part[:, width + 1] + of_target[rows])
            passed.gradients[2].add_(torch.mm(scores.T, (share.unsqueeze(1) * wide[rows]).to(dtype)))
    total = sums[:, width] + sums[:, width + 1]
    passed.loss.add_((total / of_target).log1p() @ shares)
    if terms.with_gradients:
        share = (shares / (total + of_target)).unsqueeze(1)
        slope = share * total.unsqueeze(1)
        torch.sub(share * sums[:, :width], slope * own, out=passed.gradients[0])
        torch.mul(wide, -slope, out=passed.gradients[1])
        passed.gradients[2].mul_(weights.unsqueeze(1))
    return passed


def _nothing(queries: Tensor, positives: Tensor, negatives: Tensor, terms: Terms) -> Passed:
    vectors = (queries, positives, negatives)
    return Passed(
        terms.shares.new_zeros(()), [torch.zeros_like(part, dtype=terms.shares.dtype) for part in vectors]
    )


def _weighed(negatives: Tensor, weights: Tensor, dtype: torch.dtype) -> Tensor:
    """``w_j`` times column j, beside it ``w_j``, and beside that what rounding took from it."""
    width = negatives.shape[1]
    weighed = torch.zeros(len(negatives), width + _MORE_WIDTH, dtype=dtype)
    torch.mul(negatives, weights.unsqueeze(1), out=weighed[:, :width])
    weighed[:, width] = weights
    weighed[:, width + 1] = weights - weighed[:, width]
    return weighed


def _finite(weights: Tensor) -> Tensor:
    """Weights with 0 where they leave a column out."""
    return torch.where(weights > lowest(weights.dtype), weights, 0.0)


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
