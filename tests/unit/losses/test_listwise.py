"""Listwise losses: the conformance suite, and each against written-out arithmetic."""

from functools import partial
from math import exp, log, log2

import pytest
import torch
from torch import Tensor

from shortlist import losses
from shortlist.errors import ArgumentError
from shortlist.losses import _lists as lists_module
from shortlist.testing._list_losses import (
    check_list_gradients,
    check_list_invariances,
    check_list_precision,
    check_list_training,
    check_lists_of_nothing,
)

FAMILY = {
    "list_net": losses.list_net,
    "list_net share": partial(losses.list_net, target="share"),
    "list_mle": losses.list_mle,
    "rank_net": losses.rank_net,
    "lambda_rank": losses.lambda_rank,
    "lambda_rank cut": partial(losses.lambda_rank, k=2, gain="linear"),
    "approx_ndcg": partial(losses.approx_ndcg, temperature=1.0),
    "approx_ndcg linear": partial(losses.approx_ndcg, gain="linear", temperature=0.7),
}
every = pytest.mark.parametrize("name", FAMILY)


@every
def test_gradients_equal_finite_differences(name: str) -> None:
    check_list_gradients(FAMILY[name], seed=3)


@every
def test_mean_order_and_shift(name: str) -> None:
    check_list_invariances(FAMILY[name], seed=1)


@every
def test_nothing(name: str) -> None:
    check_lists_of_nothing(FAMILY[name])


@every
def test_extremes_and_half_precision(name: str) -> None:
    check_list_precision(FAMILY[name], seed=4)


@every
def test_descent_finds_the_order(name: str) -> None:
    check_list_training(FAMILY[name])


A, B, C = 0.5, -0.2, 0.9  # scores; labels 2, 0, 1: ranks by score 2, 3, 1
Z = exp(A) + exp(B) + exp(C)
Y = exp(2) + exp(0) + exp(1)


def pair(better: float, worse: float) -> float:
    return log(1 + exp(worse - better))


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


IDEAL = 3 / log2(2) + 1 / log2(3)
RANKS = {  # smooth, at temperature 1
    "A": 1 + sigmoid(B - A) + sigmoid(C - A),
    "C": 1 + sigmoid(A - C) + sigmoid(B - C),
}
T = 0.7
SHARP = {
    "A": 1 + sigmoid((B - A) / T) + sigmoid((C - A) / T),
    "C": 1 + sigmoid((A - C) / T) + sigmoid((B - C) / T),
}
LINEAR_IDEAL = 2 / log2(2) + 1 / log2(3)
BY_HAND = {
    "list_net": -(exp(2) / Y * log(exp(A) / Z) + exp(0) / Y * log(exp(B) / Z) + exp(1) / Y * log(exp(C) / Z)),
    "list_net share": -(2 / 3 * log(exp(A) / Z) + 1 / 3 * log(exp(C) / Z)),
    "list_mle": -log(exp(A) / Z) - log(exp(C) / (exp(C) + exp(B))),
    "rank_net": (pair(A, B) + pair(A, C) + pair(C, B)) / 3,
    "lambda_rank": (
        3 * (1 / log2(3) - 1 / log2(4)) * pair(A, B)
        + 2 * (1 / log2(2) - 1 / log2(3)) * pair(A, C)
        + 1 * (1 / log2(2) - 1 / log2(4)) * pair(C, B)
    )
    / IDEAL,
    "lambda_rank cut": (
        2 * (1 / log2(3) - 0) * pair(A, B)
        + 1 * (1 / log2(2) - 1 / log2(3)) * pair(A, C)
        + 1 * (1 / log2(2) - 0) * pair(C, B)
    )
    / LINEAR_IDEAL,
    "approx_ndcg": 1 - (3 / log2(1 + RANKS["A"]) + 1 / log2(1 + RANKS["C"])) / IDEAL,
    "approx_ndcg linear": 1 - (2 / log2(1 + SHARP["A"]) + 1 / log2(1 + SHARP["C"])) / LINEAR_IDEAL,
}


@every
def test_by_hand(name: str) -> None:
    scores = torch.tensor([A, B, C], dtype=torch.float64)
    loss = FAMILY[name](scores, torch.tensor([2, 0, 1]), torch.tensor([0, 3]))
    assert loss.item() == pytest.approx(BY_HAND[name])


@pytest.mark.parametrize("name", ["list_net share", "rank_net", "lambda_rank", "approx_ndcg"])
def test_a_list_without_a_relevant_item_loses_nothing(name: str) -> None:
    assert FAMILY[name](torch.tensor([A, B]), torch.zeros(2), torch.tensor([0, 2])).item() == 0.0


def test_list_mle_takes_ties_in_the_order_given() -> None:
    loss = losses.list_mle(torch.tensor([A, B, C]), torch.tensor([1, 0, 1]), torch.tensor([0, 3]))
    assert loss.item() == pytest.approx(-log(exp(A) / Z) - log(exp(C) / (exp(C) + exp(B))))


def test_a_cold_approx_ndcg_is_ndcg() -> None:
    loss = losses.approx_ndcg(
        torch.tensor([A, B, C]), torch.tensor([2, 0, 1]), torch.tensor([0, 3]), temperature=1e-4
    )
    assert loss.item() == pytest.approx(1 - (3 / log2(3) + 1 / log2(2)) / IDEAL)


def test_ranks_are_within_lists_and_ties_by_position() -> None:
    scores = torch.tensor([1.0, 3.0, 1.0, 5.0, 9.0, 5.0])
    lists = lists_module.as_lists("x", scores, scores, torch.tensor([0, 3, 3, 6]), None)
    assert lists.ranks().tolist() == [2, 1, 3, 2, 1, 3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(losses.list_net, target="max"), r'list_net\.target: expected "softmax" or "share"'),
        (partial(losses.lambda_rank, k=0), r"lambda_rank\.k: expected an integer >= 1; received 0"),
        (
            partial(losses.lambda_rank, gain="square"),
            r'lambda_rank\.gain: expected "exponential" or "linear"',
        ),
        (
            partial(losses.approx_ndcg, gain="square"),
            r'approx_ndcg\.gain: expected "exponential" or "linear"',
        ),
        (partial(losses.approx_ndcg, temperature=0.0), r"approx_ndcg\.temperature: expected a number > 0"),
    ],
)
def test_options_out_of_range(call: "partial[Tensor]", message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call(torch.zeros(2), torch.zeros(2), torch.tensor([0, 2]))


@every
def test_shapes_that_do_not_agree(name: str) -> None:
    loss, word = FAMILY[name], name.split(" ", maxsplit=1)[0]
    with pytest.raises(
        ArgumentError, match=rf"^{word}: expected .* \[N\]; received scores \(2,\) and labels \(3,\)"
    ):
        loss(torch.zeros(2), torch.zeros(3), torch.tensor([0, 2]))
    for offsets in ([0, 1], [1, 2], [0, 3, 2], [[0, 2]], []):
        with pytest.raises(
            ArgumentError, match=rf"{word}\.offsets: expected \[B \+ 1\] numbers rising from 0 to N = 2"
        ):
            loss(torch.zeros(2), torch.zeros(2), torch.tensor(offsets, dtype=torch.int64))
    with pytest.raises(ArgumentError, match=rf"{word}\.weights: expected \[B\] = \(1,\)"):
        loss(torch.zeros(2), torch.zeros(2), torch.tensor([0, 2]), weights=torch.zeros(2))
