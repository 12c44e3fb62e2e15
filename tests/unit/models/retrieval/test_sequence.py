import numpy as np
import pytest
import torch

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, SchemaError
from shortlist.export import export_encoder
from shortlist.models.retrieval import (
    HSTU,
    BERT4Rec,
    ESASRec,
    GRU4Rec,
    SASRec,
    SequenceModel,
    SequenceOptions,
    TowerOptions,
)
from shortlist.nn import LiGREncoder
from shortlist.runtime import load_encoder
from shortlist.schema import LIST, Column, Domain, Schema
from shortlist.testing._models import RETRIEVAL_CHECKS, random_batch

ITEM = Column("item", "int64", ("item", "id", "categorical"), domain=Domain("item", 20))
HISTORY = Column("history", "int64", ("user", "sequence"), LIST, Domain("item", 20))
AGES = Column("ages", "float64", ("user", "sequence", "continuous"), LIST)
BARE = Schema([ITEM, HISTORY])
WIDE = Schema(
    [
        Column("user", "int64", ("user", "id", "categorical"), domain=Domain("user", 12)),
        *BARE,
        AGES,
        Column("genres", "int64", ("item", "categorical"), LIST, Domain("genres", 9)),
        Column("price", "float32", ("item", "continuous")),
    ]
)
DENSE = SequenceOptions(max_length=6, sparse=False)
AGED = SequenceOptions(max_length=6, sparse=False, ages="ages")
OWN = SequenceOptions(max_length=6, sparse=False, tied=False, normalize=True)
MODELS = {
    "sasrec": lambda seed: SASRec(BARE, dim=8, heads=2, options=DENSE, seed=seed),
    "sasrec of items with features": lambda seed: SASRec(WIDE, dim=8, options=DENSE, seed=seed),
    "sasrec untied": lambda seed: SASRec(BARE, dim=8, blocks=1, options=OWN, seed=seed),
    "esasrec": lambda seed: ESASRec(BARE, dim=8, blocks=1, options=DENSE, seed=seed),
    "gru4rec": lambda seed: GRU4Rec(BARE, dim=8, hidden=6, options=DENSE, seed=seed),
    "bert4rec": lambda seed: BERT4Rec(BARE, dim=8, blocks=1, options=DENSE, seed=seed),
    "hstu": lambda seed: HSTU(BARE, dim=8, blocks=1, options=DENSE, seed=seed),
    "hstu with ages": lambda seed: HSTU(WIDE, dim=8, blocks=1, options=AGED, seed=seed),
}


@pytest.mark.parametrize("check", RETRIEVAL_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MODELS)
def test_conformance(check, name):
    check(MODELS[name])


@pytest.mark.parametrize("name", ["esasrec", "gru4rec", "bert4rec", "hstu with ages"])
def test_the_exported_model_gives_the_same(name, tmp_path):
    model = MODELS[name](0)
    part = export_encoder(model, tmp_path / "part")
    assert part.parity < 1e-5
    loaded = load_encoder(tmp_path / "part")
    batch = random_batch(model.query_schema, 9, seed=3)
    np.testing.assert_allclose(loaded.encode_query(batch), model.encode_query(batch), atol=1e-5)


def test_an_empty_history_is_the_zero_vector_and_a_blank_is_not():
    empty = Batch({"history": Ragged.of([[], [3]])})
    for name in ("sasrec", "esasrec", "gru4rec", "hstu"):
        vectors = MODELS[name](0).encode_query(empty)
        assert not vectors[0].any()
        assert vectors[1].any()
    assert MODELS["bert4rec"](0).encode_query(empty)[0].any()


def test_only_the_newest_events_are_read():
    for name in ("sasrec", "esasrec", "hstu", "bert4rec"):
        model = MODELS[name](0)
        read = 5 if name == "bert4rec" else 6
        long = [4, 9, 3, 5, 6, 7, 8, 9, 10]
        vectors = model.encode_query(Batch({"history": Ragged.of([long, long[-read:]])}))
        np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_the_order_of_events_matters():
    for name, make in MODELS.items():
        if name != "hstu with ages":
            vectors = make(0).encode_query(Batch({"history": Ragged.of([[3, 4, 5], [4, 3, 5]])}))
            assert not np.allclose(vectors[0], vectors[1])


def test_tied_items_are_their_embeddings_and_untied_ones_have_two():
    tied, untied = MODELS["sasrec"](0), MODELS["sasrec untied"](0)
    assert tied.tables.rows == {"item": 20}
    assert untied.tables.rows == {"item": 20, "item_history": 20}
    weight = tied.tables.weight.detach().numpy()
    assert np.array_equal(tied.encode_item(Batch({"item": np.array([3, 7])})), weight[[3, 7]])


def test_the_schema_chooses_the_history():
    other = Column("viewed", "int64", ("user", "sequence"), LIST, Domain("item", 20))
    both = Schema([*BARE, other])
    assert SASRec(both, dim=4, options=SequenceOptions(history="viewed")).query_schema.names == ("viewed",)
    with pytest.raises(SchemaError, match=r"SASRec: the history: .*received lists of items \['history', 'vi"):
        SASRec(both, dim=4)
    with pytest.raises(
        SchemaError, match=r"SASRec: the history: .*received lists of items \[\].*ops.History"
    ):
        SASRec(Schema([ITEM]), dim=4)
    with pytest.raises(SchemaError, match=r"received 'histori' among.*history"):
        SASRec(BARE, dim=4, options=SequenceOptions(history="histori"))


def test_wrong_options_are_named():
    with pytest.raises(ArgumentError, match=r"GRU4Rec\.dim: expected an integer >= 1"):
        SequenceModel.__init__(GRU4Rec.__new__(GRU4Rec), BARE, torch.nn.Identity(), dim=0)
    with pytest.raises(ArgumentError, match=r"SequenceOptions\.max_length: expected an integer >= 1"):
        SequenceOptions(max_length=0)


def test_a_ready_encoder_is_used_as_it_is():
    encoder = LiGREncoder(8, max_length=3)
    assert SequenceModel(BARE, encoder, dim=8).query.encoders[0] is encoder


def test_items_take_options_of_towers():
    options = SequenceOptions(item=TowerOptions(hidden=(16,)))
    model = SASRec(WIDE, dim=8, options=options)
    assert any(tuple(parameter.shape) == (16, 17) for parameter in model.item.parameters())


def test_the_description_names_tables():
    assert SASRec(BARE, dim=4).describe().startswith("item: 20 rows x 4")
