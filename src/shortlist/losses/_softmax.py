"""Softmax of one positive against many shared negatives, in one pass, without the matrix of scores.

Scores are made for some rows at a time, and their gradients with them in the forward pass, so memory does
not grow with B x M; sums are kept in float32 at least.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from shortlist.errors import ArgumentError
from shortlist.losses._numbers import constant, product_dtype, sum_dtype
from shortlist.losses._pairs import Pairs, by_first, check_pairs
from shortlist.losses._query_rows import SharedQueries
from shortlist.losses._softmax_passes import Terms, by_maximum
from shortlist.losses._softmax_sums import by_sums, sums_fit
from shortlist.losses._weights import shares

__all__ = ["sampled_softmax"]


def sampled_softmax(
    queries: Tensor | SharedQueries,
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
        queries: ``[B, D]``; or `SharedQueries`, where rows share queries, whose scores are then made once.
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
    vectors, query_of = queries if isinstance(queries, SharedQueries) else (queries, None)
    _check_vectors(vectors, positives, negatives, query_of)
    _check_options(temperature, (log_weights, len(negatives)), (positive_log_weights, len(positives)))
    check_pairs("sampled_softmax", exclude, len(positives), len(negatives))
    dtype = sum_dtype(vectors)
    terms = Terms(
        constant(log_weights, dtype),
        constant(positive_log_weights, dtype),
        by_first(exclude),
        shares(weights, positives[:, 0].detach().to(dtype), "sampled_softmax"),
        torch.is_grad_enabled(),
    )
    return _loss(vectors / temperature, positives, negatives, terms, query_of)


def _loss(
    queries: Tensor, positives: Tensor, negatives: Tensor, terms: Terms, query_of: Tensor | None
) -> Tensor:
    fits = sums_fit(queries.detach(), negatives.detach(), terms, product_dtype(queries))
    terms = terms._replace(query_of=query_of, summed=fits)
    if query_of is not None and not fits:
        # Where a row's largest score is taken off, rows do not share their exponentials.
        queries, terms = queries.index_select(0, query_of), terms._replace(query_of=None)
    return _SampledSoftmax.apply(queries, positives, negatives, terms)  # type: ignore[no-any-return, no-untyped-call]


class _SampledSoftmax(Function):
    @staticmethod
    def forward(ctx: Any, queries: Tensor, positives: Tensor, negatives: Tensor, terms: Terms) -> Tensor:
        dtype = product_dtype(queries)
        vectors = (queries, positives, negatives)
        with torch.autocast(queries.device.type, enabled=False):
            passed = (by_sums if terms.summed else by_maximum)(*vectors, terms, dtype)
        grads = [grad.to(part.dtype) for grad, part in zip(passed.gradients, vectors, strict=True)]
        ctx.save_for_backward(*grads)
        return passed.loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        queries, positives, negatives = (grads[0] * grad for grad in ctx.saved_tensors)
        return queries, positives, negatives, None


def _check_vectors(queries: Tensor, positives: Tensor, negatives: Tensor, query_of: Tensor | None) -> None:
    shapes = [tuple(part.shape) for part in (queries, positives, negatives)]
    rows = queries.shape[:1] if query_of is None else query_of.shape
    if len(shapes[0]) != 2 or shapes[1] != (*rows, shapes[0][1]) or shapes[2][1:] != shapes[0][1:]:
        raise ArgumentError(
            "sampled_softmax",
            received=f"queries {shapes[0]}, positives {shapes[1]}, negatives {shapes[2]}",
            expected="[B, D], [B, D] and [M, D]",
        )
    # An accelerator checks its own indices; asking for their range here would wait for it.
    known = query_of is not None and not query_of.is_cuda and len(query_of) > 0
    if query_of is not None and known and not 0 <= int(query_of.min()) <= int(query_of.max()) < len(queries):
        raise ArgumentError(
            "sampled_softmax.queries.of",
            received=f"numbers from {int(query_of.min())} to {int(query_of.max())}",
            expected=f"numbers from 0 to {len(queries) - 1}",
        )


def _check_options(
    temperature: float | Tensor,
    log_weights: tuple[Tensor | None, int],
    positive_log_weights: tuple[Tensor | None, int],
) -> None:
    if not isinstance(temperature, Tensor) and not temperature > 0.0:
        raise ArgumentError("sampled_softmax.temperature", received=temperature, expected="a number > 0")
    for name, (given, length) in (
        ("log_weights", log_weights),
        ("positive_log_weights", positive_log_weights),
    ):
        if given is not None and given.shape != (length,):
            raise ArgumentError(
                f"sampled_softmax.{name}", received=tuple(given.shape), expected=f"({length},)"
            )
