"""Rankers against written-out arithmetic."""

import numpy as np
import pytest
import torch
from torch import nn

from shortlist.data import Batch
from shortlist.errors import ArgumentError
from shortlist.models.ranking import DCN, DLRM, FM, LR, CrossOptions, DeepFM, WideDeep
from shortlist.schema import Column, Domain, Schema
from shortlist.testing._models import random_batch
from shortlist.testing._rankers import CODES, NUMBERS, WIDE

PAIR = Schema(
    [
        Column("user", "int64", ("user", "id"), domain=Domain("user", 4)),
        Column("age", "float32", ("user", "continuous")),
        Column("item", "int64", ("item", "id"), domain=Domain("item", 4)),
        Column("click", "float32", ("target", "binary")),
    ]
)
ROW = Batch({"user": np.array([3]), "age": np.array([2.0], np.float32), "item": np.array([1])})


def fill(module: nn.Module, value: float) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(value)


def rows_of(model, user, item):
    """Set what the tables hold of user 3 and item 1."""
    tables = model.tables
    with torch.no_grad():
        tables.weight[tables.starts["user"] + 3] = torch.tensor(user)
        tables.weight[tables.starts["item"] + 1] = torch.tensor(item)


def test_lr_adds_a_weight_a_code_and_weighed_numbers():
    model = LR(PAIR)
    rows_of(model, [0.5], [0.25])
    fill(model.first, 3.0)
    assert model(ROW)["click"].item() == 3.0 + 0.5 + 0.25 + 3.0 * 2.0


def machine(kind, **options):
    """Vectors (1, 2), (3, 4) and 2 * (0.5, 0); weights 0.5, 0.25 and 2 * 0.125, bias 1."""
    model = kind(PAIR, dim=2, **options)
    rows_of(model, [1.0, 2.0, 0.5], [3.0, 4.0, 0.25])
    fill(model.first.maps, 0.125)
    fill(
        model.first.bias if isinstance(model.first.bias, nn.Module) else nn.ParameterList([model.first.bias]),
        1,
    )
    with torch.no_grad():
        model.fields.numbers[0].scales.copy_(torch.tensor([[0.5, 0.0]]))
    return model


FIRST = 1 + 0.5 + 0.25 + 2 * 0.125
SECOND = (1 * 3 + 2 * 4) + (1 * 1 + 2 * 0) + (3 * 1 + 4 * 0)


def test_fm_adds_the_products_of_all_pairs():
    assert machine(FM)(ROW)["click"].item() == FIRST + SECOND


def test_deep_fm_adds_a_deep_network_on_the_same_embeddings():
    model = machine(DeepFM, hidden=(1,))
    fill(model.deep, 1.0)
    fill(model.head, 2.0)
    deep = 1 + 2 + 3 + 4 + 2 + 1  # embeddings, the number, the bias
    assert model(ROW)["click"].item() == FIRST + SECOND + 2 * deep


def test_wide_and_deep_adds_a_linear_model_of_the_columns_named():
    for wide, weights in ((None, 0.5 + 0.25), (("item",), 0.25), ((), 0.0)):
        model = WideDeep(PAIR, dim=2, hidden=(1,), wide=wide)
        rows_of(model, [1.0, 2.0, 0.5], [3.0, 4.0, 0.25])
        fill(model.first, 1.0)
        fill(model.deep, 1.0)
        fill(model.head, 2.0)
        assert model(ROW)["click"].item() == 1 + weights + 2 + 2 * (1 + 2 + 3 + 4 + 2 + 1)
    with pytest.raises(ArgumentError, match="did you mean 'item'"):
        WideDeep(PAIR, wide=["itm"])


def test_dlrm_multiplies_all_pairs_and_the_vector_of_the_numbers():
    model = DLRM(PAIR, dim=2, hidden=(1,), bottom=())
    rows_of(model, [1.0, 2.0], [3.0, 4.0])
    fill(model.bottom, 0.5)
    dense = 0.5 * 2 + 0.5
    fill(model.top, 0.0)
    fill(model.head, 1.0)
    with torch.no_grad():
        model.top[0].weight.copy_(torch.tensor([[1.0, 10.0, 100.0, 1e3, 1e4]]))
    dots = [dense * (1 + 2), dense * (3 + 4), 1 * 3 + 2 * 4]  # (1, 0), (2, 0), (2, 1)
    expected = dense + 10 * dense + 100 * dots[0] + 1e3 * dots[1] + 1e4 * dots[2]
    assert model(ROW)["click"].item() == expected + 1


@pytest.mark.parametrize(("schema", "codes"), [(PAIR, 2), (WIDE, 3), (CODES, 3)])
def test_dlrm_has_m_times_m_plus_1_half_products(schema, codes):
    assert DLRM(schema, dim=5).top[0].in_features == 5 + codes * (codes + 1) // 2


def test_formula_of_one_stacked_cross_layer():
    model = DCN(NUMBERS, layers=1, hidden=(1,), cross=CrossOptions(structure="stacked"))
    with torch.no_grad():
        model.cross.layers[0].weight.copy_(torch.tensor([[1.0, 2.0], [0.0, 1.0]]))
        model.cross.layers[0].bias.copy_(torch.tensor([0.5, 0.0]))
        for layer, weight in ((model.deep[0], [[1.0, 1.0]]), (model.head, [[1.0]])):
            layer.weight.copy_(torch.tensor(weight))
            layer.bias.zero_()
    batch = Batch({"age": np.array([2.0], np.float32), "score": np.array([3.0], np.float32)})
    # x = (2, 3); Wx + b = (2 + 6 + 0.5, 3); crossed = (2 * 8.5 + 2, 3 * 3 + 3) = (19, 12); their sum 31
    assert model(batch)["click"].tolist() == [31.0]


def test_the_first_dcn_crosses_by_vectors():
    model = DCN(NUMBERS, layers=1, hidden=(1,), cross=CrossOptions(kind="vector"))
    fill(model.deep, 0.0)
    fill(model.head, 1.0)
    with torch.no_grad():
        model.cross.layers[0].weight.copy_(torch.tensor([[1.0, 2.0]]))
        model.cross.biases[0].copy_(torch.tensor([0.5, 0.25]))
    batch = Batch({"age": np.array([2.0], np.float32), "score": np.array([3.0], np.float32)})
    dot = 2 * 1 + 3 * 2
    assert model(batch)["click"].item() == (2 * dot + 0.5 + 2) + (3 * dot + 0.25 + 3) + 1


def test_every_option_of_the_crosses_changes_the_answer():
    chosen = (
        CrossOptions(),
        CrossOptions(structure="stacked"),
        CrossOptions(kind="vector"),
        CrossOptions(rank=2),
        CrossOptions(rank=2, experts=3),
        CrossOptions(rank=2, experts=3, gate="sigmoid"),
    )
    batch = random_batch(NUMBERS.without("click"), 3)
    answers = [DCN(NUMBERS, hidden=(4,), cross=options).score(batch) for options in chosen]
    answers.append(DCN(NUMBERS, hidden=(4,), layers=1).score(batch))
    assert len({tuple(answer.tolist()) for answer in answers}) == len(answers)
    for wrong in ({"kind": "tensor"}, {"structure": "tall"}, {"experts": 2}, {"kind": "vector", "rank": 2}):
        with pytest.raises(ArgumentError, match="CrossOptions"):
            CrossOptions(**wrong)
