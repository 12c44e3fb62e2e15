"""Row-wise optimizers against written-out arithmetic and dense references."""

from collections.abc import Callable
from copy import deepcopy
from math import sqrt

import pytest
import torch
from torch.optim.lr_scheduler import LinearLR

from shortlist.errors import ArgumentError
from shortlist.nn import EmbeddingTables, RowWiseAdagrad, RowWiseAdam

OPTIMIZERS = pytest.mark.parametrize("optimizer_of", [RowWiseAdagrad, RowWiseAdam])


def _tables(seed: int = 0, **rows: int) -> EmbeddingTables:
    return EmbeddingTables(rows or {"user": 6, "item": 5}, dim=4, seed=seed, init_std=1.0)


def _step(
    tables: EmbeddingTables, optimizer: torch.optim.Optimizer, codes: list[int], scale: float = 1.0
) -> None:
    vectors = tables.lookup("user", torch.tensor(codes, dtype=torch.int64))
    (vectors.square() * torch.arange(1.0, 5.0)).sum().mul(scale).backward()
    optimizer.step()


def test_adagrad_follows_its_rule() -> None:
    tables = EmbeddingTables({"user": 3}, dim=2, init_std=0.0)
    optimizer = RowWiseAdagrad(tables, lr=0.1, eps=0.0, initial_accumulator=1.0)
    for _ in range(2):
        (tables.lookup("user", torch.tensor([1])) * torch.tensor([3.0, 4.0])).sum().backward()
        optimizer.step()
    square = (3 * 3 + 4 * 4) / 2
    step = 0.1 / sqrt(1 + square) + 0.1 / sqrt(1 + 2 * square)
    assert tables.weight[1].tolist() == pytest.approx([-3 * step, -4 * step])


def test_adam_follows_its_rule() -> None:
    tables = EmbeddingTables({"user": 3}, dim=2, init_std=0.0)
    optimizer = RowWiseAdam(tables, lr=0.1, betas=(0.5, 0.75), eps=0.0)
    for scale in (1.0, 2.0):
        (tables.lookup("user", torch.tensor([1])) * torch.tensor([3.0, 4.0]) * scale).sum().backward()
        optimizer.step()
    square = (3 * 3 + 4 * 4) / 2
    first = 0.1 / sqrt(square)
    second = 0.1 * ((0.25 * 1 + 0.5 * 2) / 0.75) / sqrt((0.1875 * square + 0.25 * 4 * square) / (1 - 0.75**2))
    assert tables.weight[1].tolist() == pytest.approx([-3 * (first + second), -4 * (first + second)])


def test_adagrad_equals_dense_adagrad_when_a_row_is_one_number() -> None:
    sparse = EmbeddingTables({"user": 6}, dim=1, seed=3, init_std=1.0)
    dense = EmbeddingTables({"user": 6}, dim=1, seed=3, init_std=1.0, sparse=False)
    pairs = [
        (sparse, RowWiseAdagrad(sparse, lr=0.2, eps=1e-3, initial_accumulator=0.5)),
        (dense, torch.optim.Adagrad([dense.weight], lr=0.2, eps=1e-3, initial_accumulator_value=0.5)),
    ]
    for codes in ([1, 1, 4], [0, 4], [2, 1, 2, 2]):
        for tables, optimizer in pairs:
            optimizer.zero_grad()
            tables.lookup("user", torch.tensor(codes)).pow(3).sum().backward()
            optimizer.step()
    torch.testing.assert_close(sparse.weight, dense.weight)


def test_adam_equals_dense_adam_when_every_row_is_touched_and_is_one_number() -> None:
    sparse = EmbeddingTables({"user": 4}, dim=1, seed=3, init_std=1.0)
    dense = EmbeddingTables({"user": 4}, dim=1, seed=3, init_std=1.0, sparse=False)
    pairs = [
        (sparse, RowWiseAdam(sparse, lr=0.2, eps=1e-3, betas=(0.8, 0.9))),
        (dense, torch.optim.Adam([dense.weight], lr=0.2, eps=1e-3, betas=(0.8, 0.9))),
    ]
    for codes in ([1, 2, 3, 1], [3, 2, 1], [1, 2, 3, 3]):
        for tables, optimizer in pairs:
            optimizer.zero_grad()
            tables.lookup("user", torch.tensor(codes)).pow(3).sum().backward()
            optimizer.step()
    torch.testing.assert_close(sparse.weight, dense.weight)


@OPTIMIZERS
def test_untouched_rows_and_padding_stay_bit_for_bit(
    optimizer_of: Callable[..., torch.optim.Optimizer],
) -> None:
    tables = _tables()
    before = tables.weight.detach().clone()
    _step(tables, optimizer_of(tables, lr=0.1), [0, 2, 2, 5])
    changed = (tables.weight != before).any(1).nonzero().ravel()
    assert changed.tolist() == [2, 5]


@OPTIMIZERS
def test_repeats_are_summed_before_the_step(optimizer_of: Callable[..., torch.optim.Optimizer]) -> None:
    left, right = _tables(), _tables()
    _step(left, optimizer_of(left, lr=0.1), [3, 3, 3])
    _step(right, optimizer_of(right, lr=0.1), [3], scale=3.0)
    torch.testing.assert_close(left.weight, right.weight)


@OPTIMIZERS
def test_l2_pulls_touched_rows_alone(optimizer_of: Callable[..., torch.optim.Optimizer]) -> None:
    left, right = _tables(), _tables()
    _step(left, optimizer_of(left, lr=0.1, l2=0.5), [3])
    optimizer = optimizer_of(right, lr=0.1)
    vector = right.lookup("user", torch.tensor([3]))
    ((vector.square() * torch.arange(1.0, 5.0)).sum() + 0.5 / 2 * vector.square().sum()).backward()
    optimizer.step()
    torch.testing.assert_close(left.weight, right.weight)


@pytest.mark.parametrize(
    ("optimizer_of", "options"),
    [
        (RowWiseAdagrad, {"lr": 0.1}),
        (RowWiseAdagrad, {"eps": 1.0}),
        (RowWiseAdagrad, {"initial_accumulator": 1.0}),
        (RowWiseAdagrad, {"l2": 0.1}),
        (RowWiseAdam, {"lr": 0.1}),
        (RowWiseAdam, {"eps": 1.0}),
        (RowWiseAdam, {"betas": (0.1, 0.999)}),
        (RowWiseAdam, {"betas": (0.9, 0.5)}),
        (RowWiseAdam, {"l2": 0.1}),
    ],
)
def test_every_option_changes_the_result(
    optimizer_of: Callable[..., torch.optim.Optimizer], options: dict[str, object]
) -> None:
    weights = []
    for chosen in ({}, options):
        tables = _tables()
        optimizer = optimizer_of(tables, **chosen)
        for scale in (1.0, 3.0):
            _step(tables, optimizer, [1, 2], scale)
        weights.append(tables.weight.detach())
    assert not torch.equal(*weights)


@OPTIMIZERS
def test_a_resumed_optimizer_goes_on_bit_for_bit(optimizer_of: Callable[..., torch.optim.Optimizer]) -> None:
    whole = _tables()
    optimizer = optimizer_of(whole, lr=0.1)
    _step(whole, optimizer, [1, 4])
    weights, state = whole.state_dict()["weight"].clone(), deepcopy(optimizer.state_dict())
    resumed = _tables(seed=9)
    second = optimizer_of(resumed, lr=0.5)
    resumed.load_state_dict({"weight": weights})
    second.load_state_dict(state)
    _step(whole, optimizer, [4, 2])
    _step(resumed, second, [4, 2])
    assert torch.equal(whole.weight, resumed.weight)


@OPTIMIZERS
def test_a_schedule_sets_the_step_size(optimizer_of: Callable[..., torch.optim.Optimizer]) -> None:
    tables = _tables()
    optimizer = optimizer_of(tables, lr=0.1)
    schedule = LinearLR(optimizer, start_factor=1.0, end_factor=0.0, total_iters=1)
    _step(tables, optimizer, [1])
    schedule.step()
    before = tables.weight.detach().clone()
    _step(tables, optimizer, [1])
    assert torch.equal(tables.weight, before)


@OPTIMIZERS
def test_zero_grad_forgets_and_no_gradient_makes_no_step(
    optimizer_of: Callable[..., torch.optim.Optimizer],
) -> None:
    tables = _tables()
    optimizer = optimizer_of([tables], lr=0.1, l2=0.1)
    before = tables.weight.detach().clone()
    tables.lookup("user", torch.tensor([1])).sum().backward()
    optimizer.zero_grad()
    optimizer.step()
    assert torch.equal(tables.weight, before)


@OPTIMIZERS
def test_a_closure_computes_the_loss(optimizer_of: Callable[..., torch.optim.Optimizer]) -> None:
    tables = _tables()

    def closure() -> float:
        loss = tables.lookup("user", torch.tensor([1])).square().sum()
        loss.backward()
        return loss.item()

    before = tables.weight[1].detach().clone()
    assert optimizer_of(tables, lr=0.1).step(closure) == pytest.approx(before.square().sum().item())
    assert not torch.equal(tables.weight[1], before)


def test_wrong_options_are_named() -> None:
    dense = EmbeddingTables({"user": 3}, dim=1, sparse=False)
    with pytest.raises(ArgumentError, match=r"RowWiseAdagrad.tables: expected .* sparse=True"):
        RowWiseAdagrad(dense)
    with pytest.raises(ArgumentError, match=r"RowWiseAdam.tables"):
        RowWiseAdam([])
    with pytest.raises(ArgumentError, match=r"RowWiseAdagrad.lr: expected a number >= 0; received -1"):
        RowWiseAdagrad(_tables(), lr=-1)
    with pytest.raises(ArgumentError, match=r"RowWiseAdam.eps"):
        RowWiseAdam(_tables(), eps=float("nan"))
    with pytest.raises(ArgumentError, match=r"RowWiseAdagrad.initial_accumulator"):
        RowWiseAdagrad(_tables(), initial_accumulator=-0.1)
    with pytest.raises(ArgumentError, match=r"RowWiseAdam.betas"):
        RowWiseAdam(_tables(), betas=(0.9, 1.0))
