"""Losses of whole lists: the order that the labels tell, or the probability of it."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.losses._lists import Lists, as_lists
from shortlist.losses._numbers import lowest

__all__ = ["list_mle", "list_net", "rank_net"]


def list_net(
    scores: Tensor,
    labels: Tensor,
    offsets: Tensor,
    *,
    weights: Tensor | None = None,
    target: Literal["softmax", "share"] = "softmax",
) -> Tensor:
    """Cross-entropy between who stands first by the labels and who by the scores.

    With s_i and y_i a list's scores and labels, it loses ``-sum_i t_i log(softmax(s)_i)``, where::

        t = softmax(y)          "softmax": Cao et al., "Learning to rank: from pairwise to listwise",
                                ICML 2007; every item is to some degree right
        t = y / sum(y)          "share": labels >= 0; a list whose labels are all 0 loses nothing

    Args:
        scores: ``[N]`` of all lists, one after another.
        labels: ``[N]`` relevance, higher is better.
        offsets: ``[B + 1]`` where each list starts, and N: list b is ``scores[offsets[b]:offsets[b + 1]]``.
        weights: ``[B]`` weight of each list, >= 0; None is equal weights.
        target: how labels become probabilities.

    Returns:
        A scalar: the weighted mean over lists. An empty list loses 0; 0 without lists and for weights that
        are all zero.

    Raises:
        ArgumentError: shapes or offsets do not agree, or an unknown ``target``.

    >>> import math, torch
    >>> scores, labels = torch.tensor([0.0, 1.0]), torch.tensor([3.0, 1.0])
    >>> loss = list_net(scores, labels, torch.tensor([0, 2]), target="share")
    >>> by_hand = -0.75 * (0 - math.log(1 + math.exp(1))) - 0.25 * (1 - math.log(1 + math.exp(1)))
    >>> math.isclose(loss.item(), by_hand, rel_tol=1e-6)
    True
    """
    if target not in ("softmax", "share"):
        raise ArgumentError("list_net.target", received=target, expected='"softmax" or "share"')
    lists = as_lists("list_net", scores, labels, offsets, weights)
    floor = lowest(lists.scores.dtype)
    log_shares = lists.padded(lists.scores, floor).log_softmax(1)
    if target == "softmax":
        wanted = lists.padded(lists.labels, floor).softmax(1)
    else:
        wanted = lists.padded(lists.labels, 0.0)
        total = wanted.sum(1, keepdim=True)
        wanted = wanted / total.where(total > 0, 1.0)
    losses = -(wanted * log_shares).sum(1)
    return lists.mean(losses * (lists.lengths > 0))


def list_mle(scores: Tensor, labels: Tensor, offsets: Tensor, *, weights: Tensor | None = None) -> Tensor:
    """Minus the log-probability of the labels' order, each place drawn by softmax from what is left.

    With s_1, s_2 ... a list's scores by label descending, ties in the order given, it loses::

        sum_i (log(sum_{j >= i} exp(s_j)) - s_i)

    Source: Xia et al., "Listwise approach to learning to rank", ICML 2008 (Plackett-Luce).

    Args:
        scores: ``[N]``.
        labels: ``[N]``.
        offsets: ``[B + 1]``, as of ``list_net``.
        weights: ``[B]`` of each list, >= 0.

    Returns:
        A scalar, as of ``list_net``.

    Raises:
        ArgumentError: shapes or offsets do not agree.

    >>> import math, torch
    >>> scores, labels = torch.tensor([0.0, 1.0]), torch.tensor([3.0, 1.0])
    >>> loss = list_mle(scores, labels, torch.tensor([0, 2]))
    >>> math.isclose(loss.item(), math.log(math.exp(0) + math.exp(1)) - 0, rel_tol=1e-6)
    True
    """
    lists = as_lists("list_mle", scores, labels, offsets, weights)
    places = lists.offsets[lists.owners()] + lists.ideal_ranks() - 1
    best_first = torch.empty_like(lists.scores).index_put((places,), lists.scores)
    floor = lowest(lists.scores.dtype)
    rows = lists.padded(best_first, floor)
    remaining = rows.flip(1).logcumsumexp(1).flip(1)
    return lists.mean((remaining - rows).masked_fill(rows <= floor, 0.0).sum(1))


def rank_net(scores: Tensor, labels: Tensor, offsets: Tensor, *, weights: Tensor | None = None) -> Tensor:
    """Every item is to stand above each of its list whose label is lower.

    A list loses the mean, over its pairs with ``y_i > y_j``, of::

        -log sigmoid(s_i - s_j)

    and 0 without such a pair. Source: Burges et al., "Learning to rank using gradient descent", ICML 2005.

    Args:
        scores: ``[N]``; memory grows with the sum of squared lengths.
        labels: ``[N]``.
        offsets: ``[B + 1]``, as of ``list_net``.
        weights: ``[B]`` of each list, >= 0.

    Returns:
        A scalar, as of ``list_net``.

    Raises:
        ArgumentError: shapes or offsets do not agree.

    >>> import math, torch
    >>> scores, labels = torch.tensor([0.0, 1.0]), torch.tensor([3.0, 1.0])
    >>> loss = rank_net(scores, labels, torch.tensor([0, 2]))
    >>> math.isclose(loss.item(), math.log(1 + math.exp(1)), rel_tol=1e-6)
    True
    """
    lists = as_lists("rank_net", scores, labels, offsets, weights)
    better, worse = _ordered(lists)
    losses = functional.softplus(lists.scores[worse] - lists.scores[better])
    counts = lists.sums(torch.ones_like(losses), better)
    return lists.mean(lists.sums(losses, better) / counts.clamp(min=1))


def _ordered(lists: Lists) -> tuple[Tensor, Tensor]:
    left, right = lists.pairs()
    chosen = lists.labels[left] > lists.labels[right]
    return left[chosen], right[chosen]
