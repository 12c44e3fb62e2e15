"""Pointwise losses: the conformance suite, and each against written-out arithmetic."""

from functools import partial
from math import exp, log

import pytest
import torch
from torch import Tensor

from shortlist import losses
from shortlist.errors import ArgumentError
from shortlist.testing._list_losses import check_point_gradients, check_point_precision, check_point_weights

YES_OR_NO = torch.tensor([1.0, 0.0, 0.3, 1.0], dtype=torch.float64)
AMOUNTS = torch.tensor([2.0, 0.0, 0.5, 30.0], dtype=torch.float64)
FAMILY = {
    "binary_cross_entropy": (losses.binary_cross_entropy, YES_OR_NO),
    "binary_cross_entropy smoothed": (partial(losses.binary_cross_entropy, label_smoothing=0.1), YES_OR_NO),
    "focal": (losses.focal, YES_OR_NO),
    "focal weighted": (partial(losses.focal, gamma=0.5, alpha=0.25), YES_OR_NO),
    "watch_time": (losses.watch_time, AMOUNTS),
    "watch_time exact": (partial(losses.watch_time, exact=True), AMOUNTS),
    "squared_error": (losses.squared_error, AMOUNTS),
    "huber": (losses.huber, AMOUNTS),
    "huber wide": (partial(losses.huber, delta=5.0), AMOUNTS),
}
every = pytest.mark.parametrize("name", FAMILY)


@every
def test_gradients_equal_finite_differences(name: str) -> None:
    check_point_gradients(*FAMILY[name], seed=3)


@every
def test_weights_and_order(name: str) -> None:
    check_point_weights(*FAMILY[name], seed=1)


@every
def test_extremes_and_half_precision(name: str) -> None:
    check_point_precision(*FAMILY[name], seed=4)


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


X, V = 0.4, -1.5  # predictions of a row with label 1 or amount 3, and of one with 0
ONE, ZERO = -log(sigmoid(X)), -log(1 - sigmoid(V))
BY_HAND = {
    "binary_cross_entropy": (ONE + ZERO) / 2,
    "binary_cross_entropy smoothed": (
        0.95 * ONE - 0.05 * log(1 - sigmoid(X)) + 0.95 * ZERO - 0.05 * log(sigmoid(V))
    )
    / 2,
    "focal": ((1 - sigmoid(X)) ** 2 * ONE + sigmoid(V) ** 2 * ZERO) / 2,
    "focal weighted": (0.25 * (1 - sigmoid(X)) ** 0.5 * ONE + 0.75 * sigmoid(V) ** 0.5 * ZERO) / 2,
    "watch_time": (3 * ONE + ZERO) / 2,
    "watch_time exact": (3 * ONE - log(1 - sigmoid(X)) + ZERO) / 2,
    "squared_error": ((X - 3) ** 2 + V**2) / 2,
    "huber": (1 * (3 - X - 0.5) + 1 * (-V - 0.5)) / 2,
    "huber wide": ((X - 3) ** 2 / 2 + V**2 / 2) / 2,
}


@every
def test_by_hand(name: str) -> None:
    label = 1 if FAMILY[name][1] is YES_OR_NO else 3
    predictions = torch.tensor([X, V], dtype=torch.float64)
    assert FAMILY[name][0](predictions, torch.tensor([label, 0])).item() == pytest.approx(BY_HAND[name])


@pytest.mark.parametrize(("exact", "expected"), [(False, (20 + 40) / 3), (True, (20 + 40) / 5)])
def test_odds_tend_to_the_expected_watch_time(exact: bool, expected: float) -> None:
    """Two of five impressions were clicked, and watched for 20 and 40 seconds."""
    watched = torch.tensor([20.0, 40.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    for _ in range(200):
        (grad,) = torch.autograd.grad(losses.watch_time(x.expand(5), watched, exact=exact), x)
        x = (x - grad).detach().requires_grad_()
    assert x.exp().item() == pytest.approx(expected)


def test_focal_without_gamma_is_cross_entropy() -> None:
    predictions = torch.tensor([0.3, -2.0, 1.0, 5.0], dtype=torch.float64)
    expected = losses.binary_cross_entropy(predictions, YES_OR_NO)
    torch.testing.assert_close(losses.focal(predictions, YES_OR_NO, gamma=0.0), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            partial(losses.binary_cross_entropy, label_smoothing=2.0),
            r"label_smoothing: expected a number in \[0, 1\]",
        ),
        (partial(losses.focal, gamma=-1.0), r"focal\.gamma: expected a number >= 0; received -1"),
        (partial(losses.focal, alpha=1.1), r"focal\.alpha: expected a number in \[0, 1\]"),
        (partial(losses.huber, delta=0.0), r"huber\.delta: expected a number > 0"),
    ],
)
def test_options_out_of_range(call: "partial[Tensor]", message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call(torch.zeros(2), torch.zeros(2))


@every
def test_shapes_that_do_not_agree(name: str) -> None:
    loss, word = FAMILY[name][0], name.split(" ", maxsplit=1)[0]
    with pytest.raises(
        ArgumentError, match=rf"^{word}: expected .* \[B\]; received predictions \(2,\) and labels"
    ):
        loss(torch.zeros(2), torch.zeros(3))
    with pytest.raises(ArgumentError, match=rf"{word}\.weights: expected \[B\] = \(2,\)"):
        loss(torch.zeros(2), torch.zeros(2), weights=torch.zeros(3))
