"""Losses of an estimated rank: WARP by draws until one violates, and its smooth form from all of them."""

import torch
from torch import Tensor

from shortlist.losses._compared import compare, need_number
from shortlist.rng import generator

__all__ = ["warp", "wmrb"]

_EULER_GAMMA = 0.5772156649015329
_ROUNDING = 1e-5  # a weight of 3 comes as exp(log(3)), which is a little off; the floor is to be that of 3


def warp(
    positives: Tensor,
    negatives: Tensor,
    *,
    catalogue: int,
    log_weights: Tensor | None = None,
    exclude: Tensor | None = None,
    weights: Tensor | None = None,
    max_trials: int | None = None,
    seed: int | None = None,
) -> Tensor:
    """Weighted approximate-rank pairwise loss: the sooner a draw violates, the worse the rank.

    A row goes through its negatives n_1, n_2 ... in their order until one violates, n_j > p - 1. With w_i
    draws behind each (None is one), D = 1 + w_1 + ... + w_(j-1) draws were needed, and the row loses::

        H(floor((catalogue - 1) / D)) * (1 - p + n_j)          H(k) = 1 + 1/2 + ... + 1/k

    and 0 if none violates, or only one that takes more than ``max_trials`` draws. The floor estimates the
    positive's rank and is no source of gradients. It takes negatives drawn uniformly, and weights that are
    numbers of draws: ``Negatives.log_weights(log_q=False)``. Source: Weston, Bengio, Usunier, "WSABIE",
    IJCAI 2011.

    Args:
        positives: ``[B]``.
        negatives: ``[B, N]``.
        log_weights: ``[N]`` or ``[B, N]``, as of ``softmax``.
        exclude: bool ``[B, N]``, true for negatives left out, which take no draw.
        weights: ``[B]`` of each row, >= 0.
        catalogue: number of items that negatives are drawn from, the positive among them; >= 2.
        max_trials: most draws D for a row; None is all its negatives.
        seed: of a random order of each row's negatives, for columns that do not stand in the order of their
            draws, as those of a ``Sampler``; the same at every call. None keeps the given order.

    Returns:
        A scalar, as of ``softmax``.

    Raises:
        ArgumentError: shapes do not agree, ``catalogue`` is below 2, or ``max_trials`` below 1.

    >>> import math, torch
    >>> loss = warp(torch.tensor([2.0]), torch.tensor([[0.5, 1.5]]), catalogue=7)  # rank (7 - 1) / 2 = 3
    >>> math.isclose(loss.item(), (1 + 1 / 2 + 1 / 3) * (1 - 2.0 + 1.5), rel_tol=1e-6)
    True
    """
    need_number("warp.catalogue", catalogue, least=2)
    need_number("warp.max_trials", 1 if max_trials is None else max_trials, least=1)
    rows = compare("warp", positives, negatives, log_weights, exclude, weights)
    losses, draws = _in_order(1 - rows.positives + rows.negatives, rows.weights(), seed)
    trials = 1 + draws.cumsum(1) - draws
    violates = (losses.detach() > 0) & (draws > 0)
    if max_trials is not None:
        violates &= trials <= max_trials
    first = violates.to(torch.int8).argmax(1, keepdim=True)
    rank = ((catalogue - 1) / trials.gather(1, first) * (1 + _ROUNDING)).floor()
    found = violates.gather(1, first)
    return rows.mean((_harmonic(rank) * losses.gather(1, first) * found)[:, 0])


def wmrb(
    positives: Tensor,
    negatives: Tensor,
    *,
    log_weights: Tensor | None = None,
    exclude: Tensor | None = None,
    weights: Tensor | None = None,
    margin: float = 1.0,
    catalogue: int | None = None,
) -> Tensor:
    """Weighted margin-rank batch loss: WARP without its loop, the rank estimated from all negatives at once.

    With p a row's positive score, n_j its negatives and w_j the number of items each stands for, a row
    loses::

        log(1 + sum_j w_j max(0, margin - p + n_j))

    Source: Liu, Natarajan, "WMRB: learning to rank in a scalable batch training approach", RecSys 2017.

    Args:
        positives: ``[B]``.
        negatives: ``[B, N]``.
        log_weights: ``[N]`` or ``[B, N]``, as of ``softmax``.
        exclude: bool ``[B, N]``, true for negatives left out.
        weights: ``[B]`` of each row, >= 0.
        margin: > 0, in units of the scores.
        catalogue: scales each row's weights to sum to this number, as for uniform draws of weight 1; None
            takes the weights as they are.

    Returns:
        A scalar, as of ``softmax``.

    Raises:
        ArgumentError: shapes do not agree, or ``margin`` or ``catalogue`` is not positive.

    >>> import math, torch
    >>> loss = wmrb(torch.tensor([2.0]), torch.tensor([[1.5, 0.0]]), catalogue=8)
    >>> math.isclose(loss.item(), math.log(1 + 8 / 2 * (0.5 + 0.0)), rel_tol=1e-6)
    True
    """
    need_number("wmrb.margin", margin, above=0.0)
    need_number("wmrb.catalogue", 1 if catalogue is None else catalogue, above=0.0)
    rows = compare("wmrb", positives, negatives, log_weights, exclude, weights)
    above = (margin - rows.positives + rows.negatives).relu()
    rank = rows.total(above) if catalogue is None else catalogue * rows.average(above)
    return rows.mean(rank.log1p())


def _in_order(losses: Tensor, draws: Tensor, seed: int | None) -> tuple[Tensor, Tensor]:
    """Both ``[B, N]`` in a random order of each row's columns, or as they are."""
    if seed is None:
        return losses, draws
    keys = torch.from_numpy(generator(seed, "warp").random(tuple(losses.shape)))
    order = keys.to(losses.device).argsort(1)
    return losses.gather(1, order), draws.gather(1, order)


def _harmonic(k: Tensor) -> Tensor:
    """``1 + 1/2 + ... + 1/k``; 0 for k = 0."""
    return (torch.digamma(k.double() + 1) + _EULER_GAMMA).to(k.dtype)
