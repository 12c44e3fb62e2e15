"""binary_cross_entropy against written-out arithmetic."""

from math import exp, log

import pytest
import torch

from shortlist.errors import ArgumentError
from shortlist.losses import binary_cross_entropy


def test_mean_of_minus_log_likelihoods() -> None:
    loss = binary_cross_entropy(torch.tensor([2.0, -1.0]), torch.tensor([1, 0]))
    assert loss.item() == pytest.approx((log(1 + exp(-2)) + log(1 + exp(-1))) / 2)


def test_weights_make_a_weighted_mean() -> None:
    loss = binary_cross_entropy(
        torch.tensor([2.0, -1.0]), torch.tensor([1, 0]), weights=torch.tensor([1.0, 3.0])
    )
    assert loss.item() == pytest.approx((1 * log(1 + exp(-2)) + 3 * log(1 + exp(-1))) / 4)


def test_soft_labels_mix_both_sides() -> None:
    loss = binary_cross_entropy(torch.tensor([0.5]), torch.tensor([0.25]))
    assert loss.item() == pytest.approx(0.25 * log(1 + exp(-0.5)) + 0.75 * log(1 + exp(0.5)))


def test_extreme_logits_stay_finite_and_half_precision_is_widened() -> None:
    logits = torch.tensor([1e4, -1e4], dtype=torch.bfloat16, requires_grad=True)
    loss = binary_cross_entropy(logits, torch.tensor([0, 1]))
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(1e4, rel=1e-2)
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("rows", [0, 2])
def test_nothing_to_learn_from_gives_zero(rows: int) -> None:
    logits = torch.ones(rows, requires_grad=True)
    loss = binary_cross_entropy(logits, torch.zeros(rows), weights=torch.zeros(rows))
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert logits.grad.tolist() == [0.0] * rows


def test_gradient_equals_finite_differences() -> None:
    logits = torch.tensor([0.3, -2.0], dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([1.0, 2.0])
    assert torch.autograd.gradcheck(
        lambda x: binary_cross_entropy(x, torch.tensor([1, 0]), weights=weights), (logits,)
    )


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"predictions \(2,\) and labels \(3,\)"):
        binary_cross_entropy(torch.zeros(2), torch.zeros(3))
    with pytest.raises(ArgumentError, match=r"binary_cross_entropy.weights"):
        binary_cross_entropy(torch.zeros(2), torch.zeros(2), weights=torch.zeros(3))
