"""full_softmax and info_nce: the suite of softmax losses, and written-out arithmetic."""

from functools import partial
from math import exp, log

import pytest
import torch
from torch import Tensor

from shortlist.errors import ArgumentError
from shortlist.losses import _full_softmax as module
from shortlist.losses import full_softmax, info_nce, sampled_softmax, softmax
from shortlist.testing._losses import check_full_softmax_gradients, check_full_softmax_values

QUERY = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
ITEMS = torch.tensor(
    [[2.0, 0.0], [1.0, 0.0], [0.0, 7.0], [-1.0, 0.0]], dtype=torch.float64
)  # scores 2, 1, 0, -1
FIRST = torch.tensor([0])


def test_minus_log_share_of_the_positive() -> None:
    loss = full_softmax(QUERY, FIRST, ITEMS, temperature=0.5)
    assert loss.item() == pytest.approx(-log(exp(4) / (exp(4) + exp(2) + exp(0) + exp(-2))))


def test_label_smoothing_spreads_the_target() -> None:
    loss = full_softmax(QUERY, FIRST, ITEMS, label_smoothing=0.2)
    log_sum = log(exp(2) + exp(1) + exp(0) + exp(-1))
    assert loss.item() == pytest.approx(log_sum - 0.8 * 2 - 0.2 * (2 + 1 + 0 - 1) / 4)


def test_excluded_items_leave_sum_and_smoothing_and_the_positive_stays() -> None:
    pairs = (torch.tensor([0, 0, 0]), torch.tensor([1, 0, 1]))
    loss = full_softmax(QUERY, FIRST, ITEMS, exclude=pairs, label_smoothing=0.2)
    log_sum = log(exp(2) + exp(0) + exp(-1))
    assert loss.item() == pytest.approx(log_sum - 0.8 * 2 - 0.2 * (2 + 0 - 1) / 3)


def test_log_weights_are_of_the_others() -> None:
    log_weights = torch.tensor([5.0, 3.0, 0.0, 1.0], dtype=torch.float64).log()
    loss = full_softmax(QUERY, FIRST, ITEMS, log_weights=log_weights, label_smoothing=0.2)
    log_sum = log(exp(2) + 3 * exp(1) + 1 * exp(-1))
    assert loss.item() == pytest.approx(log_sum - 0.8 * 2 - 0.2 * (2 + 3 * 1 + 1 * -1) / (1 + 3 + 1))


@pytest.mark.parametrize("chunk_scores", [1, 20, 10**6])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.3])
def test_equals_the_reference_however_it_is_cut(
    monkeypatch: pytest.MonkeyPatch, chunk_scores: int, label_smoothing: float
) -> None:
    monkeypatch.setattr(module, "_CHUNK_SCORES", chunk_scores)
    monkeypatch.setattr(module, "_LEAST_COLUMNS", 1)
    check_full_softmax_values(
        partial(full_softmax, label_smoothing=label_smoothing), rows=7, columns=5, seed=3
    )


@pytest.mark.parametrize("label_smoothing", [0.0, 0.3])
def test_gradients_equal_finite_differences(label_smoothing: float) -> None:
    check_full_softmax_gradients(partial(full_softmax, label_smoothing=label_smoothing), seed=1)


def test_equals_the_loss_of_the_matrix_of_scores() -> None:
    generator = torch.Generator().manual_seed(0)
    queries, items = (torch.randn(n, 3, generator=generator, dtype=torch.float64) for n in (4, 6))
    positives = torch.tensor([3, 0, 3, 5])
    scores = queries @ items.T
    own = torch.nn.functional.one_hot(positives, 6).bool()
    for smoothing in (0.0, 0.1):
        expected = softmax(scores[own], scores, exclude=own, label_smoothing=smoothing)
        torch.testing.assert_close(
            full_softmax(queries, positives, items, label_smoothing=smoothing), expected
        )


def test_nothing_to_learn_from() -> None:
    for rows, weights in ((0, None), (2, torch.zeros(2))):
        queries, items = torch.ones(rows, 3, requires_grad=True), torch.ones(4, 3, requires_grad=True)
        loss = full_softmax(
            queries, torch.zeros(rows, dtype=torch.int64), items, weights=weights, label_smoothing=0.1
        )
        assert loss.item() == 0.0
        assert all(bool((grad == 0).all()) for grad in torch.autograd.grad(loss, (queries, items)))
    alone = torch.ones(1, 3, requires_grad=True)
    loss = full_softmax(alone, torch.tensor([0]), torch.ones(1, 3), label_smoothing=0.1)
    assert loss.item() == 0.0
    assert torch.autograd.grad(loss, alone)[0].tolist() == [[0.0, 0.0, 0.0]]


def test_extreme_scores_stay_finite() -> None:
    queries, items = QUERY.float().requires_grad_(), ITEMS.float().requires_grad_()
    loss = full_softmax(queries, torch.tensor([3]), items, temperature=1e-4, label_smoothing=0.1)
    assert loss.item() == pytest.approx(3e4 - 0.1 * (0.5 + 1) * 1e4, rel=1e-5)
    assert all(bool(grad.isfinite().all()) for grad in torch.autograd.grad(loss, (queries, items)))


def test_temperature_is_trained_when_it_is_a_tensor() -> None:
    temperature = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda t: full_softmax(QUERY, FIRST, ITEMS, temperature=t), (temperature,)
    )


def test_no_gradients_are_made_without_grad_mode() -> None:
    with torch.no_grad():
        loss = full_softmax(QUERY.clone().requires_grad_(), FIRST, ITEMS)
    assert not loss.requires_grad
    assert loss.item() == pytest.approx(full_softmax(QUERY, FIRST, ITEMS).item())


def test_bfloat16_products_stay_close_to_float32() -> None:
    generator = torch.Generator().manual_seed(0)
    queries, items = (
        torch.nn.functional.normalize(torch.randn(n, 32, generator=generator), dim=1).requires_grad_()
        for n in (200, 3000)
    )
    positives = torch.arange(200) * 7
    exact = full_softmax(queries, positives, items, temperature=0.1)
    with torch.autocast("cpu", torch.bfloat16):
        fast = full_softmax(queries, positives, items, temperature=0.1)
    assert fast.dtype == torch.float32
    assert fast.item() != exact.item()
    assert fast.item() == pytest.approx(exact.item(), rel=2e-3)
    grads = zip(
        torch.autograd.grad(exact, (queries, items)), torch.autograd.grad(fast, (queries, items)), strict=True
    )
    for left, right in grads:
        assert right.dtype == torch.float32
        assert (left - right).norm() < 0.01 * left.norm()


def test_memory_does_not_hold_the_matrix_of_scores() -> None:
    """2,000 rows by 20,000 items are 160 MB of scores; no tensor made is a fifth of that."""
    made: list[int] = []

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            made.append(out.numel() if isinstance(out, Tensor) else 0)
            return out

    queries, items = torch.zeros(2000, 8, requires_grad=True), torch.zeros(20_000, 8, requires_grad=True)
    with Watch():
        full_softmax(queries, torch.zeros(2000, dtype=torch.int64), items).backward()
    assert 0 < max(made) < 2000 * 20_000 / 5


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((QUERY, FIRST, ITEMS[:, :1]), {}, r"queries \(1, 2\), positives \(1,\), items \(4, 1\)"),
        ((QUERY, FIRST[:0], ITEMS), {}, r"positives \(0,\)"),
        (
            (QUERY, torch.tensor([4]), ITEMS),
            {},
            r"full_softmax\.positives: expected numbers of items, from 0 to 3",
        ),
        (
            (QUERY, FIRST, ITEMS),
            {"log_weights": torch.zeros(3)},
            r"full_softmax\.log_weights: expected \[V\] = \(4,\)",
        ),
        ((QUERY, FIRST, ITEMS), {"weights": torch.zeros(3)}, r"full_softmax\.weights"),
        ((QUERY, FIRST, ITEMS), {"temperature": 0.0}, r"full_softmax\.temperature: expected a number > 0"),
        ((QUERY, FIRST, ITEMS), {"label_smoothing": -0.1}, r"full_softmax\.label_smoothing: .* in \[0, 1\]"),
        ((QUERY, FIRST, ITEMS), {"exclude": (FIRST, FIRST + 4)}, r"full_softmax\.exclude: .* from 0 to 3"),
    ],
)
def test_wrong_arguments_are_named(
    arguments: tuple[Tensor, ...], options: dict[str, object], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        full_softmax(*arguments, **options)


QUERIES = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
TAKEN = torch.tensor(
    [[1.0, 0.5], [0.0, 2.0], [1.0, 0.5]], dtype=torch.float64
)  # scores: rows 1 0 1, .5 2 .5, 1.5 2 1.5


def test_info_nce_by_hand() -> None:
    by_hand = (
        -log(exp(1) / (exp(1) + exp(0) + exp(1)))
        - log(exp(2) / (exp(2) + exp(0.5) + exp(0.5)))
        - log(exp(1.5) / (exp(1.5) + exp(1.5) + exp(2)))
    ) / 3
    assert info_nce(QUERIES, TAKEN, temperature=1.0).item() == pytest.approx(by_hand)


def test_info_nce_knows_rows_of_the_same_item() -> None:
    by_hand = (
        -log(exp(2) / (exp(2) + exp(0)))
        - log(exp(4) / (exp(4) + exp(1) + exp(1)))
        - log(exp(3) / (exp(3) + exp(4)))
    ) / 3
    loss = info_nce(QUERIES, TAKEN, temperature=0.5, codes=torch.tensor([7, 3, 7]))
    assert loss.item() == pytest.approx(by_hand)


def test_info_nce_corrects_for_popularity() -> None:
    log_q = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64).log()
    weights = torch.tensor([1.0, 0.0, 0.0])
    loss = info_nce(QUERIES, TAKEN, temperature=1.0, log_q=log_q, weights=weights)
    by_hand = -log((exp(1) / 0.2) / (exp(1) / 0.2 + exp(0) / 0.5 + exp(1) / 0.3))
    assert loss.item() == pytest.approx(by_hand)
    shifted = info_nce(QUERIES, TAKEN, temperature=1.0, log_q=log_q + 3, weights=weights)
    torch.testing.assert_close(shifted, loss)


def test_info_nce_in_both_directions() -> None:
    there, back = info_nce(QUERIES, TAKEN), info_nce(TAKEN, QUERIES)
    torch.testing.assert_close(info_nce(QUERIES, TAKEN, symmetric=True), (there + back) / 2)
    assert there.item() != back.item()


def test_info_nce_is_the_sampled_softmax_of_its_batch() -> None:
    vectors = [part.clone().requires_grad_() for part in (QUERIES, TAKEN)]
    own = torch.arange(3)
    losses = (
        info_nce(*vectors, temperature=0.3),
        sampled_softmax(*vectors, vectors[1], temperature=0.3, exclude=(own, own)),
    )
    grads = [torch.autograd.grad(loss, vectors) for loss in losses]
    torch.testing.assert_close(grads[0], grads[1])
    assert info_nce(QUERIES[:1], TAKEN[:1]).item() == 0.0
    assert info_nce(QUERIES[:0], TAKEN[:0], codes=own[:0]).item() == 0.0


def test_info_nce_names_wrong_shapes() -> None:
    with pytest.raises(ArgumentError, match=r"info_nce\.codes: expected \[B\] = \(3,\); received \(2,\)"):
        info_nce(QUERIES, TAKEN, codes=torch.zeros(2))
    with pytest.raises(ArgumentError, match=r"info_nce\.log_q: expected \[B\] = \(3,\)"):
        info_nce(QUERIES, TAKEN, log_q=torch.zeros(2))
