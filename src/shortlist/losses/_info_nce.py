"""Softmax in which the batch is its own source of negatives."""

from functools import partial

import torch
from torch import Tensor

from shortlist.errors import ArgumentError
from shortlist.losses._lists import pairs_within
from shortlist.losses._pairs import Pairs
from shortlist.losses._softmax import sampled_softmax

__all__ = ["info_nce"]


def info_nce(
    queries: Tensor,
    items: Tensor,
    *,
    temperature: float | Tensor = 0.1,
    codes: Tensor | None = None,
    log_q: Tensor | None = None,
    weights: Tensor | None = None,
    symmetric: bool = False,
) -> Tensor:
    """Cross-entropy of each query's item against the items of the other rows.

    With s_ij the inner product of query i and item j over the temperature, less ``log_q_j`` where given, row
    i loses::

        -log(exp(s_ii) / (exp(s_ii) + sum over j != i of another item of exp(s_ij)))

    Items of a batch come as often as they are popular: without ``log_q`` popular ones are pushed down (Yi et
    al., RecSys 2019). Sources: van den Oord, Li, Vinyals, "Representation learning with contrastive
    predictive coding", 2018; both directions: Radford et al., CLIP, 2021. For more negatives than the batch
    has, see ``sampled_softmax``.

    Args:
        queries: ``[B, D]``.
        items: ``[B, D]``, row i the positive of query i.
        temperature: divides the inner products, > 0; cosines want 0.05 to 0.2; a tensor is trained with the
            rest.
        codes: ``[B]`` int64: rows of the same code hold the same item and are not each other's negatives;
            None takes all rows for different items.
        log_q: ``[B]`` log of how likely each item is to be drawn; only differences matter; None is equal.
        weights: ``[B]`` weight of each row, >= 0; None is equal weights.
        symmetric: the mean of this and the loss of each item against the other rows' queries, where
            ``log_q`` has no part.

    Returns:
        A scalar. A row without another item loses 0; 0 for an empty batch and for weights that are all zero.

    Raises:
        ArgumentError: shapes do not agree, or ``temperature`` is not positive.

    >>> import math
    >>> loss = info_nce(torch.eye(2), torch.eye(2), temperature=0.5)
    >>> math.isclose(loss.item(), math.log(1 + math.exp(-2)), rel_tol=1e-6)
    True
    """
    _check_length("codes", codes, len(queries))
    _check_length("log_q", log_q, len(queries))
    log_weights = None if log_q is None else -log_q
    exclude = _same(len(queries), codes, queries.device)
    softmax = partial(sampled_softmax, temperature=temperature, exclude=exclude, weights=weights)
    loss = softmax(queries, items, items, log_weights=log_weights, positive_log_weights=log_weights)
    return (loss + softmax(items, queries, queries)) / 2 if symmetric else loss


def _check_length(name: str, value: Tensor | None, rows: int) -> None:
    if value is not None and value.shape != (rows,):
        raise ArgumentError(f"info_nce.{name}", received=tuple(value.shape), expected=f"[B] = ({rows},)")


def _same(rows: int, codes: Tensor | None, device: torch.device) -> Pairs:
    """Pairs of rows that hold the same item, each row with itself among them."""
    if codes is None:
        own = torch.arange(rows, device=device)
        return own, own
    _, inverse, counts = torch.unique(codes, return_inverse=True, return_counts=True)
    order = inverse.argsort()
    left, right = pairs_within(torch.cat([counts.new_zeros(1), counts.cumsum(0)]))
    return order[left], order[right]
