"""Losses of the difference between a positive and each of its negatives, or of the closest ones."""

from torch import Tensor
from torch.nn import functional

from shortlist.losses._compared import Compared, compare, need_number

__all__ = ["bpr", "bpr_max", "top1", "top1_max"]


def bpr(
    positives: Tensor,
    negatives: Tensor,
    *,
    log_weights: Tensor | None = None,
    exclude: Tensor | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """Bayesian personalised ranking: the positive is to stand above a negative.

    With p a row's positive score and n_j its negatives, a row loses the average, by weight, of::

        -log sigmoid(p - n_j)

    The weights of a row count relative to each other. Source: Rendle et al., "BPR", UAI 2009; its L2 on the
    embeddings that a batch touches is the objective's affair, not this function's.

    Args:
        positives: ``[B]``.
        negatives: ``[B, N]``.
        log_weights: ``[N]`` or ``[B, N]``, as of ``softmax``.
        exclude: bool ``[B, N]``, true for negatives left out.
        weights: ``[B]`` of each row, >= 0.

    Returns:
        A scalar, as of ``softmax``.

    Raises:
        ArgumentError: shapes do not agree.

    >>> import math, torch
    >>> loss = bpr(torch.tensor([2.0]), torch.tensor([[1.0, 0.0]]))
    >>> math.isclose(loss.item(), (math.log(1 + math.exp(-1)) + math.log(1 + math.exp(-2))) / 2, rel_tol=1e-6)
    True
    """
    rows = compare("bpr", positives, negatives, log_weights, exclude, weights)
    return rows.mean(rows.average(functional.softplus(rows.negatives - rows.positives)))


def bpr_max(
    positives: Tensor,
    negatives: Tensor,
    *,
    log_weights: Tensor | None = None,
    exclude: Tensor | None = None,
    weights: Tensor | None = None,
    regularization: float = 1.0,
) -> Tensor:
    """BPR against the highest negative, made smooth by a softmax over the negatives.

    With s_j the softmax of a row's negatives n_j among themselves and r the regularization, it loses::

        -log(sum_j s_j sigmoid(p - n_j)) + r sum_j s_j n_j^2

    Gradients go through s_j as well. The second part keeps scores near 0, where their sigmoids have slopes.
    The weights of a row count relative to each other. Source: Hidasi, Karatzoglou, "Recurrent neural networks
    with top-k gains for session-based recommendations", CIKM 2018.

    Args:
        positives: ``[B]``.
        negatives: ``[B, N]``.
        log_weights: ``[N]`` or ``[B, N]``, as of ``softmax``.
        exclude: bool ``[B, N]``, true for negatives left out.
        weights: ``[B]`` of each row, >= 0.
        regularization: r >= 0.

    Returns:
        A scalar, as of ``softmax``.

    Raises:
        ArgumentError: shapes do not agree, or ``regularization`` is negative.

    >>> import math, torch
    >>> loss = bpr_max(torch.tensor([2.0]), torch.tensor([[1.0]]), regularization=0.5)
    >>> math.isclose(loss.item(), math.log(1 + math.exp(-1)) + 0.5 * 1.0**2, rel_tol=1e-6)
    True
    """
    need_number("bpr_max.regularization", regularization, least=0.0)
    rows = compare("bpr_max", positives, negatives, log_weights, exclude, weights)
    shares = rows.log_softmax()
    losses = -(shares + functional.logsigmoid(rows.positives - rows.negatives)).logsumexp(1)
    return rows.mean(losses + regularization * (shares.exp() * rows.negatives.square()).sum(1))


def top1(
    positives: Tensor,
    negatives: Tensor,
    *,
    log_weights: Tensor | None = None,
    exclude: Tensor | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """The smooth share of negatives above the positive, with scores of negatives held near 0.

    A row loses the average over its negatives n_j, by weight, of::

        sigmoid(n_j - p) + sigmoid(n_j^2)

    The weights of a row count relative to each other. Source: Hidasi et al., "Session-based recommendations
    with recurrent neural networks", ICLR 2016.

    Args:
        positives: ``[B]``.
        negatives: ``[B, N]``.
        log_weights: ``[N]`` or ``[B, N]``, as of ``softmax``.
        exclude: bool ``[B, N]``, true for negatives left out.
        weights: ``[B]`` of each row, >= 0.

    Returns:
        A scalar, as of ``softmax``.

    Raises:
        ArgumentError: shapes do not agree.

    >>> import math, torch
    >>> loss = top1(torch.tensor([2.0]), torch.tensor([[1.0]]))
    >>> math.isclose(loss.item(), 1 / (1 + math.exp(1)) + 1 / (1 + math.exp(-1)), rel_tol=1e-6)
    True
    """
    rows = compare("top1", positives, negatives, log_weights, exclude, weights)
    return rows.mean(rows.average(_top1(rows)))


def top1_max(
    positives: Tensor,
    negatives: Tensor,
    *,
    log_weights: Tensor | None = None,
    exclude: Tensor | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """TOP1 against the highest negative, made smooth by a softmax over the negatives.

    With s_j the softmax of a row's negatives n_j among themselves, a row loses::

        sum_j s_j (sigmoid(n_j - p) + sigmoid(n_j^2))

    Gradients go through s_j as well. The weights of a row count relative to each other. Source: Hidasi,
    Karatzoglou, CIKM 2018.

    Args:
        positives: ``[B]``.
        negatives: ``[B, N]``.
        log_weights: ``[N]`` or ``[B, N]``, as of ``softmax``.
        exclude: bool ``[B, N]``, true for negatives left out.
        weights: ``[B]`` of each row, >= 0.

    Returns:
        A scalar, as of ``softmax``.

    Raises:
        ArgumentError: shapes do not agree.

    >>> import math, torch
    >>> loss = top1_max(torch.tensor([2.0]), torch.tensor([[1.0]]))
    >>> math.isclose(loss.item(), 1 / (1 + math.exp(1)) + 1 / (1 + math.exp(-1)), rel_tol=1e-6)
    True
    """
    rows = compare("top1_max", positives, negatives, log_weights, exclude, weights)
    return rows.mean((rows.log_softmax().exp() * _top1(rows)).sum(1))


def _top1(rows: Compared) -> Tensor:
    return (rows.negatives - rows.positives).sigmoid() + rows.negatives.square().sigmoid()
