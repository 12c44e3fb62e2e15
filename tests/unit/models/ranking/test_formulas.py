"""Rankers against written-out arithmetic."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, SchemaError
from shortlist.models.ranking import (
    BST,
    DCN,
    DIN,
    DLRM,
    FM,
    LR,
    AutoInt,
    BSTOptions,
    CrossOptions,
    DeepFM,
    FinalMLP,
    MaskNet,
    MaskOptions,
    NeuMF,
    StreamOptions,
    WideDeep,
    XDeepFM,
)
from shortlist.nn import BilinearFusion, MaskBlock, TargetAttention
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


def test_neu_mf_multiplies_vectors_that_the_deep_network_does_not_read():
    model = NeuMF(PAIR, dim=2, hidden=(1,))
    rows_of(model, [1.0, 2.0, 0.5, 3.0], [3.0, 4.0, 0.25, 5.0])
    fill(model.deep, 1.0)
    fill(model.head, 1.0)
    deep = 1 + 2 + 3 + 4 + 2 + 1
    assert model(ROW)["click"].item() == 0.5 * 0.25 + 3 * 5 + deep + 1
    with pytest.raises(SchemaError, match="exactly one"):
        NeuMF(NUMBERS)


def test_x_deep_fm_adds_linear_interactions_and_deep():
    model = XDeepFM(PAIR, dim=2, hidden=(1,), interactions=(1,))
    rows_of(model, [1.0, 2.0, 0.5], [3.0, 4.0, 0.25])
    fill(model.first, 1.0)
    fill(model.deep, 1.0)
    fill(model.crosses, 1.0)
    fill(model.head, 2.0)
    with torch.no_grad():
        model.fields.numbers[0].scales.copy_(torch.tensor([[0.5, 0.0]]))
    products = (1 + 3 + 1) ** 2 + (2 + 4 + 0) ** 2  # all ones: the square of the sum, number by number
    assert model(ROW)["click"].item() == (1 + 0.5 + 0.25 + 2) + 2 * products + 2 * 13


def test_mask_blocks_weigh_their_input_by_the_instance():
    block = MaskBlock(1, 2, 2, reduction=1.0)
    with torch.no_grad():
        block.mask[0].weight.fill_(2.0)
        block.mask[0].bias.fill_(1.0)
        block.mask[2].weight.copy_(torch.tensor([[1.0], [-1.0]]))
        block.mask[2].bias.zero_()
        block.map.weight.copy_(torch.eye(2))
    mask = 2 * 3 + 1
    x = [mask * 1, -mask * 2]
    # A layer norm of two numbers: half their distance from the mean, by itself.
    deviation = (x[0] - x[1]) / 2
    expected = deviation / math.sqrt(deviation**2 + 1e-5)
    got = block(torch.tensor([[3.0]]), torch.tensor([[1.0, 2.0]]))
    assert got[0].tolist() == pytest.approx([expected, 0.0], abs=1e-6)
    with pytest.raises(ArgumentError, match="reduction"):
        MaskBlock(1, 1, 1, reduction=0.0)


def test_bilinear_fusion_multiplies_in_blocks():
    fusion = BilinearFusion(2, 2, 1, heads=2)
    with torch.no_grad():
        fusion.linear.weight.copy_(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
        fusion.linear.bias.fill_(0.5)
        fusion.product.copy_(torch.tensor([[[10.0]], [[100.0]]]))
    x, y = (2.0, 3.0), (5.0, 7.0)
    expected = 0.5 + 2 + 2 * 3 + 3 * 5 + 4 * 7 + 10 * 2 * 5 + 100 * 3 * 7
    assert fusion(torch.tensor([[*x, *y]])).item() == expected
    with pytest.raises(ArgumentError, match=r"BilinearFusion\.heads"):
        BilinearFusion(3, 2, 1, heads=2)


def test_gates_of_final_mlp_weigh_by_either_side():
    model = FinalMLP(PAIR, dim=2, hidden=(1,), streams=StreamOptions(gates=True))
    rows_of(model, [1.0, 2.0], [3.0, 4.0])
    for part in (model.first, model.second):
        fill(part, 1.0)
    for gate in model.gates:
        fill(gate, 0.0)
    x = y = 1 + 2 + 3 + 4 + 2 + 1
    fill(model.head, 1.0)
    assert model(ROW)["click"].item() == x + y + x * y + 1
    with torch.no_grad():
        model.gates[0][2].bias.fill_(100.0)  # the first network reads everything twice
    x = 2 * (1 + 2 + 3 + 4 + 2) + 1
    assert model(ROW)["click"].item() == x + y + x * y + 1
    with pytest.raises(ArgumentError, match="StreamOptions"):
        StreamOptions(heads=0)


def test_target_attention_adds_up_without_softmax():
    unit = TargetAttention(1, (1,))
    with torch.no_grad():
        unit.first.weight.copy_(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
        unit.first.bias.fill_(0.5)
        unit.rest[0].weight.fill_(2.0)
        unit.rest[0].bias.fill_(1.0)
    events, target = [2.0, 3.0, 9.0], 5.0
    mask = torch.tensor([[True, True, False]])

    def weight(event: float) -> float:
        inner = 1 * event + 2 * target + 3 * (event - target) + 4 * event * target + 0.5
        return 2 * inner + 1

    expected = sum(weight(event) * event for event in events[:2])
    got = unit(torch.tensor([events]).unsqueeze(2), mask, torch.tensor([[target]]), None)
    assert got.item() == expected
    none = unit(torch.zeros(1, 0, 1), mask[:, :0], torch.tensor([[target]]), None)
    assert none.item() == 0.0
    with pytest.raises(ArgumentError, match=r"TargetAttention\.hidden"):
        TargetAttention(1, ())


def test_din_and_bst_read_events_in_the_light_of_the_candidate():
    history = Ragged.of([[5, 6, 7], []])
    rest = random_batch(WIDE.without("history", "click", "buy"), 2)
    for kind in (DIN, BST):
        model = kind(WIDE, dim=4, hidden=(8,))
        batch = rest.with_columns({"history": history})
        other = rest.with_columns({"history": Ragged.of([[7, 6, 5], []])})
        moved = not np.allclose(model.score(batch)[0], model.score(other)[0], atol=1e-7)
        assert moved == (kind is BST), "the order says something to a transformer, and nothing to a sum"
        assert model.score(batch)[1] == model.score(other)[1]
        with pytest.raises(SchemaError, match="tagged sequence"):
            kind(WIDE.without("history"))
    short = BST(WIDE, dim=4, hidden=(8,), sequence=BSTOptions(max_length=2))
    tail = rest.with_columns({"history": Ragged.of([[6, 7], []])})
    batch = rest.with_columns({"history": history})
    np.testing.assert_allclose(short.score(batch), short.score(tail), atol=1e-6)
    assert not np.allclose(short.score(batch), BST(WIDE, dim=4, hidden=(8,)).score(batch), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "chosen"),
    [
        (AutoInt, ({}, {"layers": 1}, {"heads": 1}, {"hidden": ()})),
        (
            MaskNet,
            (
                {},
                *(
                    {"masks": MaskOptions(**options)}
                    for options in (
                        {"reduction": 2.0},
                        {"structure": "parallel"},
                        {"structure": "parallel", "blocks": 2},
                    )
                ),
            ),
        ),
        (
            FinalMLP,
            (
                {},
                *(
                    {"streams": StreamOptions(**options)}
                    for options in ({"second": (6,)}, {"heads": 2}, {"gates": True})
                ),
            ),
        ),
        (BST, ({}, {"sequence": BSTOptions(blocks=2)}, {"sequence": BSTOptions(heads=2)})),
        (DIN, ({}, {"attention": (6,)})),
        (DLRM, ({}, {"bottom": (6,)})),
        (XDeepFM, ({}, {"interactions": (4,)})),
    ],
)
def test_every_option_changes_the_answer(kind, chosen):
    batch = random_batch(WIDE.without("click", "buy"), 4)
    answers = [kind(WIDE, **({"dim": 4, "hidden": (8, 4)} | options)).score(batch) for options in chosen]
    assert len({tuple(answer.tolist()) for answer in answers}) == len(answers)


def test_options_out_of_range_are_refused():
    with pytest.raises(ArgumentError, match=r"AutoInt\.layers"):
        AutoInt(WIDE, layers=0)
    with pytest.raises(ArgumentError, match=r"MaskNet\.hidden"):
        MaskNet(WIDE, hidden=())
    with pytest.raises(ArgumentError, match="MaskOptions"):
        MaskOptions(structure="tall")
