"""sampled_softmax against written-out arithmetic and its reference."""

from math import exp, log

import pytest
import torch

from shortlist.errors import ArgumentError
from shortlist.losses import _softmax_passes as softmax_module
from shortlist.losses import sampled_softmax
from shortlist.losses._pairs import scores_at_once
from shortlist.testing._losses import (
    check_softmax_gradients,
    check_softmax_on_nothing,
    check_softmax_values,
    softmax_reference,
)

QUERY = torch.tensor([[1.0, 0.0]])
POSITIVE = torch.tensor([[2.0, 0.0]])
NEGATIVES = torch.tensor([[1.0, 0.0], [0.0, 7.0], [-1.0, 0.0]])  # scores 1, 0, -1


def test_loss_is_minus_log_share_of_the_positive() -> None:
    loss = sampled_softmax(QUERY, POSITIVE, NEGATIVES)
    assert loss.item() == pytest.approx(-log(exp(2) / (exp(2) + exp(1) + exp(0) + exp(-1))))


def test_temperature_divides_the_scores() -> None:
    loss = sampled_softmax(QUERY, POSITIVE, NEGATIVES, temperature=0.5)
    assert loss.item() == pytest.approx(-log(exp(4) / (exp(4) + exp(2) + exp(0) + exp(-2))))


def test_log_weights_are_added_after_the_temperature() -> None:
    loss = sampled_softmax(
        QUERY,
        POSITIVE,
        NEGATIVES,
        temperature=0.5,
        log_weights=torch.tensor([2.0, 3.0, 5.0]).log(),
        positive_log_weights=torch.tensor([7.0]).log(),
    )
    assert loss.item() == pytest.approx(
        -log(7 * exp(4) / (7 * exp(4) + 2 * exp(2) + 3 * exp(0) + 5 * exp(-2)))
    )


def test_a_weight_of_two_is_two_columns() -> None:
    once = sampled_softmax(QUERY, POSITIVE, NEGATIVES, log_weights=torch.tensor([2.0, 1.0, 1.0]).log())
    assert once.item() == pytest.approx(sampled_softmax(QUERY, POSITIVE, NEGATIVES[[0, 0, 1, 2]]).item())


def test_excluded_pairs_leave_the_sum() -> None:
    pairs = (torch.tensor([0, 0]), torch.tensor([1, 0]))
    loss = sampled_softmax(QUERY, POSITIVE, NEGATIVES, exclude=pairs)
    assert loss.item() == pytest.approx(-log(exp(2) / (exp(2) + exp(-1))))


def test_a_weight_of_zero_is_no_column() -> None:
    nothing = torch.tensor([0.0, 0.0, 0.0]).log()
    assert sampled_softmax(QUERY, POSITIVE, NEGATIVES, log_weights=nothing).item() == 0.0
    one = sampled_softmax(QUERY, POSITIVE, NEGATIVES, log_weights=torch.tensor([0.0, 1.0, 0.0]).log())
    assert one.item() == pytest.approx(-log(exp(2) / (exp(2) + exp(0))))


def test_row_without_negatives_loses_nothing() -> None:
    query = QUERY.clone().requires_grad_()
    loss = sampled_softmax(
        query, POSITIVE, NEGATIVES, exclude=(torch.zeros(3, dtype=torch.int64), torch.arange(3))
    )
    loss.backward()
    assert loss.item() == 0.0
    assert query.grad is not None
    assert query.grad.tolist() == [[0.0, 0.0]]


def test_weights_make_a_weighted_mean() -> None:
    queries = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    one, two = (sampled_softmax(q[None], q[None], NEGATIVES).item() for q in queries)
    loss = sampled_softmax(queries, queries, NEGATIVES, weights=torch.tensor([3.0, 1.0]))
    assert loss.item() == pytest.approx((3 * one + 1 * two) / 4)


def test_extreme_scores_stay_finite() -> None:
    query = torch.tensor([[1.0, 0.0]], requires_grad=True)
    loss = sampled_softmax(query, -POSITIVE, NEGATIVES, temperature=1e-4)
    loss.backward()
    assert loss.item() == pytest.approx(3 / 1e-4)
    assert query.grad is not None
    assert query.grad.isfinite().all()


def test_temperature_is_trained_when_it_is_a_tensor() -> None:
    temperature = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    vectors = [part.double() for part in (QUERY, POSITIVE, NEGATIVES)]
    received = torch.autograd.grad(sampled_softmax(*vectors, temperature=temperature), temperature)
    expected = torch.autograd.grad(softmax_reference(*vectors, temperature=temperature), temperature)
    torch.testing.assert_close(received, expected)


@pytest.mark.parametrize("chunk_scores", [1, 20, 10**6])
def test_equals_the_reference_however_it_is_cut(monkeypatch: pytest.MonkeyPatch, chunk_scores: int) -> None:
    monkeypatch.setattr(softmax_module, "_CHUNK_SCORES", chunk_scores)
    check_softmax_values(sampled_softmax, rows=7, columns=5, seed=3)


def test_gradients_equal_finite_differences() -> None:
    check_softmax_gradients(sampled_softmax, seed=1)


def test_empty_inputs() -> None:
    check_softmax_on_nothing(sampled_softmax)


def test_bfloat16_products_stay_close_to_float32() -> None:
    generator = torch.Generator().manual_seed(0)
    queries, positives, negatives = (
        torch.nn.functional.normalize(torch.randn(n, 32, generator=generator), dim=1).requires_grad_()
        for n in (200, 200, 300)
    )
    exact = sampled_softmax(queries, positives, negatives, temperature=0.1)
    exact_grads = torch.autograd.grad(exact, (queries, positives, negatives))
    with torch.autocast("cpu", torch.bfloat16):
        fast = sampled_softmax(queries, positives, negatives, temperature=0.1)
    assert fast.dtype == torch.float32
    assert fast.item() != exact.item()
    assert fast.item() == pytest.approx(exact.item(), rel=2e-3)
    for left, right in zip(
        exact_grads, torch.autograd.grad(fast, (queries, positives, negatives)), strict=True
    ):
        assert right.dtype == torch.float32
        assert (left - right).norm() < 0.01 * left.norm()


def test_no_gradients_are_made_without_grad_mode() -> None:
    with torch.no_grad():
        loss = sampled_softmax(QUERY.clone().requires_grad_(), POSITIVE, NEGATIVES)
    assert not loss.requires_grad
    assert loss.item() == pytest.approx(sampled_softmax(QUERY, POSITIVE, NEGATIVES).item())


def test_backward_scales_with_what_follows() -> None:
    query = QUERY.clone().requires_grad_()
    (once,) = torch.autograd.grad(sampled_softmax(query, POSITIVE, NEGATIVES), query)
    (thrice,) = torch.autograd.grad(3 * sampled_softmax(query, POSITIVE, NEGATIVES), query)
    torch.testing.assert_close(thrice, 3 * once)


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"queries \(1, 2\), positives \(1, 2\), negatives \(3, 1\)"):
        sampled_softmax(QUERY, POSITIVE, NEGATIVES[:, :1])
    with pytest.raises(ArgumentError, match=r"sampled_softmax.log_weights: expected \(3,\); received \(2,\)"):
        sampled_softmax(QUERY, POSITIVE, NEGATIVES, log_weights=torch.zeros(2))
    with pytest.raises(ArgumentError, match=r"positive_log_weights: expected \(1,\)"):
        sampled_softmax(QUERY, POSITIVE, NEGATIVES, positive_log_weights=torch.zeros(2))
    with pytest.raises(ArgumentError, match=r"sampled_softmax.weights"):
        sampled_softmax(QUERY, POSITIVE, NEGATIVES, weights=torch.ones(2))
    with pytest.raises(ArgumentError, match=r"temperature: expected a number > 0; received 0"):
        sampled_softmax(QUERY, POSITIVE, NEGATIVES, temperature=0)


@pytest.mark.parametrize(
    "pairs",
    [([0], [0, 1]), ([1], [0]), ([0], [3]), ([0], [-1])],
    ids=["lengths", "row", "column", "negative"],
)
def test_exclude_must_be_pairs_of_existing_rows_and_columns(pairs: tuple[list[int], list[int]]) -> None:
    with pytest.raises(ArgumentError, match=r"sampled_softmax.exclude: expected two int64 tensors"):
        sampled_softmax(QUERY, POSITIVE, NEGATIVES, exclude=(torch.tensor(pairs[0]), torch.tensor(pairs[1])))


def test_an_accelerator_holds_larger_pieces() -> None:
    assert scores_at_once(torch.empty(0), 8) == 8
    assert scores_at_once(torch.empty(0, device="meta"), 8) == 256
