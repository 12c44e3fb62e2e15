"""What a small model may learn from a large one."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.losses._labelled import labelled
from shortlist.losses._weights import mean, shares

__all__ = ["distillation"]


def distillation(
    predictions: Tensor,
    labels: Tensor,
    *,
    weights: Tensor | None = None,
    kind: Literal["probability", "score"] = "probability",
    temperature: float = 1.0,
) -> Tensor:
    """Weighted mean distance of logits x from a teacher's log odds t.

    As probabilities ``T^2 KL(sigmoid(t / T) | sigmoid(x / T))``, 0 where they are equal, its slopes of one
    size whatever T; as scores ``(x - t)^2 / 2``, which needs no probabilities. Source: Hinton, Vinyals and
    Dean, "Distilling the knowledge in a neural network", 2015 (arXiv 1503.02531).

    Args:
        predictions: ``[B]`` logits x of the student.
        labels: ``[B]`` log odds, or scores, t of the teacher.
        weights: ``[B]``, each >= 0; None is equal weights.
        kind: ``"probability"`` or ``"score"``.
        temperature: T > 0; above 1 softens both.

    Returns:
        A scalar; 0 for an empty batch or weights that are all zero.

    Raises:
        ArgumentError: shapes differ, the kind is unknown, or the temperature is not above 0.

    >>> distillation(torch.tensor([1.0, 3.0]), torch.ones(2), kind="score").item()     # (0 + 2) / 2
    1.0
    """
    if kind not in ("probability", "score") or not temperature > 0:
        raise ArgumentError(
            "distillation",
            received=f"kind={kind!r}, temperature={temperature}",
            expected="'probability' or 'score', and a temperature above 0",
        )
    logits, teacher = labelled("distillation", predictions, labels)
    if kind == "score":
        losses = (logits - teacher).square() / 2
    else:
        soft = torch.sigmoid(teacher / temperature)
        crossed = functional.binary_cross_entropy_with_logits(logits / temperature, soft, reduction="none")
        own = functional.binary_cross_entropy_with_logits(teacher / temperature, soft, reduction="none")
        losses = temperature**2 * (crossed - own)
    return mean(losses, shares(weights, logits, "distillation"))
