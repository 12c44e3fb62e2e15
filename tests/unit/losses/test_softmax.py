"""sampled_softmax against written-out arithmetic and its reference."""

from math import exp, log
from typing import Any

import pytest
import torch

from shortlist.errors import ArgumentError
from shortlist.losses import SharedQueries, sampled_softmax
from shortlist.losses import _softmax as softmax_module
from shortlist.losses import _softmax_passes as passes_module
from shortlist.losses import _softmax_sums as sums_module
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
    monkeypatch.setattr(passes_module, "CHUNK_SCORES", chunk_scores)
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


def _loss_and_gradients(
    vectors: list[torch.Tensor], of: torch.Tensor | None, options: dict[str, Any]
) -> list[torch.Tensor]:
    """Of the queries, given once each where ``of`` says which row has which, positives and negatives."""
    queries, positives, negatives = vectors
    given = queries if of is None else SharedQueries(queries, of)
    loss = sampled_softmax(given, positives, negatives, temperature=0.1, **options)
    return [loss.detach(), *torch.autograd.grad(loss, vectors)]


def _options(columns: int, of: torch.Tensor, generator: torch.Generator) -> dict[str, Any]:
    """Row 0 to 9 leave out their own column, all rows of query 1 the first three, others random ones."""
    first = (of == 1).nonzero()[:, 0]
    rows = torch.cat(
        [first, first, first, torch.arange(10), torch.randint(len(of), (40,), generator=generator)]
    )
    seconds = [torch.tensor([0, 1, 2]).repeat_interleave(len(first)), torch.arange(10)]
    log_weights = torch.randn(columns, generator=generator)
    log_weights[5] = -torch.inf
    return {
        "log_weights": log_weights,
        "positive_log_weights": torch.randn(len(of), generator=generator),
        "exclude": (rows, torch.cat([*seconds, torch.randint(columns, (40,), generator=generator)])),
        "weights": torch.rand(len(of), generator=generator),
    }


@pytest.mark.parametrize("chunk_scores", [1, 700, 10**6])
@pytest.mark.parametrize("fits", [True, False])
def test_repeated_queries_are_rows_of_their_own(
    monkeypatch: pytest.MonkeyPatch, chunk_scores: int, fits: bool
) -> None:
    monkeypatch.setattr(sums_module, "CHUNK_SCORES", chunk_scores)
    # In float32, so that the two ways to the same sums differ by rounding alone.
    monkeypatch.setattr(softmax_module, "sums_fit", lambda *_: fits)
    generator = torch.Generator().manual_seed(0)
    of = torch.randint(20, (60,), generator=generator)
    vectors = [
        torch.nn.functional.normalize(torch.randn(n, 8, generator=generator), dim=1).requires_grad_()
        for n in (22, 60, 30)
    ]
    expanded = [vectors[0][of].detach().requires_grad_(), *vectors[1:]]
    for options in ({}, {"exclude": (of[:0], of[:0])}, _options(30, of, generator)):
        received = _loss_and_gradients(vectors, of, options)
        expected = _loss_and_gradients(expanded, None, options)
        assert (expected[1] != 0).any()
        expected[1] = torch.zeros(22, 8).index_add_(0, of, expected[1])
        monkeypatch.setattr(softmax_module, "sums_fit", lambda *_: False)
        exact = _loss_and_gradients(expanded, None, options)
        monkeypatch.setattr(softmax_module, "sums_fit", lambda *_: fits)
        exact[1] = expected[1]
        for left, right, third in zip(received, expected, exact, strict=True):
            torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-6)
            torch.testing.assert_close(left, third, rtol=1e-4, atol=1e-6)


def test_what_one_row_leaves_out_may_outweigh_all_others() -> None:
    queries, of = torch.tensor([[1.0, 0.0]]), torch.tensor([0, 0])
    columns = torch.tensor([[30.0, 0.0], [1.0, 0.0], [0.5, 0.0]], requires_grad=True)
    pairs = (torch.tensor([0, 1]), torch.tensor([0, 1]))
    with torch.autocast("cpu", torch.bfloat16):
        loss = sampled_softmax(SharedQueries(queries, of), columns[:2], columns, exclude=pairs)
    one = log(1 + (exp(1) + exp(0.5)) / exp(30))
    two = log(1 + (exp(30) + exp(0.5)) / exp(1))
    assert loss.item() == pytest.approx((one + two) / 2, rel=1e-5)


def test_scores_beyond_float32_take_the_other_way() -> None:
    vectors = [20 * QUERY.clone().requires_grad_(), -POSITIVE, NEGATIVES]
    for scale in (1.0, 30.0):
        with torch.autocast("cpu", torch.bfloat16):
            loss = sampled_softmax(vectors[0], scale * vectors[1], scale * vectors[2])
        assert loss.item() == pytest.approx(60 * scale, rel=1e-3)
    weights = torch.tensor([80.0, 0.0, 0.0])
    with torch.autocast("cpu", torch.bfloat16):
        loss = sampled_softmax(QUERY, POSITIVE, NEGATIVES, log_weights=weights)
    assert loss.item() == pytest.approx(81 - 2)


def test_queries_of_rows_must_exist() -> None:
    with pytest.raises(ArgumentError, match=r"queries.of: expected numbers from 0 to 0; received .* 0 to 1"):
        sampled_softmax(SharedQueries(QUERY, torch.tensor([0, 1])), POSITIVE.repeat(2, 1), NEGATIVES)
    with pytest.raises(ArgumentError, match=r"positives \(1, 2\)"):
        sampled_softmax(SharedQueries(QUERY, torch.tensor([0, 0])), POSITIVE, NEGATIVES)


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
