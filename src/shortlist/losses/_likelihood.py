"""Losses that are minus the log of a probability: softmax, logistic, and its calibrated form."""

from typing import Literal

from torch import Tensor
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.losses._compared import compare, need_number

__all__ = ["gbce", "logistic", "softmax"]


def softmax(
    positives: Tensor,
    negatives: Tensor,
    *,
    log_weights: Tensor | None = None,
    exclude: Tensor | None = None,
    weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of each row's positive against its negatives.

    With p a row's positive score, n_j its negatives, w_j the number of items that each stands for and e the
    smoothing, the loss is the weighted mean over rows of::

        log(exp(p) + sum_j w_j exp(n_j)) - (1 - e) p - e (p + sum_j w_j n_j) / (1 + sum_j w_j)

    Scores are taken as given: divide them by the temperature first. To correct the positive for its own
    probability as well (Yi et al., RecSys 2019), add its log weight to its score. From vectors,
    ``sampled_softmax`` and ``full_softmax`` are the same without the matrix of scores.

    Args:
        positives: ``[B]`` scores of the positives.
        negatives: ``[B, N]`` scores of each row's negatives.
        log_weights: ``[N]`` or ``[B, N]`` log of the number of items a negative stands for; minus infinity
            leaves it out; None is 0, one item each.
        exclude: bool ``[B, N]``, true for negatives left out.
        weights: ``[B]`` weight of each row, >= 0; None is equal weights.
        label_smoothing: e in [0, 1]: the share of the target that is spread over all candidates alike.

    Returns:
        A scalar. A row without negatives loses 0; 0 for an empty batch and for weights that are all zero.

    Raises:
        ArgumentError: shapes do not agree, or ``label_smoothing`` is not in [0, 1].

    >>> import math, torch
    >>> loss = softmax(torch.tensor([2.0]), torch.tensor([[1.0, 0.0]]))
    >>> math.isclose(loss.item(), -2 + math.log(math.exp(2) + math.exp(1) + math.exp(0)), rel_tol=1e-6)
    True
    """
    if not 0.0 <= label_smoothing <= 1.0:
        raise ArgumentError(
            "softmax.label_smoothing", received=label_smoothing, expected="a number in [0, 1]"
        )
    rows = compare("softmax", positives, negatives, log_weights, exclude, weights)
    positive = rows.positives[:, 0]
    losses = functional.softplus((rows.negatives + rows.log_weights).logsumexp(1) - positive)
    if label_smoothing:
        items = 1 + rows.weights().sum(1)
        losses = losses + label_smoothing * (positive - (positive + rows.total(rows.negatives)) / items)
    return rows.mean(losses)


def logistic(
    positives: Tensor,
    negatives: Tensor,
    *,
    log_weights: Tensor | None = None,
    exclude: Tensor | None = None,
    weights: Tensor | None = None,
    reduction: Literal["sum", "mean"] = "sum",
) -> Tensor:
    """Binary cross-entropy: positives are to be 1, negatives 0.

    With p a row's positive score, n_j its negatives and w_j their weights, a row loses::

        -log sigmoid(p) - sum_j w_j log(1 - sigmoid(n_j))        divided by 1 + sum_j w_j if "mean"

    Args:
        positives: ``[B]``.
        negatives: ``[B, N]``.
        log_weights: ``[N]`` or ``[B, N]``, as of ``softmax``.
        exclude: bool ``[B, N]``, true for negatives left out.
        weights: ``[B]`` of each row, >= 0.
        reduction: ``"sum"`` over a row's candidates (Kang, McAuley, "Self-attentive sequential
            recommendation", ICDM 2018), or their ``"mean"``, whose size does not grow with N.

    Returns:
        A scalar, as of ``softmax``.

    Raises:
        ArgumentError: shapes do not agree, or an unknown ``reduction``.

    >>> import math, torch
    >>> loss = logistic(torch.tensor([2.0]), torch.tensor([[1.0]]))
    >>> math.isclose(loss.item(), math.log(1 + math.exp(-2)) + math.log(1 + math.exp(1)), rel_tol=1e-6)
    True
    """
    if reduction not in ("sum", "mean"):
        raise ArgumentError("logistic.reduction", received=reduction, expected='"sum" or "mean"')
    rows = compare("logistic", positives, negatives, log_weights, exclude, weights)
    losses = functional.softplus(-rows.positives[:, 0]) + rows.total(functional.softplus(rows.negatives))
    return rows.mean(losses if reduction == "sum" else losses / (1 + rows.weights().sum(1)))


def gbce(
    positives: Tensor,
    negatives: Tensor,
    *,
    catalogue: int,
    t: float = 0.75,
    log_weights: Tensor | None = None,
    exclude: Tensor | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """Generalised binary cross-entropy: undoes the overconfidence that few sampled negatives cause.

    With W the sum of a row's weights w_j, that is its number of negatives, and a = W / (catalogue - 1) the
    share of the catalogue that they are (at most 1), a row loses::

        (-b log sigmoid(p) - sum_j w_j log(1 - sigmoid(n_j))) / (1 + W)        b = a (t (1 - 1/a) + 1/a)

    and b = 1 - t (1 - a). Weights are numbers of draws here, not of items that they stand for:
    ``Negatives.log_weights(log_q=False)``. Source: Petrov, Macdonald, "gSASRec", RecSys 2023.

    Args:
        positives: ``[B]``.
        negatives: ``[B, N]``.
        log_weights: ``[N]`` or ``[B, N]``, as of ``softmax``.
        exclude: bool ``[B, N]``, true for negatives left out.
        weights: ``[B]`` of each row, >= 0.
        catalogue: number of items that negatives are drawn from, the positive among them; >= 2.
        t: calibration in [0, 1]: 0 is ``logistic(reduction="mean")``; with 1 the sigmoid of a score is a
            calibrated probability.

    Returns:
        A scalar, as of ``softmax``.

    Raises:
        ArgumentError: shapes do not agree, ``catalogue`` is below 2, or ``t`` is not in [0, 1].

    >>> import math, torch
    >>> loss = gbce(torch.tensor([2.0]), torch.tensor([[1.0]]), catalogue=5, t=1.0)  # b = a = 1 / 4
    >>> by_hand = (0.25 * math.log(1 + math.exp(-2)) + math.log(1 + math.exp(1))) / 2
    >>> math.isclose(loss.item(), by_hand, rel_tol=1e-6)
    True
    """
    need_number("gbce.catalogue", catalogue, least=2)
    if not 0.0 <= t <= 1.0:
        raise ArgumentError("gbce.t", received=t, expected="a number in [0, 1]")
    rows = compare("gbce", positives, negatives, log_weights, exclude, weights)
    drawn = rows.weights().sum(1)
    power = 1 - t * (1 - (drawn / (catalogue - 1)).clamp(max=1))
    losses = power * functional.softplus(-rows.positives[:, 0]) + rows.total(
        functional.softplus(rows.negatives)
    )
    return rows.mean(losses / (1 + drawn))
