"""What all rankers promise."""

import numpy as np
import pytest
import torch

from shortlist.data import Batch
from shortlist.errors import ArgumentError, SchemaError
from shortlist.export import export_ranker, load_weights
from shortlist.models.ranking import DNN, FM, LR, Output, RankerOptions
from shortlist.nn import EmbeddingTables, sparse_tables
from shortlist.runtime import load_ranker
from shortlist.schema import Column, Domain, Schema
from shortlist.testing._models import RANKING_CHECKS, random_batch, ranking_batch, tensors
from shortlist.testing._rankers import CODES, NUMBERS, OF_HISTORIES, OF_IDS, RANKERS, TASKS, WIDE

SCHEMAS = {"wide": WIDE, "numbers": NUMBERS, "codes": CODES}


ALL = RANKERS | OF_IDS | OF_HISTORIES | TASKS
CASES = [(name, schema) for name in RANKERS for schema in SCHEMAS]
CASES += [(name, schema) for name in OF_IDS for schema in ("wide", "codes")]
CASES += [(name, "wide") for name in OF_HISTORIES | TASKS]


@pytest.mark.parametrize("check", RANKING_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("name", "schema"), CASES)
def test_conformance(check, name, schema):
    check(lambda seed: ALL[name](SCHEMAS[schema], seed))


# Each takes seconds: those of one kind are the same inside.
QUICK = {"DLRM", "DCN", "DIN", "PLE"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in ALL]
)
def test_the_exported_ranker_answers_as_the_live_one(name, tmp_path):
    live, other = ALL[name](WIDE, 0), ALL[name](WIDE, 1)
    part = export_ranker(live, tmp_path / "ranker")
    assert part.outputs == {"click": 1, "buy": 1}
    served = load_ranker(tmp_path / "ranker")
    load_weights(other, tmp_path / "ranker")
    for query_of in ([], [0], [0, 0, 1, 3, 3, 3]):
        batch = ranking_batch(live.query_schema, live.candidate_schema, query_of, seed=4)
        for target, expected in live.predict(batch).items():
            np.testing.assert_allclose(served.predict(batch)[target], expected, atol=1e-5)
            np.testing.assert_array_equal(other.predict(batch)[target], expected)
        np.testing.assert_array_equal(served.score(batch), served.predict(batch)["click"])
        np.testing.assert_allclose(served.score(batch.flat()), live.score(batch), atol=1e-5)


@pytest.mark.parametrize("name", RANKERS | OF_IDS | OF_HISTORIES)
def test_tables_are_sparse_unless_told_otherwise(name):
    kind = type(ALL[name](WIDE, 0))
    model = kind(WIDE)
    assert len(sparse_tables(model)) == 1
    batch = tensors(random_batch(model.inputs, 5))
    model(batch)["click"].sum().backward()
    rows, grads = sparse_tables(model)[0].take_gradients()
    assert len(rows) > 0
    assert grads.abs().sum() > 0
    narrow = kind(WIDE, options=RankerOptions(widths="by size"))
    assert narrow.score(random_batch(model.inputs, 2)).shape == (2,)


def test_narrow_tables_are_stored_narrow():
    model = DNN(WIDE, dim=8, options=RankerOptions(widths={"user": 2}))
    assert "user: 12 rows x 2" in model.describe()
    assert isinstance(DNN(WIDE).tables, EmbeddingTables)
    with pytest.raises(ArgumentError, match=r"RankerOptions\.widths"):
        RankerOptions(widths="wide")


def test_ids_are_unknown_in_a_share_of_the_training_rows():
    batch = random_batch(WIDE, 300)
    plain, dropping = (
        DNN(WIDE, hidden=(8,), options=RankerOptions(id_dropout=share)) for share in (0.0, 0.5)
    )
    np.testing.assert_array_equal(plain.score(batch), dropping.score(batch))
    logits = [model.train()(tensors(batch))["click"] for model in (plain, dropping)]
    changed = (logits[0] != logits[1]).float().mean().item()
    assert 0.5 < changed < 1.0  # a row keeps both of its ids with a chance of a quarter
    with pytest.raises(ArgumentError, match=r"RankerOptions\.id_dropout: expected a share in \[0, 1\)"):
        RankerOptions(id_dropout=1.0)


def test_unknown_codes_start_at_zero():
    tables = DNN(WIDE, options=RankerOptions(widths={"user": 2})).tables
    assert tables.lookup("item", torch.tensor([2])).tolist() == [[0.0] * 16]
    assert tables.lookup("user", torch.tensor([2])).tolist() == [[0.0] * 16]
    assert (tables.lookup("user", torch.tensor([3])) != 0).any()


def test_batch_norm_takes_batches_of_any_size():
    model = DNN(WIDE, hidden=(8,), options=RankerOptions(batch_norm=True))
    for rows in (0, 1, 5):
        assert model.train()(tensors(random_batch(model.inputs, rows)))["click"].shape == (rows,)
    plain = DNN(WIDE, hidden=(8,))
    batch = random_batch(model.inputs, 5)
    assert not np.allclose(plain.score(batch), model.score(batch))


def test_dropout_drops_in_training_only():
    model, batch = DNN(WIDE, dropout=0.5), tensors(random_batch(WIDE.without("click", "buy"), 5))
    assert not torch.equal(model.train()(batch)["click"], model(batch)["click"])
    assert torch.equal(model.eval()(batch)["click"], model(batch)["click"])


def test_query_side_in_candidate_rows_is_read_as_it_is():
    model = RANKERS["DCN"](WIDE, 0)
    flat = random_batch(model.inputs, 4)
    mixed = Batch(dict(flat.items()), query=(), query_of=np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(model.score(mixed), model.score(flat), atol=1e-7)


def test_columns_of_the_query_alone_rank_its_candidates_alike():
    schema = WIDE.without("item", "price", "pair_count")
    for name, make in RANKERS.items():
        model = make(schema, 0)
        batch = random_batch(model.query_schema, 2)
        batch = Batch(dict(batch.items()), query=batch, query_of=np.array([0, 1, 1]))
        first, second, third = model.score(batch)
        assert first != second, name
        assert second == third, name


def test_wrong_schemas_are_refused():
    with pytest.raises(SchemaError, match="tagged target"):
        LR(WIDE.without("click", "buy"))
    with pytest.raises(SchemaError, match="one input"):
        FM(Schema([WIDE["click"]]))
    with pytest.raises(SchemaError, match="number of classes"):
        LR(NUMBERS.merge([Column("stars", "int64", ("target", "multiclass"))]))
    with pytest.raises(ArgumentError, match="one or more layers"):
        DNN(WIDE, hidden=())


def test_every_kind_of_target_is_served_as_it_should_be():
    schema = NUMBERS.merge(
        [
            Column("stars", "int64", ("target", "multiclass"), domain=Domain("stars", 3)),
            Column("spend", "float32", ("target", "regression")),
            Column("seconds", "float32", ("target", "watch_time")),
        ]
    )
    model = LR(schema)
    with torch.no_grad():
        for layer in model.first.maps:
            layer.weight.zero_()
        model.first.bias.copy_(torch.tensor([0.0, 1.0, 0.0, 0.0, 5.0, 2.0]))
    batch = random_batch(model.inputs, 1)
    assert model(batch)["stars"].shape == (1, 3)
    served = {name: values.item() for name, values in model.predict(batch).items()}
    e = np.exp(1.0)
    assert served["click"] == 0.5
    assert served["stars"] == pytest.approx((0 * e + 1 + 2) / (e + 2), rel=1e-6)
    assert served["spend"] == 5.0
    assert served["seconds"] == pytest.approx(np.exp(2.0), rel=1e-6)
    assert [output.kind for output in model.outputs] == ["binary", "multiclass", "regression", "watch_time"]
    assert Output("x", "binary").served(torch.zeros(1)).item() == 0.5
