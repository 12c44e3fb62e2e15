"""Losses that stop once a positive stands above its negatives by a margin."""

from typing import Literal

from torch import Tensor

from shortlist.errors import ArgumentError
from shortlist.losses._compared import Compared, compare, need_number
from shortlist.losses._numbers import lowest

__all__ = ["adaptive_hinge", "hinge", "triplet"]


def hinge(
    positives: Tensor,
    negatives: Tensor,
    *,
    log_weights: Tensor | None = None,
    exclude: Tensor | None = None,
    weights: Tensor | None = None,
    margin: float = 1.0,
) -> Tensor:
    """The positive is to stand above each negative by a margin.

    With p a row's positive score and n_j its negatives, a row loses the average, by weight, of::

        max(0, margin - p + n_j)

    The weights of a row count relative to each other.

    Args:
        positives: ``[B]``.
        negatives: ``[B, N]``.
        log_weights: ``[N]`` or ``[B, N]``, as of ``softmax``.
        exclude: bool ``[B, N]``, true for negatives left out.
        weights: ``[B]`` of each row, >= 0.
        margin: > 0, in units of the scores.

    Returns:
        A scalar, as of ``softmax``.

    Raises:
        ArgumentError: shapes do not agree, or ``margin`` is not positive.

    >>> import torch
    >>> hinge(torch.tensor([2.0]), torch.tensor([[1.5, 0.0]])).item()  # (0.5 + 0) / 2
    0.25
    """
    need_number("hinge.margin", margin, above=0.0)
    rows = compare("hinge", positives, negatives, log_weights, exclude, weights)
    return rows.mean(rows.average((margin - rows.positives + rows.negatives).relu()))


def adaptive_hinge(
    positives: Tensor,
    negatives: Tensor,
    *,
    log_weights: Tensor | None = None,
    exclude: Tensor | None = None,
    weights: Tensor | None = None,
    margin: float = 1.0,
) -> Tensor:
    """The positive is to stand above its highest negative by a margin; the more negatives, the harder.

    With p a row's positive score and n_j its negatives, a row loses::

        max(0, margin - p + max_j n_j)

    Of ``log_weights`` only minus infinity matters. It is the hinge of Weston et al., IJCAI 2011, with the
    worst of several draws in place of the first that violates, as in the library Spotlight.

    Args:
        positives: ``[B]``.
        negatives: ``[B, N]``.
        log_weights: ``[N]`` or ``[B, N]``, as of ``softmax``.
        exclude: bool ``[B, N]``, true for negatives left out.
        weights: ``[B]`` of each row, >= 0.
        margin: > 0, in units of the scores.

    Returns:
        A scalar, as of ``softmax``.

    Raises:
        ArgumentError: shapes do not agree, or ``margin`` is not positive.

    >>> import torch
    >>> adaptive_hinge(torch.tensor([2.0]), torch.tensor([[1.5, 0.0]])).item()
    0.5
    """
    need_number("adaptive_hinge.margin", margin, above=0.0)
    rows = compare("adaptive_hinge", positives, negatives, log_weights, exclude, weights)
    return rows.mean((margin - rows.positives[:, 0] + rows.highest()).relu())


def triplet(
    positives: Tensor,
    negatives: Tensor,
    *,
    log_weights: Tensor | None = None,
    exclude: Tensor | None = None,
    weights: Tensor | None = None,
    margin: float = 0.2,
    mining: Literal["all", "semi_hard", "hard"] = "semi_hard",
) -> Tensor:
    """The positive is to be closer than negatives by a margin, where mining says which negatives count.

    A score is minus a distance. For vectors of length 1 with squared distances 2 - 2 s, a margin of m on
    inner products s is one of 2 m on distances. With p a row's positive score and n_j its negatives::

        loss = max(0, margin - p + n)

        "all"        the average, by weight, over the n_j of which this is above 0 (Hermans et al. 2017)
        "semi_hard"  n is the highest n_j below p; where none is below p, the lowest n_j
        "hard"       n is the highest n_j

    Of ``log_weights``, ``"semi_hard"`` and ``"hard"`` read only minus infinity. Source: Schroff et al.,
    "FaceNet", CVPR 2015.

    Args:
        positives: ``[B]``.
        negatives: ``[B, N]``.
        log_weights: ``[N]`` or ``[B, N]``, as of ``softmax``.
        exclude: bool ``[B, N]``, true for negatives left out.
        weights: ``[B]`` of each row, >= 0.
        margin: > 0, in units of the scores.
        mining: ``"all"``, ``"semi_hard"`` or ``"hard"``; the last may collapse early in training.

    Returns:
        A scalar, as of ``softmax``.

    Raises:
        ArgumentError: shapes do not agree, ``margin`` is not positive, or unknown ``mining``.

    >>> import torch
    >>> triplet(torch.tensor([0.5]), torch.tensor([[0.75, 0.25]]), margin=0.5).item()  # 0.5 - 0.5 + 0.25
    0.25
    """
    need_number("triplet.margin", margin, above=0.0)
    if mining not in ("all", "semi_hard", "hard"):
        raise ArgumentError("triplet.mining", received=mining, expected='"all", "semi_hard" or "hard"')
    rows = compare("triplet", positives, negatives, log_weights, exclude, weights)
    if mining == "all":
        return rows.mean(_active(rows, (margin - rows.positives + rows.negatives).relu()))
    negative = rows.highest() if mining == "hard" else _semi_hard(rows)
    return rows.mean((margin - rows.positives[:, 0] + negative).relu())


def _active(rows: Compared, losses: Tensor) -> Tensor:
    """Average of ``[B, N]`` losses over those above 0."""
    shares = rows.log_weights.softmax(1) * (losses.detach() > 0)
    total = shares.sum(1)
    return (losses * shares).sum(1) / total.where(total > 0, 1.0)


def _semi_hard(rows: Compared) -> Tensor:
    floor = lowest(rows.negatives.dtype)
    below = ~rows.left_out & (rows.negatives < rows.positives)
    highest_below = rows.negatives.masked_fill(~below, floor).amax(1)
    lowest_of_all = rows.negatives.masked_fill(rows.left_out, -floor).amin(1)
    return highest_below.where(below.any(1), lowest_of_all)
