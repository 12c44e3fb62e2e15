"""Embedding tables in one matrix."""

import pytest
import torch
from torch import nn

from shortlist.errors import ArgumentError
from shortlist.nn import EmbeddingTables, dense_parameters, sparse_tables


def _tables(*, sparse: bool = True) -> EmbeddingTables:
    """Table "user" has rows 0, 1, 2 = (0, 0), (1, 2), (3, 4); table "item" has 0, 1 = (0, 0), (10, 20)."""
    tables = EmbeddingTables({"user": 3, "item": 2}, dim=2, sparse=sparse)
    with torch.no_grad():
        tables.weight.copy_(torch.tensor([[0, 0], [1, 2], [3, 4], [0, 0], [10, 20]]))
    return tables


def test_lookup_reads_the_named_table() -> None:
    codes = torch.tensor([[1, 0], [1, 1]])
    assert _tables().lookup("item", codes).tolist() == [[[10, 20], [0, 0]], [[10, 20], [10, 20]]]


def test_lookup_many_reads_one_column_per_table() -> None:
    codes = torch.tensor([[1, 2], [0, 1]], dtype=torch.int32)
    assert _tables().lookup_many(["item", "user"], codes).tolist() == [[[10, 20], [3, 4]], [[0, 0], [1, 2]]]


def test_pool_is_the_mean_without_padding() -> None:
    pooled = _tables().pool("user", torch.tensor([1, 0, 2, 0, 2, 2]), torch.tensor([0, 3, 3, 4, 6]))
    assert pooled.tolist() == [[(1 + 3) / 2, (2 + 4) / 2], [0, 0], [0, 0], [3, 4]]


def test_pool_padded_is_pool() -> None:
    codes = torch.tensor([[1, 0, 2], [0, 0, 0], [2, 2, 0]])
    assert _tables().pool_padded("user", codes).tolist() == [[2, 3], [0, 0], [3, 4]]


@pytest.mark.parametrize("sparse", [True, False])
def test_empty_batches_and_empty_lists(sparse: bool) -> None:
    tables = _tables(sparse=sparse)
    none = torch.empty(0, dtype=torch.int64)
    outputs = [
        tables.lookup("user", none),
        tables.lookup_many(["user", "item"], torch.empty(0, 2, dtype=torch.int64)).sum(1),
        tables.pool("user", none, torch.tensor([0])),
        tables.pool_padded("user", torch.empty(0, 4, dtype=torch.int64)),
    ]
    sum(part.sum() for part in outputs).backward()
    assert [tuple(part.shape) for part in outputs] == [(0, 2)] * 4
    assert tables.pool("user", none, torch.tensor([0, 0, 0])).tolist() == [[0, 0]] * 2
    assert tables.pool_padded("user", torch.empty(2, 0, dtype=torch.int64)).tolist() == [[0, 0]] * 2


def test_dense_gradient_is_ordinary_and_leaves_padding_out() -> None:
    tables = _tables(sparse=False)
    tables.lookup("user", torch.tensor([2, 2, 0])).sum().backward()
    assert tables.weight.grad is not None
    assert tables.weight.grad.tolist() == [[0, 0], [0, 0], [2, 2], [0, 0], [0, 0]]


def test_sparse_gradient_is_recorded_by_row_and_never_dense() -> None:
    tables = _tables()
    tables.lookup("user", torch.tensor([2, 1, 2])).mul(torch.tensor([[1.0], [5.0], [2.0]])).sum().backward()
    assert tables.weight.grad is None
    rows, grads = tables.take_gradients()
    assert rows.tolist() == [1, 2]
    assert grads.tolist() == [[5, 5], [1 + 2, 1 + 2]]
    assert len(tables.take_gradients()[0]) == 0


def test_several_backwards_add_up() -> None:
    tables = _tables()
    for _ in range(2):
        tables.lookup_many(["user", "item"], torch.tensor([[2, 1]])).sum().backward()
    rows, grads = tables.take_gradients()
    assert rows.tolist() == [2, 4]
    assert grads.tolist() == [[2, 2], [2, 2]]


def test_pooled_gradient_is_shared_by_the_counted_items() -> None:
    tables = _tables()
    tables.pool("user", torch.tensor([1, 0, 2, 2]), torch.tensor([0, 4])).sum().backward()
    rows, grads = tables.take_gradients()
    kept = rows != 0
    assert rows[kept].tolist() == [1, 2]
    torch.testing.assert_close(grads[kept], torch.tensor([[1 / 3, 1 / 3], [2 / 3, 2 / 3]]))


def test_nothing_is_recorded_without_grad_mode() -> None:
    tables = _tables()
    with torch.no_grad():
        assert tables.lookup("user", torch.tensor([1])).tolist() == [[1, 2]]
        tables.pool("user", torch.tensor([1]), torch.tensor([0, 1]))
    assert len(tables.take_gradients()[0]) == 0


def test_initial_values_depend_on_seed_and_name_alone() -> None:
    both = EmbeddingTables({"a": 50, "b": 40}, dim=8, seed=1, init_std=0.5)
    alone = EmbeddingTables({"b": 40}, dim=8, seed=1, init_std=0.5)
    assert torch.equal(both.subset(["b"]).weight, alone.weight)
    assert not torch.equal(EmbeddingTables({"b": 40}, dim=8, seed=2, init_std=0.5).weight, alone.weight)
    assert 0.4 < alone.weight[1:].std().item() < 0.6
    assert alone.weight[0].tolist() == [0] * 8


def test_subset_copies_the_named_tables() -> None:
    tables = _tables()
    part = tables.subset(["item"])
    with torch.no_grad():
        tables.weight.zero_()
    assert part.weight.tolist() == [[0, 0], [10, 20]]
    assert part.sparse


def test_a_model_splits_into_dense_parameters_and_sparse_tables() -> None:
    sparse, dense, layer = _tables(), _tables(sparse=False), nn.Linear(2, 1)
    model = nn.ModuleList([sparse, dense, layer])
    assert sparse_tables(model) == [sparse]
    assert [id(part) for part in dense_parameters(model)] == [
        id(part) for part in (dense.weight, *layer.parameters())
    ]


def test_state_dict_is_one_matrix() -> None:
    assert list(_tables().state_dict()) == ["weight"]


def test_wrong_codes_and_names_are_named() -> None:
    tables = _tables()
    with pytest.raises(ArgumentError, match=r"EmbeddingTables: expected a table; received 'users'.*'user'"):
        tables.lookup("users", torch.tensor([1]))
    with pytest.raises(
        ArgumentError, match=r"EmbeddingTables\['item'\]: expected codes from 0 to 1; received 2"
    ):
        tables.lookup("item", torch.tensor([1, 2]))
    with pytest.raises(ArgumentError, match=r"EmbeddingTables\['item'\].*received -1"):
        tables.lookup_many(["user", "item"], torch.tensor([[2, 1], [1, -1]]))
    with pytest.raises(ArgumentError, match=r"EmbeddingTables\['user'\]"):
        tables.pool("user", torch.tensor([3]), torch.tensor([0, 1]))
    with pytest.raises(ArgumentError, match=r"expected \[B, 2\]"):
        tables.lookup_many(["user", "item"], torch.tensor([[1]]))


def test_wrong_sizes_are_named() -> None:
    with pytest.raises(ArgumentError, match="at least one table"):
        EmbeddingTables({}, dim=2)
    with pytest.raises(ArgumentError, match=r"rows\['user'\]: expected at least 1 row; received 0"):
        EmbeddingTables({"user": 0}, dim=2)
    with pytest.raises(ArgumentError, match=r"EmbeddingTables.dim: expected an integer >= 1; received 0"):
        EmbeddingTables({"user": 1}, dim=0)
