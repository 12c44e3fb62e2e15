"""Losses of one prediction and one yes-or-no target a row."""

from torch import Tensor
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.losses._labelled import labelled
from shortlist.losses._weights import mean, shares

__all__ = ["binary_cross_entropy", "focal"]


def binary_cross_entropy(
    predictions: Tensor, labels: Tensor, *, weights: Tensor | None = None, label_smoothing: float = 0.0
) -> Tensor:
    """Weighted mean of ``-y log sigmoid(x) - (1 - y) log(1 - sigmoid(x))``.

    Args:
        predictions: ``[B]`` logits x, any real number.
        labels: ``[B]`` y in [0, 1].
        weights: ``[B]``, each >= 0; None is equal weights.
        label_smoothing: e in [0, 1]: y becomes ``(1 - e) y + e / 2``.

    Returns:
        A scalar; 0 for an empty batch or weights that are all zero.

    Raises:
        ArgumentError: shapes differ, or ``label_smoothing`` is not in [0, 1].

    >>> import math, torch
    >>> logits, labels, weights = torch.tensor([[0.0, 5.0], [1.0, 0.0], [1.0, 0.0]])
    >>> loss = binary_cross_entropy(logits, labels, weights=weights)
    >>> math.isclose(loss.item(), math.log(2), rel_tol=1e-6)
    True
    """
    _check_share("binary_cross_entropy.label_smoothing", label_smoothing)
    logits, labels = labelled("binary_cross_entropy", predictions, labels)
    if label_smoothing:
        labels = (1 - label_smoothing) * labels + label_smoothing / 2
    losses = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return mean(losses, shares(weights, logits, "binary_cross_entropy"))


def focal(
    predictions: Tensor,
    labels: Tensor,
    *,
    weights: Tensor | None = None,
    gamma: float = 2.0,
    alpha: float | None = None,
) -> Tensor:
    """Binary cross-entropy in which rows that are already right weigh less.

    With q the probability of the row's label, ``sigmoid(x)`` for 1 and ``1 - sigmoid(x)`` for 0, a row
    loses (and a label y between them is y of the first and 1 - y of the second)::

        -a (1 - q)^gamma log(q)          a = alpha for label 1, 1 - alpha for label 0; 1 without alpha

    It is not calibrated: the sigmoid of the prediction is no probability. Source: Lin et al., "Focal loss
    for dense object detection", ICCV 2017.

    Args:
        predictions: ``[B]`` logits x, any real number.
        labels: ``[B]`` y in [0, 1].
        weights: ``[B]``, each >= 0; None is equal weights.
        gamma: >= 0; 0 is ``binary_cross_entropy``.
        alpha: weight of label 1, in [0, 1]; None weighs both labels 1.

    Returns:
        A scalar; 0 for an empty batch or weights that are all zero.

    Raises:
        ArgumentError: shapes differ, or an option is out of its range.

    >>> import math, torch
    >>> loss = focal(torch.tensor([0.0]), torch.tensor([1.0]), gamma=2.0, alpha=0.25)
    >>> math.isclose(loss.item(), -0.25 * (1 - 0.5) ** 2 * math.log(0.5), rel_tol=1e-6)
    True
    """
    if not gamma >= 0.0:
        raise ArgumentError("focal.gamma", received=gamma, expected="a number >= 0")
    _check_share("focal.alpha", 1.0 if alpha is None else alpha)
    logits, labels = labelled("focal", predictions, labels)
    ones = _focal(logits, gamma) * labels
    zeros = _focal(-logits, gamma) * (1 - labels)
    losses = ones + zeros if alpha is None else alpha * ones + (1 - alpha) * zeros
    return mean(losses, shares(weights, logits, "focal"))


def _focal(logits: Tensor, gamma: float) -> Tensor:
    """``-(1 - q)^gamma log(q)`` with q = sigmoid(logits); the power by logarithms has a slope everywhere."""
    return (gamma * functional.logsigmoid(-logits)).exp() * functional.softplus(-logits)


def _check_share(where: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ArgumentError(where, received=value, expected="a number in [0, 1]")
