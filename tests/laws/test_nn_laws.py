"""Laws of the blocks on random inputs."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.nn import EmbeddingTables, RowWiseAdagrad, sum_rows

SEEDS = st.integers(0, 10**6)
LISTS = st.lists(st.lists(st.integers(0, 4), max_size=6), max_size=6)


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.integers(0, 9), max_size=30), seed=SEEDS)
def test_sum_rows_equals_the_dense_sum(rows: list[int], seed: int) -> None:
    index = torch.tensor(rows, dtype=torch.int64)
    values = torch.randn(len(rows), 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    distinct, sums = sum_rows(index, values)
    assert distinct.tolist() == sorted(set(rows))
    torch.testing.assert_close(
        torch.zeros(10, 3, dtype=torch.float64).index_add(0, distinct, sums),
        torch.zeros(10, 3, dtype=torch.float64).index_add(0, index, values),
    )


@settings(max_examples=30, deadline=None)
@given(lists=LISTS, width=st.integers(0, 3), seed=SEEDS)
def test_ragged_and_padded_pools_are_equal_in_value_and_gradient(
    lists: list[list[int]], width: int, seed: int
) -> None:
    ragged, padded = (
        EmbeddingTables({"a": 3, "b": 5}, dim=3, seed=seed, sparse=False).double() for _ in range(2)
    )
    longest = max((len(part) for part in lists), default=0) + width
    values = torch.tensor([code for part in lists for code in part], dtype=torch.int64)
    offsets = torch.tensor([0, *[len(part) for part in lists]]).cumsum(0)
    rectangle = torch.zeros(len(lists), longest, dtype=torch.int64)
    for row, part in enumerate(lists):
        rectangle[row, : len(part)] = torch.tensor(part, dtype=torch.int64)
    left, right = ragged.pool("b", values, offsets), padded.pool_padded("b", rectangle)
    torch.testing.assert_close(left, right)
    for tables, output in ((ragged, left), (padded, right)):
        output.square().sum().backward()
        assert tables.weight.grad is not None
    torch.testing.assert_close(ragged.weight.grad, padded.weight.grad)


@settings(max_examples=30, deadline=None)
@given(lists=LISTS, codes=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), max_size=8), seed=SEEDS)
def test_recorded_gradient_equals_the_dense_gradient(
    lists: list[list[int]], codes: list[tuple[int, int]], seed: int
) -> None:
    sparse, dense = (
        EmbeddingTables({"a": 3, "b": 5}, dim=3, seed=seed, sparse=flag).double() for flag in (True, False)
    )
    for tables in (sparse, dense):
        pairs = tables.lookup_many(["a", "b"], torch.tensor(codes, dtype=torch.int64).reshape(-1, 2))
        values = torch.tensor([code for part in lists for code in part], dtype=torch.int64)
        pooled = tables.pool("b", values, torch.tensor([0, *[len(part) for part in lists]]).cumsum(0))
        single = tables.lookup("a", torch.tensor([[1], [2]]))
        (pairs.square().sum() + pooled.pow(3).sum() + single.sin().sum()).backward()
    rows, grads = sparse.take_gradients()
    received = torch.zeros_like(dense.weight).index_add(0, rows, grads)
    received[[0, 3]] = 0.0
    torch.testing.assert_close(received, dense.weight.grad)


@settings(max_examples=20, deadline=None)
@given(batches=st.lists(st.lists(st.integers(0, 6), max_size=8), max_size=4), seed=SEEDS)
def test_row_wise_adagrad_equals_its_dense_rule(batches: list[list[int]], seed: int) -> None:
    tables = EmbeddingTables({"a": 7}, dim=3, seed=seed, init_std=1.0).double()
    optimizer = RowWiseAdagrad(tables, lr=0.3, eps=0.01, initial_accumulator=0.1)
    weight = tables.weight.detach().clone().requires_grad_()
    accumulator = torch.full((7, 1), 0.1, dtype=torch.float64)
    for codes in batches:
        index = torch.tensor(codes, dtype=torch.int64)
        tables.lookup("a", index).pow(3).sum().backward()
        optimizer.step()
        (grad,) = torch.autograd.grad(weight[index].pow(3).sum(), weight)
        grad[0] = 0.0
        accumulator += grad.square().mean(1, keepdim=True)
        weight = (weight - 0.3 * grad / (accumulator.sqrt() + 0.01)).detach().requires_grad_()
    torch.testing.assert_close(tables.weight.detach(), weight.detach())
