"""Cross-entropy of classes."""

import math

import pytest
import torch

from shortlist.errors import ArgumentError
from shortlist.losses import cross_entropy

LOGITS = torch.tensor([[0.0, math.log(3.0)], [0.0, 0.0]])


def test_cross_entropy_is_minus_the_log_of_the_share():
    labels = torch.tensor([1, 0])
    one, two = -math.log(3 / 4), -math.log(1 / 2)
    assert cross_entropy(LOGITS, labels).item() == pytest.approx((one + two) / 2, rel=1e-6)
    weights = torch.tensor([3.0, 1.0])
    assert cross_entropy(LOGITS, labels, weights=weights).item() == pytest.approx(
        (3 * one + two) / 4, rel=1e-6
    )
    smooth = 0.9 * one + 0.1 * (-math.log(3 / 4) - math.log(1 / 4)) / 2
    got = cross_entropy(LOGITS[:1], labels[:1], label_smoothing=0.1)
    assert got.item() == pytest.approx(smooth, rel=1e-6)


def test_nothing_costs_nothing():
    assert cross_entropy(LOGITS[:0], torch.zeros(0)).item() == 0.0
    assert cross_entropy(LOGITS, torch.tensor([1, 0]), weights=torch.zeros(2)).item() == 0.0


def test_what_does_not_fit_is_refused():
    with pytest.raises(ArgumentError, match=r"\[B, C\] and \[B\]"):
        cross_entropy(LOGITS[0], torch.tensor([1, 0]))
    with pytest.raises(ArgumentError, match=r"cross_entropy\.labels"):
        cross_entropy(LOGITS, torch.tensor([2, 0]))
    with pytest.raises(ArgumentError, match="label_smoothing"):
        cross_entropy(LOGITS, torch.tensor([1, 0]), label_smoothing=2.0)
