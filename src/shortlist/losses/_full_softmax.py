"""Softmax over a whole catalogue, in two passes over pieces of it, without the matrix of scores.

The first pass sums, the second makes the scores again and their gradients with them, so that memory does
not grow with B x V, and each item's gradient is written once.
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
from shortlist.losses._weights import mean, shares

__all__ = ["full_softmax"]

_CHUNK_SCORES = 2**21  # scores held at a time: at most 8 MB in float32, which a processor's cache can hold
_LEAST_COLUMNS = 128  # fewer make a slow matrix product


def full_softmax(
    queries: Tensor,
    positives: Tensor,
    items: Tensor,
    *,
    temperature: float | Tensor = 1.0,
    log_weights: Tensor | None = None,
    exclude: Pairs | None = None,
    weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of each query's positive against every item of the catalogue.

    With s_ij the inner product over the temperature, y_i the positive, and the sum over y_i itself and all
    other items j that are not excluded, w_j items each, the loss is the weighted mean over rows i of::

        -log(exp(s_i,y_i) / (exp(s_i,y_i) + sum_j w_j exp(s_ij)))

    With smoothing e, ``(1 - e) s_i,y_i + e mean_j s_ij`` takes the place of the first ``s_i,y_i``, the mean
    being over the positive and the w_j others. It is what ``sampled_softmax`` estimates, at B x V x D
    multiplications four times over. Under ``torch.autocast`` matrices are multiplied in its precision.

    Args:
        queries: ``[B, D]``.
        positives: ``[B]`` int64: the row of ``items`` that is each query's positive.
        items: ``[V, D]``: the whole catalogue; gradients reach every row.
        temperature: divides the inner products, > 0; a tensor is trained with the rest.
        log_weights: ``[V]`` log of each item's weight among the others, as for codes that are no items,
            which minus infinity leaves out; None is 0.
        exclude: query numbers and item numbers ``[E]`` of pairs left out, such as what each row's user is
            known to have taken; repeats are allowed, and a row's own positive stays.
        weights: ``[B]`` weight of each row, >= 0; None is equal weights.
        label_smoothing: e in [0, 1]: the share of the target that is spread over all candidates alike.

    Returns:
        A scalar; 0 for an empty batch and for weights that are all zero.

    Raises:
        ArgumentError: shapes do not agree, a number is out of range, or an option is.

    >>> import math
    >>> loss = full_softmax(torch.tensor([[2.0]]), torch.tensor([1]), torch.tensor([[0.5], [1.0], [0.0]]))
    >>> by_hand = -2 + math.log(math.exp(1) + math.exp(2) + math.exp(0))
    >>> math.isclose(loss.item(), by_hand, rel_tol=1e-6)
    True
    """
    _check(queries, positives, items, temperature)
    _check_options(log_weights, label_smoothing, len(items))
    check_pairs("full_softmax", exclude, len(queries), len(items))
    dtype = sum_dtype(queries)
    terms = _Terms(
        positives=positives,
        log_weights=constant(log_weights, dtype),
        others=_not_others(positives, exclude),
        shares=shares(weights, queries[:, 0].detach().to(dtype), "full_softmax"),
        with_gradients=torch.is_grad_enabled(),
    )
    queries = queries / temperature
    loss: Tensor = _FullSoftmax.apply(queries, items, terms)  # type: ignore[no-untyped-call]
    return loss + label_smoothing * _above_mean(queries, items, terms) if label_smoothing else loss


class _Terms(NamedTuple):
    positives: Tensor
    log_weights: Tensor | None
    others: Pairs
    """Item and query numbers of the pairs that are not in the sum over others, ordered by item."""
    shares: Tensor
    with_gradients: bool


class _FullSoftmax(Function):
    """With n a row's logsumexp over others, its loss is softplus(n - p), whose slope is sigmoid(n - p)."""

    @staticmethod
    def forward(ctx: Any, queries: Tensor, items: Tensor, terms: _Terms) -> Tensor:
        dtype = product_dtype(queries)
        with torch.autocast(queries.device.type, enabled=False):
            own = items[terms.positives].to(terms.shares.dtype)
            target = (queries.to(terms.shares.dtype) * own).sum(1)
            pieces = _Pieces(queries.to(dtype), items.to(dtype), terms)
            log_sum = pieces.log_sum()
            if terms.with_gradients:
                slope = ((log_sum - target).sigmoid() * terms.shares).unsqueeze(1)
                query_grads, item_grads = pieces.gradients(log_sum, slope)
                query_grads -= slope * own
                item_grads.index_add_(0, terms.positives, -slope * queries.to(slope.dtype))
                ctx.save_for_backward(query_grads.to(queries.dtype), item_grads.to(items.dtype))
        return mean(functional.softplus(log_sum - target), terms.shares)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        queries, items = (grads[0] * grad for grad in ctx.saved_tensors)
        return queries, items, None


class _Pieces:
    """The matrix of scores by pieces of the catalogue, made as often as asked for."""

    def __init__(self, queries: Tensor, items: Tensor, terms: _Terms) -> None:
        self._queries, self._items, self._terms = queries, items, terms
        scores = scores_at_once(queries, _CHUNK_SCORES)
        self._cuts = cut(len(items), len(queries), terms.others, scores, least=_LEAST_COLUMNS)

    def log_sum(self) -> Tensor:
        """Log of each row's sum over the others ``[B]``."""
        like = self._terms.shares
        total = torch.full_like(like, lowest(like.dtype))
        for columns, pairs in self._cuts:
            total = torch.logaddexp(total, self._scores(columns, pairs).logsumexp(1))
        return total

    def gradients(self, log_sum: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """Of the sums times their slopes, with respect to queries and items."""
        query_grads = torch.zeros_like(self._queries, dtype=slope.dtype)
        item_grads = torch.zeros_like(self._items, dtype=slope.dtype)
        sloped = (slope * self._queries).to(self._queries.dtype)
        for columns, pairs in self._cuts:
            scores = self._scores(columns, pairs)
            probabilities = scores.sub_(log_sum.unsqueeze(1)).exp_().to(self._items.dtype)
            query_grads += torch.mm(probabilities, self._items[columns])
            item_grads[columns] = torch.mm(probabilities.T, sloped).to(slope.dtype)
        return query_grads.mul_(slope), item_grads

    def _scores(self, columns: slice, pairs: Pairs | None) -> Tensor:
        terms = self._terms
        scores = torch.mm(self._queries, self._items[columns].T).to(terms.shares.dtype)
        if terms.log_weights is not None:
            scores += terms.log_weights[columns]
        if pairs is not None:
            scores[pairs[1], pairs[0]] = lowest(scores.dtype)
        return scores


def _above_mean(queries: Tensor, items: Tensor, terms: _Terms) -> Tensor:
    """By how much the positives' scores exceed the mean over their candidates, which is linear in both."""
    dtype = terms.shares.dtype
    queries, table = queries.to(dtype), items.to(dtype)
    weights = table.new_ones(len(table)) if terms.log_weights is None else terms.log_weights.exp()
    columns, rows = torch.unique(torch.stack(terms.others), dim=1)
    left_out = weights[columns]
    scores = (queries[rows] * table[columns]).sum(1) * left_out
    with torch.autocast(queries.device.type, enabled=False):
        total = torch.mv(queries, torch.mv(table.T, weights)).index_add(0, rows, -scores)
    count = weights.sum().expand(len(queries)).index_add(0, rows, -left_out)
    positive = (queries * table[terms.positives]).sum(1)
    return mean(positive - (positive + total) / (1 + count), terms.shares)


def _not_others(positives: Tensor, exclude: Pairs | None) -> Pairs:
    own = torch.arange(len(positives), device=positives.device)
    pairs = (positives, own)
    if exclude is not None:
        pairs = (torch.cat([exclude[1], positives]), torch.cat([exclude[0], own]))
    ordered = by_first(pairs)
    assert ordered is not None
    return ordered


def _check_options(log_weights: Tensor | None, label_smoothing: float, items: int) -> None:
    if log_weights is not None and log_weights.shape != (items,):
        raise ArgumentError(
            "full_softmax.log_weights", received=tuple(log_weights.shape), expected=f"[V] = ({items},)"
        )
    if not 0.0 <= label_smoothing <= 1.0:
        raise ArgumentError(
            "full_softmax.label_smoothing", received=label_smoothing, expected="a number in [0, 1]"
        )


def _check(queries: Tensor, positives: Tensor, items: Tensor, temperature: float | Tensor) -> None:
    shapes = [tuple(part.shape) for part in (queries, positives, items)]
    agree = queries.ndim == items.ndim == 2 and shapes[0][1] == shapes[2][1] and shapes[1] == shapes[0][:1]
    if not agree:
        raise ArgumentError(
            "full_softmax",
            received=f"queries {shapes[0]}, positives {shapes[1]}, items {shapes[2]}",
            expected="[B, D], [B] and [V, D]",
        )
    if not isinstance(temperature, Tensor) and not temperature > 0.0:
        raise ArgumentError("full_softmax.temperature", received=temperature, expected="a number > 0")
    # An accelerator checks its own indices; asking for their range here would wait for it.
    if (
        not positives.is_cuda
        and len(positives)
        and not 0 <= int(positives.min()) <= int(positives.max()) < len(items)
    ):
        raise ArgumentError(
            "full_softmax.positives",
            received=f"numbers from {int(positives.min())} to {int(positives.max())}",
            expected=f"numbers of items, from 0 to {len(items) - 1}",
        )
