"""The family of score losses: the conformance suite, and each against written-out arithmetic."""

from functools import partial
from math import exp, log

import pytest
import torch
from torch import Tensor

from shortlist import losses
from shortlist.errors import ArgumentError
from shortlist.testing._score_losses import (
    check_score_gradients,
    check_score_invariances,
    check_score_precision,
    check_score_rows_without_negatives,
    check_score_shift,
    check_score_training,
    check_score_weights,
)

SHIFTS_AWAY = {
    "softmax": losses.softmax,
    "softmax smoothed": partial(losses.softmax, label_smoothing=0.2),
    "bpr": losses.bpr,
    "bpr_max unregularized": partial(losses.bpr_max, regularization=0.0),
    "hinge": losses.hinge,
    "adaptive_hinge": losses.adaptive_hinge,
    "warp": partial(losses.warp, catalogue=50),
    "warp of few trials": partial(losses.warp, catalogue=50, max_trials=3),
    "wmrb": losses.wmrb,
    "wmrb of a catalogue": partial(losses.wmrb, catalogue=50),
    "triplet all": partial(losses.triplet, mining="all"),
    "triplet semi-hard": losses.triplet,
    "triplet hard": partial(losses.triplet, mining="hard"),
}
SHIFTS = {
    "logistic": losses.logistic,
    "logistic mean": partial(losses.logistic, reduction="mean"),
    "gbce": partial(losses.gbce, catalogue=50),
    "bpr_max": losses.bpr_max,
    "top1": losses.top1,
    "top1_max": losses.top1_max,
    "contrastive": losses.contrastive,
    "cosine_contrastive": partial(losses.cosine_contrastive, margin=0.2),
}
FAMILY = SHIFTS_AWAY | SHIFTS
every = pytest.mark.parametrize("name", FAMILY)


@every
def test_gradients_equal_finite_differences(name: str) -> None:
    check_score_gradients(FAMILY[name], seed=3)


@every
def test_order_and_absence(name: str) -> None:
    check_score_invariances(FAMILY[name], seed=1, ordered=name.startswith("warp"))


@every
def test_weights_are_repetitions(name: str) -> None:
    check_score_weights(FAMILY[name], seed=2)


@every
def test_rows_without_negatives(name: str) -> None:
    check_score_rows_without_negatives(FAMILY[name])


@every
def test_extremes_and_half_precision(name: str) -> None:
    check_score_precision(FAMILY[name], seed=4)


@every
def test_shifted_scores(name: str) -> None:
    check_score_shift(FAMILY[name], seed=5, invariant=name in SHIFTS_AWAY)


@every
def test_descent_puts_positives_on_top(name: str) -> None:
    check_score_training(FAMILY[name])


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


P, N1, N2 = 0.7, 0.4, -0.3
W1, W2 = 2.0, 0.5
S1 = W1 * exp(N1) / (W1 * exp(N1) + W2 * exp(N2))  # softmax over the negatives, by weight
S2 = 1 - S1
BY_HAND = {
    "softmax": -log(exp(P) / (exp(P) + W1 * exp(N1) + W2 * exp(N2))),
    "softmax smoothed": log(exp(P) + W1 * exp(N1) + W2 * exp(N2))
    - (0.8 * P + 0.2 * (P + W1 * N1 + W2 * N2) / (1 + W1 + W2)),
    "logistic": -log(sigmoid(P)) - W1 * log(1 - sigmoid(N1)) - W2 * log(1 - sigmoid(N2)),
    "logistic mean": (-log(sigmoid(P)) - W1 * log(1 - sigmoid(N1)) - W2 * log(1 - sigmoid(N2)))
    / (1 + W1 + W2),
    "gbce": (
        -(2.5 / 49) * (0.75 * (1 - 49 / 2.5) + 49 / 2.5) * log(sigmoid(P))
        - W1 * log(1 - sigmoid(N1))
        - W2 * log(1 - sigmoid(N2))
    )
    / (1 + W1 + W2),
    "bpr": -(W1 * log(sigmoid(P - N1)) + W2 * log(sigmoid(P - N2))) / (W1 + W2),
    "bpr_max": -log(S1 * sigmoid(P - N1) + S2 * sigmoid(P - N2)) + 1.0 * (S1 * N1**2 + S2 * N2**2),
    "bpr_max unregularized": -log(S1 * sigmoid(P - N1) + S2 * sigmoid(P - N2)),
    "top1": (W1 * (sigmoid(N1 - P) + sigmoid(N1**2)) + W2 * (sigmoid(N2 - P) + sigmoid(N2**2))) / (W1 + W2),
    "top1_max": S1 * (sigmoid(N1 - P) + sigmoid(N1**2)) + S2 * (sigmoid(N2 - P) + sigmoid(N2**2)),
    "hinge": (W1 * (1 - P + N1) + W2 * 0) / (W1 + W2),  # 1 - 0.7 - 0.3 = 0
    "adaptive_hinge": 1 - P + N1,
    "warp": sum(1 / i for i in range(1, 50)) * (1 - P + N1),  # the first draw violates: rank 49 / 1
    "warp of few trials": sum(1 / i for i in range(1, 50)) * (1 - P + N1),
    "wmrb": log(1 + W1 * (1 - P + N1) + W2 * 0),
    "wmrb of a catalogue": log(1 + 50 * (W1 * (1 - P + N1) + W2 * 0) / (W1 + W2)),
    "triplet all": 0.0,  # 0.2 - 0.7 + 0.4 < 0
    "triplet semi-hard": 0.0,
    "triplet hard": 0.0,
    "contrastive": ((1 - P) ** 2 + (W1 * 0 + W2 * 0) / (W1 + W2)) / 2,  # 0.5 - 1 + 0.4 < 0
    "cosine_contrastive": (1 - P) + 10 * (W1 * (N1 - 0.2) + W2 * 0) / (W1 + W2),
}


@every
def test_by_hand(name: str) -> None:
    weights = torch.tensor([W1, W2], dtype=torch.float64).log()
    loss = FAMILY[name](
        torch.tensor([P], dtype=torch.float64),
        torch.tensor([[N1, N2]], dtype=torch.float64),
        log_weights=weights,
    )
    assert loss.item() == pytest.approx(BY_HAND[name], abs=1e-12)


def scores(positive: float, *negatives: float) -> tuple[Tensor, Tensor]:
    return torch.tensor([positive], dtype=torch.float64), torch.tensor([negatives], dtype=torch.float64)


@pytest.mark.parametrize(
    ("mining", "expected"),
    [
        (
            "all",
            ((0.5 - 0.4 + 0.9) + (0.5 - 0.4 + 0.3)) / 2,
        ),  # -0.8 is no active triplet: 0.5 - 0.4 - 0.8 < 0
        ("semi_hard", 0.5 - 0.4 + 0.3),  # the highest below 0.4
        ("hard", 0.5 - 0.4 + 0.9),
    ],
)
def test_triplet_mining(mining: str, expected: float) -> None:
    loss = losses.triplet(*scores(0.4, 0.9, -0.8, 0.3), margin=0.5, mining=mining)
    assert loss.item() == pytest.approx(expected)


def test_triplet_semi_hard_takes_the_lowest_where_none_is_below() -> None:
    assert losses.triplet(*scores(0.1, 0.9, 0.6), margin=0.5).item() == pytest.approx(0.5 - 0.1 + 0.6)


def test_contrastive_pushes_what_is_within_the_margin() -> None:
    loss = losses.contrastive(*scores(0.8, 0.9, 0.1), margin=0.5)
    assert loss.item() == pytest.approx((0.2**2 + ((0.9 - 0.5) ** 2 + 0) / 2) / 2)


def test_gbce_between_bce_and_calibrated() -> None:
    case = scores(0.3, 0.2, -0.4, 0.1)
    plain = losses.gbce(*case, catalogue=7, t=0.0)
    torch.testing.assert_close(plain, losses.logistic(*case, reduction="mean"))
    calibrated = losses.gbce(*case, catalogue=7, t=1.0)  # b is the sampling rate, 3 of 6
    assert (plain - calibrated).item() == pytest.approx(-0.5 * log(sigmoid(0.3)) / 4)
    everything = losses.gbce(*case, catalogue=4, t=1.0)  # all negatives there are: nothing to calibrate
    torch.testing.assert_close(everything, plain)


def test_gbce_calibrates() -> None:
    """Trained on one item of 2 with 1 of 20 negatives drawn each time, t = 1 finds the true probability."""
    score = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    for _ in range(
        300
    ):  # an item is positive with 0.3; else it stands among the negatives at the rate 1 / 20
        positive = losses.gbce(score[:1], scores(0.0, -100.0)[1], catalogue=21, t=1.0)
        negative = losses.gbce(scores(100.0)[0], score[:1, None], catalogue=21, t=1.0)
        (grad,) = torch.autograd.grad(0.3 * positive + 0.7 / 20 * negative, score)
        score = (score - 50 * grad).detach().requires_grad_()
    assert sigmoid(score[0].item()) == pytest.approx(0.3, abs=1e-6)


def harmonic(k: int) -> float:
    return sum(1 / i for i in range(1, k + 1))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, harmonic(30 // 3) * (1 - 1.5 + 0.9)),  # 0.2 and -1 do not violate: two draws before the third
        ({"max_trials": 3}, harmonic(30 // 3) * (1 - 1.5 + 0.9)),
        ({"max_trials": 2}, 0.0),
        ({"exclude": torch.tensor([[True, False, False, False]])}, harmonic(30 // 2) * (1 - 1.5 + 0.9)),
        ({"exclude": torch.tensor([[False, False, True, False]])}, harmonic(30 // 3) * (1 - 1.5 + 2.0)),
        ({"log_weights": torch.tensor([3.0, 1.0, 1.0, 1.0]).log()}, harmonic(30 // 5) * (1 - 1.5 + 0.9)),
    ],
)
def test_warp_counts_draws(options: dict[str, object], expected: float) -> None:
    loss = losses.warp(*scores(1.5, 0.2, -1.0, 0.9, 2.0), catalogue=31, **options)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_warp_finds_nothing_to_do() -> None:
    assert losses.warp(*scores(3.0, 0.2, 1.9), catalogue=31).item() == 0.0


def test_warp_draws_in_random_order_of_a_seed() -> None:
    case = scores(0.5, 0.0, 0.1, 0.2, 0.3)
    case = (case[0].expand(4000), case[1].expand(4000, 4))
    once, again, other = (losses.warp(*case, catalogue=9, seed=seed) for seed in (0, 0, 1))
    assert once.item() == again.item() != other.item()
    mean = harmonic(8) * sum(1 - 0.5 + n for n in (0.0, 0.1, 0.2, 0.3)) / 4  # all violate at the first draw
    assert once.item() == pytest.approx(mean, rel=0.01)
    assert losses.warp(*case, catalogue=9).item() == pytest.approx(harmonic(8) * 0.5)


def test_warp_estimates_the_rank() -> None:
    """With seven of 70 items above, a tenth of the draws violates."""
    generator = torch.Generator().manual_seed(0)
    violates = torch.rand(4000, 400, generator=generator) < 0.1
    loss = losses.warp(torch.full((4000,), 2.0), torch.where(violates, 2.0, 0.0), catalogue=71)
    estimates = [harmonic(70 // draws) * 0.1 * 0.9 ** (draws - 1) for draws in range(1, 400)]
    assert loss.item() == pytest.approx(sum(estimates), rel=0.03)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            partial(losses.softmax, label_smoothing=1.5),
            r"softmax\.label_smoothing: expected a number in \[0, 1\]",
        ),
        (partial(losses.logistic, reduction="max"), r'logistic\.reduction: expected "sum" or "mean"'),
        (partial(losses.gbce, catalogue=1), r"gbce\.catalogue: expected a number >= 2; received 1"),
        (partial(losses.gbce, catalogue=9, t=-0.1), r"gbce\.t: expected a number in \[0, 1\]"),
        (partial(losses.bpr_max, regularization=-1.0), r"bpr_max\.regularization: expected a number >= 0"),
        (partial(losses.hinge, margin=0.0), r"hinge\.margin: expected a number > 0; received 0"),
        (partial(losses.adaptive_hinge, margin=-1.0), r"adaptive_hinge\.margin: expected a number > 0"),
        (partial(losses.triplet, margin=0.0), r"triplet\.margin: expected a number > 0"),
        (partial(losses.triplet, mining="soft"), r'triplet\.mining: expected "all", "semi_hard" or "hard"'),
        (partial(losses.contrastive, margin=0.0), r"contrastive\.margin: expected a number > 0"),
        (
            partial(losses.cosine_contrastive, margin=-2.0),
            r"cosine_contrastive\.margin: expected a number >= -1",
        ),
        (partial(losses.cosine_contrastive, negative_weight=0.0), r"negative_weight: expected a number > 0"),
        (partial(losses.warp, catalogue=1), r"warp\.catalogue: expected a number >= 2"),
        (partial(losses.warp, catalogue=9, max_trials=0), r"warp\.max_trials: expected a number >= 1"),
        (partial(losses.wmrb, margin=0.0), r"wmrb\.margin: expected a number > 0"),
        (partial(losses.wmrb, catalogue=0), r"wmrb\.catalogue: expected a number > 0"),
    ],
)
def test_options_out_of_range(call: "partial[Tensor]", message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call(torch.zeros(1), torch.zeros(1, 2))


@every
def test_shapes_that_do_not_agree(name: str) -> None:
    loss, word = FAMILY[name], name.split(" ", maxsplit=1)[0]
    p, n = torch.zeros(2), torch.zeros(2, 3)
    with pytest.raises(
        ArgumentError, match=rf"^{word}: expected scores \[B\] and \[B, N\]; received .*\(2, 3\)"
    ):
        loss(n, n)
    with pytest.raises(ArgumentError, match=r"positives \(2,\) and negatives \(1, 3\)"):
        loss(p, n[:1])
    with pytest.raises(
        ArgumentError, match=rf"{word}\.log_weights: expected \[N\] = \(3,\) or \[B, N\] = \(2, 3\)"
    ):
        loss(p, n, log_weights=torch.zeros(2))
    with pytest.raises(
        ArgumentError, match=rf"{word}\.exclude: expected torch\.bool \[B, N\] = \(2, 3\); received"
    ):
        loss(p, n, exclude=torch.zeros(2, 3))
    with pytest.raises(ArgumentError, match=rf"{word}\.weights: expected \[B\] = \(2,\)"):
        loss(p, n, weights=torch.zeros(3))
