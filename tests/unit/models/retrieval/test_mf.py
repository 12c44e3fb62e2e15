import numpy as np
import pytest
import torch

from shortlist.data import Batch
from shortlist.errors import ArgumentError, SchemaError
from shortlist.models.retrieval import MF
from shortlist.nn import sparse_tables
from shortlist.schema import Column, Domain, Schema
from shortlist.testing._models import RETRIEVAL_CHECKS

USER = Column("user", "int64", ("user", "id", "categorical"), domain=Domain("user", 12))
ITEM = Column("item", "int64", ("item", "id", "categorical"), domain=Domain("item", 20))
PRICE = Column("price", "float32", ("item", "continuous"))
SCHEMA = Schema([USER, PRICE, ITEM])
MODELS = {
    "biases": lambda seed: MF(SCHEMA, factors=4, seed=seed, sparse=False),
    "factors": lambda seed: MF(SCHEMA, factors=4, biases=False, seed=seed, sparse=False),
}


@pytest.mark.parametrize("check", RETRIEVAL_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MODELS)
def test_conformance(check, name):
    check(MODELS[name])


def test_the_score_is_the_product_of_factors_and_both_biases():
    model = MF(SCHEMA, factors=3)
    with torch.no_grad():
        model.biases.weight.copy_(torch.arange(32.0).unsqueeze(1))
    starts, weight, bias = model.tables.starts, model.tables.weight.detach(), model.biases.weight.detach()
    query = model.encode_query(Batch({"user": np.array([4])}))
    item = model.encode_item(Batch({"item": np.array([7])}))
    user, thing = starts["user"] + 4, starts["item"] + 7
    expected = weight[user] @ weight[thing] + bias[user, 0] + bias[thing, 0]
    np.testing.assert_allclose(query @ item.T, [[expected]], rtol=1e-6)
    assert model.dim == 3 + 2
    assert model.query_schema.names == ("user",)
    assert model.item_schema.names == ("item",)


def test_tables_are_updated_by_row_unless_told_otherwise():
    assert len(sparse_tables(MF(SCHEMA))) == 2
    assert sparse_tables(MF(SCHEMA, sparse=False)) == []
    assert MF(SCHEMA, factors=4).describe().splitlines()[0] == "item: 20 rows x 4, 0.0 MB"


def test_what_cannot_be_factorised():
    with pytest.raises(ArgumentError, match=r"MF\.factors"):
        MF(SCHEMA, factors=0)
    with pytest.raises(SchemaError, match="0 columns with tags"):
        MF(Schema([ITEM]))
