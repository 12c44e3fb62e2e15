"""Losses that pull a positive to a fixed place and push negatives off to a margin; for cosines."""

from torch import Tensor

from shortlist.losses._compared import compare, need_number

__all__ = ["contrastive", "cosine_contrastive"]


def contrastive(
    positives: Tensor,
    negatives: Tensor,
    *,
    log_weights: Tensor | None = None,
    exclude: Tensor | None = None,
    weights: Tensor | None = None,
    margin: float = 0.5,
) -> Tensor:
    """Pulls the positive in and pushes negatives out to a distance, by squares.

    A score is a cosine, and its distance is 1 minus it. With p a row's positive score and n_j its negatives,
    whose average is taken by weight, a row loses::

        (1 - p)^2 / 2 + mean_j max(0, margin - (1 - n_j))^2 / 2

    The weights of a row count relative to each other. Source: Hadsell, Chopra, LeCun, "Dimensionality
    reduction by learning an invariant mapping", CVPR 2006.

    Args:
        positives: ``[B]``, cosines.
        negatives: ``[B, N]``.
        log_weights: ``[N]`` or ``[B, N]``, as of ``softmax``.
        exclude: bool ``[B, N]``, true for negatives left out.
        weights: ``[B]`` of each row, >= 0.
        margin: > 0: the distance beyond which a negative is left alone.

    Returns:
        A scalar, as of ``softmax``.

    Raises:
        ArgumentError: shapes do not agree, or ``margin`` is not positive.

    >>> import torch
    >>> contrastive(torch.tensor([0.5]), torch.tensor([[0.75, 0.0]])).item()  # 0.125 + (0.03125 + 0) / 2
    0.140625
    """
    need_number("contrastive.margin", margin, above=0.0)
    rows = compare("contrastive", positives, negatives, log_weights, exclude, weights)
    pushed = rows.average((margin - 1 + rows.negatives).relu().square())
    return rows.mean(((1 - rows.positives[:, 0]).square() + pushed) / 2)


def cosine_contrastive(
    positives: Tensor,
    negatives: Tensor,
    *,
    log_weights: Tensor | None = None,
    exclude: Tensor | None = None,
    weights: Tensor | None = None,
    margin: float = 0.9,
    negative_weight: float = 10.0,
) -> Tensor:
    """CCL: pulls the positive in, and pushes only those negatives that come closer than a margin.

    A score is a cosine. With p a row's positive score and n_j its negatives, whose average is taken by
    weight, a row loses::

        (1 - p) + negative_weight * mean_j max(0, n_j - margin)

    The weights of a row count relative to each other. Source: Mao et al., "SimpleX", CIKM 2021.

    Args:
        positives: ``[B]``, cosines.
        negatives: ``[B, N]``.
        log_weights: ``[N]`` or ``[B, N]``, as of ``softmax``.
        exclude: bool ``[B, N]``, true for negatives left out.
        weights: ``[B]`` of each row, >= 0.
        margin: the cosine below which a negative is left alone, in [-1, 1).
        negative_weight: > 0, of all negatives together; the paper's best are 1 to 1000, with many negatives.

    Returns:
        A scalar, as of ``softmax``.

    Raises:
        ArgumentError: shapes do not agree, ``margin`` is below -1, or ``negative_weight`` is not positive.

    >>> import torch
    >>> cosine_contrastive(torch.tensor([0.5]), torch.tensor([[0.75, 0.0]]), margin=0.5).item()  # .5 + 10 / 8
    1.75
    """
    need_number("cosine_contrastive.margin", margin, least=-1.0)
    need_number("cosine_contrastive.negative_weight", negative_weight, above=0.0)
    rows = compare("cosine_contrastive", positives, negatives, log_weights, exclude, weights)
    pushed = rows.average((rows.negatives - margin).relu())
    return rows.mean(1 - rows.positives[:, 0] + negative_weight * pushed)
