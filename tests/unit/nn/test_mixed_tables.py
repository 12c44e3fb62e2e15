import pytest
import torch

from shortlist.errors import ArgumentError
from shortlist.nn import EmbeddingTables, MixedTables, RowWiseAdam, sparse_tables, width_by_size

ROWS = {"user": 5, "city": 4, "item": 6}


def mixed(**options):
    return MixedTables(ROWS, 4, {"city": 2, "user": 3}, **options)


def test_a_narrow_vector_is_its_embedding_times_the_projection():
    tables = mixed()
    codes = torch.tensor([[3, 0], [1, 2]])
    narrow = next(part for part in tables.matrices if part.dim == 2)
    key = tables._projection_of["city"]
    expected = narrow.lookup("city", codes) @ tables.projections[key]
    torch.testing.assert_close(tables.lookup("city", codes), expected)
    assert not tables.lookup("city", codes)[0, 1].any()
    wide = next(part for part in tables.matrices if part.dim == 4)
    torch.testing.assert_close(tables.lookup("item", codes), wide.lookup("item", codes))


def test_many_at_once_are_each_alone():
    tables = mixed()
    codes = torch.tensor([[1, 2, 3, 1], [0, 3, 5, 4]])
    names = ["city", "user", "item", "user"]
    together = tables.lookup_many(names, codes)
    apart = [tables.lookup(name, codes[:, place]) for place, name in enumerate(names)]
    torch.testing.assert_close(together, torch.stack(apart, 1))


def test_pooled_lists_are_the_mean_of_their_vectors():
    tables = mixed()
    pooled = tables.pool("city", torch.tensor([3, 1, 0]), torch.tensor([0, 3, 3]))
    mean = tables.lookup("city", torch.tensor([3, 1])).mean(0)
    torch.testing.assert_close(pooled, torch.stack([mean, torch.zeros(4)]))
    torch.testing.assert_close(tables.pool_padded("city", torch.tensor([[3, 1, 0], [0, 0, 0]])), pooled)


def test_only_touched_rows_move_and_the_projection_is_trained():
    tables = mixed()
    before = {name: value.clone() for name, value in tables.state_dict().items()}
    tables.lookup("city", torch.tensor([3])).sum().backward()
    RowWiseAdam(sparse_tables(tables), lr=0.1).step()
    moved = {
        name: (value != before[name]).any(1).nonzero().ravel().tolist()
        for name, value in tables.state_dict().items()
    }
    place = [part.dim for part in tables.matrices].index(2)
    assert {name: rows for name, rows in moved.items() if rows} == {f"matrices.{place}.weight": [3]}
    assert tables.projections[tables._projection_of["city"]].grad is not None


def test_one_width_is_the_plain_tables_with_the_same_values():
    same = MixedTables(ROWS, 4, {}, seed=3)
    plain = EmbeddingTables(ROWS, 4, seed=3)
    codes = torch.tensor([1, 3])
    torch.testing.assert_close(same.lookup("item", codes), plain.lookup("item", codes))
    assert plain.widths == same.widths == {"user": 4, "city": 4, "item": 4}
    assert mixed().widths == {"user": 3, "city": 2, "item": 4}
    assert sparse_tables(mixed(sparse=False)) == []


def test_the_rule_of_widths():
    # 1.6 * 1000^0.56 = 76.6, and 128 is the least power of two above it.
    assert width_by_size(1000, 256) == 128
    assert width_by_size(1000, 100) == 100
    assert width_by_size(2, 64) == 4


def test_what_is_refused():
    with pytest.raises(ArgumentError, match="did you mean 'city'"):
        MixedTables(ROWS, 4, {"citi": 2})
    with pytest.raises(ArgumentError, match=r"widths\['city'\]"):
        MixedTables(ROWS, 4, {"city": 0})
    for read in (
        lambda t: t.lookup("town", torch.tensor([1])),
        lambda t: t.lookup_many(["town"], torch.ones(1, 1).long()),
    ):
        with pytest.raises(ArgumentError, match=r"MixedTables.*'town'"):
            read(mixed())
