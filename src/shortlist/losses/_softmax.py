"""Softmax of one positive against many shared negatives, in one pass, without the matrix of scores.

Scores are made for some rows at a time, and their gradients with them in the forward pass, so memory does
not grow with B x M; sums are kept in float32 at least.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.losses._numbers import constant, lowest, product_dtype, sum_dtype
from shortlist.losses._pairs import Pairs, by_first, check_pairs, cut, scores_at_once
from shortlist.losses._weights import shares

__all__ = ["sampled_softmax"]

_CHUNK_SCORES = 2**21  # scores held at a time: at most 8 MB in float32, which a processor's cache can hold


def sampled_softmax(
    queries: Tensor,
    positives: Tensor,
    negatives: Tensor,
    *,
    temperature: float | Tensor = 1.0,
    log_weights: Tensor | None = None,
    positive_log_weights: Tensor | None = None,
    exclude: Pairs | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """Cross-entropy of each query's positive against the negatives, which all queries share.

    With s the inner product over the temperature, the loss is the weighted mean over rows i of::

        p_i  = s(query_i, positive_i) + positive_log_weights_i
        n_ij = s(query_i, negative_j) + log_weights_j
        loss_i = -log(exp(p_i) / (exp(p_i) + sum over j not excluded of exp(n_ij)))

    A weight says how many items a negative stands for: c / (T q) if it was drawn c times in T draws of
    probability q. With these weights the sum estimates the one over the whole catalogue (Bengio, Senecal,
    2003); with 1 / (T q) for the positive as well, this is the logQ-corrected softmax (Yi et al., RecSys
    2019). Under ``torch.autocast`` matrices are multiplied in its precision.

    Args:
        queries: ``[B, D]``.
        positives: ``[B, D]``, row i belonging to query i.
        negatives: ``[M, D]``.
        temperature: divides the inner products, > 0; a tensor is trained with the rest.
        log_weights: ``[M]`` log of the weight of each negative; minus infinity leaves it out; None is 0.
        positive_log_weights: ``[B]`` the same of each positive; None is 0.
        exclude: row numbers and column numbers ``[E]`` of the pairs left out of the sum; repeats are allowed.
        weights: ``[B]`` weight of each row, >= 0; None is equal weights.

    Returns:
        A scalar; 0 for an empty batch, for weights that are all zero, and without negatives.

    Raises:
        ArgumentError: shapes do not agree, a pair does not exist, or ``temperature`` is not positive.

    >>> import math
    >>> query = torch.tensor([[1.0, 0.0]])
    >>> loss = sampled_softmax(query, query, torch.tensor([[0.0, 1.0]]), temperature=0.5)
    >>> math.isclose(loss.item(), math.log(1 + math.exp(-2.0)), rel_tol=1e-6)
    True
    """
    _check_vectors(queries, positives, negatives, temperature)
    _check_length("log_weights", log_weights, len(negatives))
    _check_length("positive_log_weights", positive_log_weights, len(queries))
    check_pairs("sampled_softmax", exclude, len(queries), len(negatives))
    dtype = sum_dtype(queries)
    terms = _Terms(
        log_weights=constant(log_weights, dtype),
        positive_log_weights=constant(positive_log_weights, dtype),
        exclude=by_first(exclude),
        shares=shares(weights, queries[:, 0].detach().to(dtype), "sampled_softmax"),
        with_gradients=torch.is_grad_enabled(),
    )
    return _SampledSoftmax.apply(queries / temperature, positives, negatives, terms)  # type: ignore[no-any-return, no-untyped-call]


class _Terms(NamedTuple):
    log_weights: Tensor | None
    positive_log_weights: Tensor | None
    exclude: Pairs | None
    shares: Tensor
    with_gradients: bool


class _SampledSoftmax(Function):
    """With n a row's logsumexp over negatives, its loss is softplus(n - p), whose slope is sigmoid(n - p)."""

    @staticmethod
    def forward(ctx: Any, queries: Tensor, positives: Tensor, negatives: Tensor, terms: _Terms) -> Tensor:
        shares = terms.shares
        dtype = product_dtype(queries)
        vectors = (queries, positives, negatives)
        grads = [torch.zeros_like(part, dtype=shares.dtype) for part in vectors]
        loss = shares.new_zeros(())
        with torch.autocast(queries.device.type, enabled=False):
            columns = negatives.to(dtype)
            for rows, pairs in _cuts(queries, negatives, terms.exclude):
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
        ctx.save_for_backward(*(grad.to(part.dtype) for grad, part in zip(grads, vectors, strict=True)))
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        queries, positives, negatives = (grads[0] * grad for grad in ctx.saved_tensors)
        return queries, positives, negatives, None


def _cuts(queries: Tensor, negatives: Tensor, exclude: Pairs | None) -> list[tuple[slice, Pairs | None]]:
    return cut(len(queries), len(negatives), exclude, scores_at_once(queries, _CHUNK_SCORES))


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


def _check_vectors(
    queries: Tensor, positives: Tensor, negatives: Tensor, temperature: float | Tensor
) -> None:
    shapes = [tuple(part.shape) for part in (queries, positives, negatives)]
    if queries.ndim != 2 or shapes[1] != shapes[0] or negatives.ndim != 2 or shapes[2][1] != shapes[0][1]:
        raise ArgumentError(
            "sampled_softmax",
            received=f"queries {shapes[0]}, positives {shapes[1]}, negatives {shapes[2]}",
            expected="[B, D], [B, D] and [M, D]",
        )
    if not isinstance(temperature, Tensor) and not temperature > 0.0:
        raise ArgumentError("sampled_softmax.temperature", received=temperature, expected="a number > 0")


def _check_length(name: str, value: Tensor | None, length: int) -> None:
    if value is not None and value.shape != (length,):
        raise ArgumentError(f"sampled_softmax.{name}", received=tuple(value.shape), expected=f"({length},)")
