"""Losses of one prediction and one amount a row: seconds watched, stars, money."""

from torch import Tensor
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.losses._labelled import labelled
from shortlist.losses._weights import mean, shares

__all__ = ["huber", "squared_error", "watch_time"]


def watch_time(
    predictions: Tensor, labels: Tensor, *, weights: Tensor | None = None, exact: bool = False
) -> Tensor:
    """Weighted logistic regression, whose odds ``exp(x)`` are an expected amount, such as seconds watched.

    With T a row's amount, 0 for an impression that was not clicked, and x its prediction, it loses::

        -T log sigmoid(x) - u log(1 - sigmoid(x))        u = 1 where T is 0, else 0; with exact, always 1

    Serve ``exp(x)``: over rows that are alike it tends to the sum of T over the number of rows without a
    click, near the mean of T where clicks are rare (Covington, Adams, Sargin, "Deep neural networks for
    YouTube recommendations", RecSys 2016); with ``exact`` to the mean of T.

    Args:
        predictions: ``[B]`` x, any real number.
        labels: ``[B]`` amounts T >= 0; large ones are best given in larger units.
        weights: ``[B]``, each >= 0; None is equal weights.
        exact: count a clicked row among the unclicked as well.

    Returns:
        A scalar; 0 for an empty batch or weights that are all zero.

    Raises:
        ArgumentError: shapes differ.

    >>> import math, torch
    >>> loss = watch_time(torch.tensor([1.0, 1.0]), torch.tensor([30.0, 0.0]))
    >>> by_hand = (30 * math.log(1 + math.exp(-1)) + math.log(1 + math.exp(1))) / 2
    >>> math.isclose(loss.item(), by_hand, rel_tol=1e-6)
    True
    """
    logits, amounts = labelled("watch_time", predictions, labels)
    losses = amounts * functional.softplus(-logits)
    zeros = functional.softplus(logits)
    losses = losses + (zeros if exact else zeros * (amounts == 0))
    return mean(losses, shares(weights, logits, "watch_time"))


def squared_error(predictions: Tensor, labels: Tensor, *, weights: Tensor | None = None) -> Tensor:
    """Weighted mean of ``(x - y)^2``; its best constant is the mean.

    Args:
        predictions: ``[B]`` x.
        labels: ``[B]`` y.
        weights: ``[B]``, each >= 0; None is equal weights.

    Returns:
        A scalar; 0 for an empty batch or weights that are all zero.

    Raises:
        ArgumentError: shapes differ.

    >>> import torch
    >>> squared_error(torch.tensor([1.0, 3.0]), torch.tensor([2.0, 3.0])).item()
    0.5
    """
    predictions, labels = labelled("squared_error", predictions, labels)
    return mean((predictions - labels).square(), shares(weights, predictions, "squared_error"))


def huber(
    predictions: Tensor, labels: Tensor, *, weights: Tensor | None = None, delta: float = 1.0
) -> Tensor:
    """Squared error near the label, absolute error far from it: outliers pull no harder than ``delta``.

    With d the distance ``|x - y|``, a row loses::

        d^2 / 2                        where d <= delta
        delta (d - delta / 2)          elsewhere

    Source: Huber, "Robust estimation of a location parameter", 1964.

    Args:
        predictions: ``[B]`` x.
        labels: ``[B]`` y.
        weights: ``[B]``, each >= 0; None is equal weights.
        delta: > 0, in units of the labels.

    Returns:
        A scalar; 0 for an empty batch or weights that are all zero.

    Raises:
        ArgumentError: shapes differ, or ``delta`` is not positive.

    >>> import torch
    >>> huber(torch.tensor([1.0, 3.0]), torch.tensor([2.0, 0.0]), delta=2.0).item()  # (0.5 + 4) / 2
    2.25
    """
    if not delta > 0.0:
        raise ArgumentError("huber.delta", received=delta, expected="a number > 0")
    predictions, labels = labelled("huber", predictions, labels)
    losses = functional.huber_loss(predictions, labels, reduction="none", delta=delta)
    return mean(losses, shares(weights, predictions, "huber"))
