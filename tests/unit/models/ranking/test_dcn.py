import numpy as np
import pytest
import torch

from shortlist.data import Batch
from shortlist.errors import ArgumentError, SchemaError
from shortlist.models.ranking import DCN
from shortlist.schema import LIST, Column, Domain, Schema
from shortlist.testing._models import RANKING_CHECKS, random_batch, tensors

WIDE = Schema(
    [
        Column("user", "int64", ("user", "id", "categorical"), domain=Domain("user", 12)),
        Column("age", "float32", ("user", "continuous")),
        Column("history", "int64", ("user", "sequence"), LIST, Domain("item", 20)),
        Column("item", "int64", ("item", "id", "categorical"), domain=Domain("item", 20)),
        Column("price", "float32", ("item", "continuous")),
        Column("pair_count", "float32", ("cross", "continuous")),
        Column("click", "float32", ("target", "binary")),
        Column("buy", "float32", ("target", "binary")),
    ]
)
NUMBERS = Schema(
    [
        Column("age", "float32", ("context", "continuous")),
        Column("score", "float32", ("cross", "continuous")),
        Column("click", "float32", ("target", "binary")),
    ]
)
MODELS = {
    "parallel": lambda seed: DCN(WIDE, dim=4, hidden=(16, 8), seed=seed, sparse=False),
    "stacked": lambda seed: DCN(WIDE, dim=4, hidden=(16,), seed=seed, sparse=False, structure="stacked"),
    "numbers": lambda seed: DCN(NUMBERS, hidden=(8,), layers=1, seed=seed, sparse=False),
}


@pytest.mark.parametrize("check", RANKING_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MODELS)
def test_conformance(check, name):
    check(MODELS[name])


def test_formula_of_one_stacked_cross_layer():
    model = DCN(NUMBERS, layers=1, hidden=(1,), structure="stacked")
    with torch.no_grad():
        model.cross.layers[0].weight.copy_(torch.tensor([[1.0, 2.0], [0.0, 1.0]]))
        model.cross.layers[0].bias.copy_(torch.tensor([0.5, 0.0]))
        for layer, weight in ((model.deep[0], [[1.0, 1.0]]), (model.deep[2], [[1.0]])):
            layer.weight.copy_(torch.tensor(weight))
            layer.bias.zero_()
    batch = Batch({"age": np.array([2.0], np.float32), "score": np.array([3.0], np.float32)})
    # x = (2, 3); Wx + b = (2 + 6 + 0.5, 3); crossed = (2 * 8.5 + 2, 3 * 3 + 3) = (19, 12); their sum 31
    assert model(batch)["click"].tolist() == [31.0]


def test_query_side_in_candidate_rows_is_read_as_it_is():
    model = DCN(WIDE, dim=4, hidden=(8,))
    flat = random_batch(model.inputs, 4)
    mixed = Batch(dict(flat.items()), query=(), query_of=np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(model.score(mixed), model.score(flat), atol=1e-7)


def test_description_and_tables():
    assert DCN(NUMBERS).describe().startswith("no tables")
    assert "item: 20 rows x 16" in DCN(WIDE).describe()


def test_tensors_with_query_of_give_logits_a_candidate():
    model = DCN(WIDE, dim=4, hidden=(8,))
    batch = tensors(random_batch(model.inputs, 3))
    assert [values.shape for values in model(batch).values()] == [(3,), (3,)]


def test_wrong_models_are_refused():
    with pytest.raises(SchemaError, match="tagged target"):
        DCN(WIDE.without("click", "buy"))
    with pytest.raises(SchemaError, match="one input"):
        DCN(Schema([WIDE["click"]]))
    with pytest.raises(ArgumentError, match="hidden layer"):
        DCN(WIDE, hidden=())
    with pytest.raises(ArgumentError, match="parallel"):
        DCN(WIDE, structure="tall")
