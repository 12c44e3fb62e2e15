"""Losses of whole lists that follow NDCG: LambdaRank, and a smooth NDCG."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.losses._lists import Lists, as_lists

__all__ = ["approx_ndcg", "lambda_rank"]

Gain = Literal["exponential", "linear"]


def lambda_rank(
    scores: Tensor,
    labels: Tensor,
    offsets: Tensor,
    *,
    weights: Tensor | None = None,
    k: int | None = None,
    gain: Gain = "exponential",
) -> Tensor:
    """Pairs in the wrong order, weighted by what swapping them would do to NDCG.

    With r_i the rank by the current scores (ties by position), D(r) = 1 / log2(1 + r), G the gain, and Z the
    ideal sum of G D of the list, it loses the sum over its pairs with ``y_i > y_j`` of::

        |G(y_i) - G(y_j)| |D(r_i) - D(r_j)| / Z * -log sigmoid(s_i - s_j)

    Ranks are no source of gradients. A list without a gain loses 0. Sources: Burges, Ragno, Le, "Learning to
    rank with nonsmooth cost functions", NIPS 2006; Wang et al., "The LambdaLoss framework", CIKM 2018.

    Args:
        scores: ``[N]``; memory grows with the sum of squared lengths.
        labels: ``[N]``, >= 0.
        offsets: ``[B + 1]``, as of ``list_net``.
        weights: ``[B]`` of each list, >= 0.
        k: D is 0 below rank k, also in Z; None is no cut.
        gain: ``"exponential"`` is ``2^y - 1``, ``"linear"`` is y.

    Returns:
        A scalar, as of ``list_net``.

    Raises:
        ArgumentError: shapes or offsets do not agree, ``k`` is below 1, or an unknown ``gain``.

    >>> import math, torch
    >>> scores, labels = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0])  # the better one is second
    >>> loss = lambda_rank(scores, labels, torch.tensor([0, 2]))
    >>> swap = abs(1 - 0) * abs(1 / math.log2(3) - 1 / math.log2(2)) / 1
    >>> math.isclose(loss.item(), swap * math.log(1 + math.exp(1)), rel_tol=1e-6)
    True
    """
    lists = as_lists("lambda_rank", scores, labels, offsets, weights)
    gains, discounts = _gains("lambda_rank", lists, gain), _discounts("lambda_rank", lists, lists.ranks(), k)
    left, right = lists.pairs()
    chosen = lists.labels[left] > lists.labels[right]
    better, worse = left[chosen], right[chosen]
    swaps = (gains[better] - gains[worse]) * (discounts[better] - discounts[worse]).abs()
    losses = swaps * functional.softplus(lists.scores[worse] - lists.scores[better])
    return lists.mean(_over_ideal("lambda_rank", lists, lists.sums(losses, better), gains, k))


def approx_ndcg(
    scores: Tensor,
    labels: Tensor,
    offsets: Tensor,
    *,
    weights: Tensor | None = None,
    temperature: float = 0.1,
    gain: Gain = "exponential",
) -> Tensor:
    """1 minus NDCG with smooth ranks.

    With D(r) = 1 / log2(1 + r), G the gain, and Z the ideal sum of G D of the list, it loses::

        1 - sum_i G(y_i) D(r_i) / Z          r_i = 1 + sum_{j != i} sigmoid((s_j - s_i) / temperature)

    A list without a gain loses 0. Source: Qin, Liu, Li, "A general approximation framework for direct
    optimization of information retrieval measures", 2010.

    Args:
        scores: ``[N]``; memory grows with the sum of squared lengths.
        labels: ``[N]``, >= 0.
        offsets: ``[B + 1]``, as of ``list_net``.
        weights: ``[B]`` of each list, >= 0.
        temperature: > 0; lower is closer to NDCG, with slopes at fewer places.
        gain: ``"exponential"`` is ``2^y - 1``, ``"linear"`` is y.

    Returns:
        A scalar, as of ``list_net``.

    Raises:
        ArgumentError: shapes or offsets do not agree, ``temperature`` is not positive, or unknown ``gain``.

    >>> import math, torch
    >>> scores, labels = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0])
    >>> loss = approx_ndcg(scores, labels, torch.tensor([0, 2]), temperature=1.0)
    >>> rank = 1 + 1 / (1 + math.exp(-1))
    >>> math.isclose(loss.item(), 1 - 1 / math.log2(1 + rank), rel_tol=1e-6)
    True
    """
    if not temperature > 0.0:
        raise ArgumentError("approx_ndcg.temperature", received=temperature, expected="a number > 0")
    lists = as_lists("approx_ndcg", scores, labels, offsets, weights)
    gains = _gains("approx_ndcg", lists, gain)
    left, right = lists.pairs()
    above = ((lists.scores[right] - lists.scores[left]) / temperature).sigmoid() * (left != right)
    ranks = torch.ones_like(lists.scores).index_add(0, left, above)
    positions = torch.arange(len(gains), device=gains.device)
    found = lists.sums(gains / (1 + ranks).log2(), positions)
    ndcg = _over_ideal("approx_ndcg", lists, found, gains, None)
    return lists.mean((1 - ndcg) * (lists.sums(gains, positions) > 0))


def _gains(where: str, lists: Lists, gain: str) -> Tensor:
    if gain not in ("exponential", "linear"):
        raise ArgumentError(f"{where}.gain", received=gain, expected='"exponential" or "linear"')
    return lists.labels.exp2() - 1 if gain == "exponential" else lists.labels


def _discounts(where: str, lists: Lists, ranks: Tensor, k: int | None) -> Tensor:
    if k is not None and k < 1:
        raise ArgumentError(f"{where}.k", received=k, expected="an integer >= 1")
    discounts = 1 / (1 + ranks.to(lists.scores.dtype)).log2()
    return discounts if k is None else discounts * (ranks <= k)


def _over_ideal(where: str, lists: Lists, sums: Tensor, gains: Tensor, k: int | None) -> Tensor:
    """``[B]`` sums over each list's ideal DCG; 0 where that is 0."""
    ideal = gains * _discounts(where, lists, lists.ideal_ranks(), k)
    best = lists.sums(ideal, torch.arange(len(gains), device=gains.device))
    return sums * (best > 0) / best.where(best > 0, 1.0)
