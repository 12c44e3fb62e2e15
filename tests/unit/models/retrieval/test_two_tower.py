import numpy as np
import pytest
import torch
from torch import nn

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, SchemaError
from shortlist.models.retrieval import TableOptions, TowerOptions, TwoTower
from shortlist.nn import (
    MLP,
    AttentionPooling,
    HSTUEncoder,
    LiGREncoder,
    MeanPooling,
    RecurrentEncoder,
    SumPooling,
    TransformerEncoder,
    sparse_tables,
)
from shortlist.schema import LIST, Column, Domain, Schema, Shape
from shortlist.testing._models import (
    RETRIEVAL_CHECKS,
    check_any_number_of_rows,
    check_padded_equals_ragged,
    random_batch,
    tensors,
)

USER = Column("user", "int64", ("user", "id", "categorical"), domain=Domain("user", 12))
ITEM = Column("item", "int64", ("item", "id", "categorical"), domain=Domain("item", 20))
HISTORY = Column("history", "int64", ("user", "sequence"), LIST, Domain("item", 20))
WIDE = Schema(
    [
        USER,
        Column("hour", "int64", ("context", "categorical"), domain=Domain("hour", 27)),
        Column("age", "float32", ("user", "continuous")),
        HISTORY,
        ITEM,
        Column("genres", "int64", ("item", "categorical"), LIST, Domain("genres", 9)),
        Column("price", "float32", ("item", "continuous")),
        Column("ts", "int64", ("time",)),
        Column("weight", "float32", ("weight",)),
        Column("label", "float32", ("target", "binary")),
        Column("note", "string", ("item", "text")),
    ]
)
DENSE = TableOptions(sparse=False)


class Last(nn.Module):
    """A linear map of the newest element of a list."""

    def __init__(self, dim, seed):
        super().__init__()
        self.map = MLP(dim, (dim,), seed=seed)

    def forward(self, vectors, mask):
        places = torch.arange(vectors.shape[1], device=mask.device)
        newest = torch.where(mask, places, -1).max(1, keepdim=True).values
        chosen = (places == newest) & mask
        return self.map((vectors * chosen.unsqueeze(2)).sum(1))


class Bag(nn.Module):
    """The sum of the vectors of tokens."""

    def __init__(self, tokens, dim, seed):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(tokens, dim, generator=torch.Generator().manual_seed(seed)))

    def forward(self, codes):
        return (self.weight[codes] * (codes != 0).unsqueeze(2)).sum(1)


MODELS = {
    "ids": lambda seed: TwoTower(Schema([USER, ITEM]), dim=8, seed=seed, tables=DENSE),
    "linear": lambda seed: TwoTower(WIDE, dim=8, seed=seed, tables=DENSE),
    "deep": lambda seed: TwoTower(WIDE, dim=6, hidden=(16,), seed=seed, tables=DENSE, normalize=False),
    "asymmetric": lambda seed: TwoTower(
        WIDE,
        dim=6,
        query=TowerOptions(hidden=(16, 12), residual=True),
        item=TowerOptions(hidden=(8,), cross=2),
        seed=seed,
        tables=TableOptions(widths={"hour": 2, "item": 3}, own_histories=True, sparse=False),
    ),
    "encoded": lambda seed: TwoTower(
        WIDE,
        dim=6,
        query=TowerOptions(history=Last(6, seed)),
        item=TowerOptions(body=MLP(13, (9, 6), seed=seed), history={"genres": Last(6, seed)}),
        seed=seed,
        tables=TableOptions(widths="by size", sparse=False),
    ),
    "tokens": lambda seed: TwoTower(
        WIDE, dim=6, item=TowerOptions(text={"genres": Bag(9, 6, seed)}), seed=seed, tables=DENSE
    ),
}


@pytest.mark.parametrize("check", RETRIEVAL_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MODELS)
def test_conformance(check, name):
    check(MODELS[name])


ENCODERS = {
    "gru": lambda seed: RecurrentEncoder(6, seed=seed),
    "lstm": lambda seed: RecurrentEncoder(6, cell="lstm", seed=seed),
    "attention": lambda seed: AttentionPooling(6, hidden=5, seed=seed),
    "transformer": lambda seed: TransformerEncoder(6, max_length=9, dropout=0.0, seed=seed),
    "ligr": lambda seed: LiGREncoder(6, max_length=9, dropout=0.0, seed=seed),
    "hstu": lambda seed: HSTUEncoder(6, max_length=9, dropout=0.0, seed=seed),
}


@pytest.mark.parametrize("check", [check_padded_equals_ragged, check_any_number_of_rows])
@pytest.mark.parametrize("name", ENCODERS)
def test_conformance_with_encoders_of_histories(check, name):
    def make(seed):
        query = TowerOptions(history=ENCODERS[name](seed), hidden=(8,))
        return TwoTower(WIDE, dim=6, query=query, tables=DENSE, seed=seed)

    check(make)


def test_every_encoder_of_histories_says_something_else():
    batch = random_batch(WIDE, 4).with_columns({"history": Ragged.of([[3, 4, 5]] * 4)})
    found = [
        TwoTower(WIDE, dim=6, query=TowerOptions(history=make and make(0))).encode_query(batch)
        for make in (None, *ENCODERS.values())
    ]
    for one in range(len(found)):
        for other in range(one):
            assert not np.allclose(found[one], found[other])


def test_a_mean_by_an_encoder_is_the_mean_by_the_tables():
    batch = random_batch(WIDE, 9)
    fast = TwoTower(WIDE, dim=6)
    slow = TwoTower(WIDE, dim=6, query=TowerOptions(history=MeanPooling()))
    np.testing.assert_allclose(slow.encode_query(batch), fast.encode_query(batch), atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"hidden": (8,)},
        {"hidden": (8,), "residual": True},
        {"cross": 1},
        {"body": MLP(13, (6,))},
        {"history": {"genres": SumPooling()}},
        {"text": {"genres": Bag(9, 6, 0)}},
    ],
    ids="+".join,
)
def test_every_option_of_a_tower_changes_its_vectors_and_not_the_other_ones(options):
    batch = random_batch(WIDE, 6)
    plain, changed = TwoTower(WIDE, dim=6), TwoTower(WIDE, dim=6, item=TowerOptions(**options))
    assert not np.allclose(plain.encode_item(batch), changed.encode_item(batch))
    np.testing.assert_array_equal(plain.encode_query(batch), changed.encode_query(batch))


def test_options_of_a_tower_go_before_those_of_the_model():
    model = TwoTower(WIDE, dim=6, hidden=(8,), item=TowerOptions(hidden=()))
    assert [tuple(part.shape) for part in model.item.body.parameters()] == [(6, 13), (6,)]
    assert len(list(model.query.body.parameters())) == 4


def test_a_residual_tower_starts_as_the_linear_one():
    batch = random_batch(WIDE, 6)
    linear = TwoTower(WIDE, dim=6, normalize=False)
    residual = TwoTower(WIDE, dim=6, hidden=(16,), normalize=False, item=TowerOptions(residual=True))
    with torch.no_grad():
        residual.item.body.linear.weight.copy_(linear.item.body[0].weight)
        for block in residual.item.body.blocks:
            block[-1].weight.zero_()
    start = residual.tables.starts["item"]
    item = residual.tables.weight.detach().numpy()[start + batch["item"]]
    np.testing.assert_allclose(residual.encode_item(batch), linear.encode_item(batch) + item, atol=1e-6)


def test_linear_towers_start_as_the_sum_of_given_vectors_too():
    taste = Column("taste", "float32", ("user", "embedding"), Shape("vector", 4))
    looks = Column("looks", "float32", ("item", "embedding"), Shape("vector", 4))
    model = TwoTower(Schema([USER, taste, ITEM, looks]), dim=4, normalize=False)
    vectors = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)
    item = model.encode_item(Batch({"item": np.array([5, 7]), "looks": vectors}))
    weight = model.tables.weight.detach().numpy()[model.tables.starts["item"] + np.array([5, 7])]
    np.testing.assert_allclose(item, weight + vectors, atol=1e-6)


def test_tables_of_several_widths_say_so():
    tables = TableOptions(widths={"hour": 2, "item": 3})
    model = TwoTower(WIDE, dim=4, tables=tables)
    assert model.describe().splitlines()[:-1] == [
        "item: 20 rows x 3, 0.0 MB",
        "hour: 27 rows x 2, 0.0 MB",
        "user: 12 rows x 4, 0.0 MB",
        "genres: 9 rows x 4, 0.0 MB",
    ]
    assert len(sparse_tables(model)) == 3
    rule = TwoTower(WIDE, dim=16, tables=TableOptions(widths="by size"))
    assert rule.tables.widths == {"user": 8, "hour": 16, "item": 16, "genres": 8}


def test_histories_may_have_a_table_of_their_own():
    model = TwoTower(Schema([USER, HISTORY, ITEM]), dim=4, tables=TableOptions(own_histories=True))
    assert model.tables.rows == {"user": 12, "item": 20, "item_history": 20}
    tensors(random_batch(model.query_schema, 4))
    model.encode_query(tensors(random_batch(model.query_schema, 4))).sum().backward()
    rows, _ = model.tables.take_gradients()
    assert (rows < model.tables.starts["item"]).logical_or(rows >= model.tables.starts["item_history"]).all()


def test_item_ids_are_dropped_too():
    model = TwoTower(WIDE, dim=8, item=TowerOptions(id_dropout=0.5))
    batch = tensors(random_batch(model.item_schema, 30))
    strangers = batch.with_columns({"item": torch.full((30,), 2)})
    model.eval()
    known, unknown = model.encode_item(batch), model.encode_item(strangers)
    model.train()
    with torch.random.fork_rng():
        found = model.encode_item(batch)
    as_known, as_unknown = (torch.isclose(found, one, atol=1e-6).all(1) for one in (known, unknown))
    assert (as_known | as_unknown).all()
    assert 0 < int(as_unknown.sum()) < 30


def test_a_tower_that_drops_every_id_never_reads_one():
    model = TwoTower(WIDE, dim=8, item=TowerOptions(id_dropout=1.0))
    batch = tensors(random_batch(model.item_schema, 30))
    strangers = batch.with_columns({"item": torch.full((30,), 2)})
    for mode in (True, False):
        model.train(mode)
        torch.testing.assert_close(model.encode_item(batch), model.encode_item(strangers))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TowerOptions(dropout=1.0), r"TowerOptions\.dropout: expected a share in \[0, 1\)"),
        (lambda: TowerOptions(id_dropout=1.5), r"TowerOptions\.id_dropout: expected a share in \[0, 1\]"),
        (lambda: TowerOptions(cross=-1), r"TowerOptions\.cross"),
        (lambda: TowerOptions(body=MLP(3, (2,)), hidden=(3,)), r"leave hidden, residual and dropout"),
        (lambda: TableOptions(widths="wide"), r"'by size', or a mapping"),
        (lambda: TwoTower(WIDE, query=TowerOptions(residual=True)), r"hidden=\(128,\)"),
        (lambda: TwoTower(WIDE, item=TowerOptions(body=MLP(3, (2,)))), r"from \[B, 129\] to \[B, 64\]"),
        (
            lambda: TwoTower(WIDE, dim=6, item=TowerOptions(body=MLP(13, (2,)))),
            r"vectors \(1, 2\) of one row",
        ),
        (
            lambda: TwoTower(
                WIDE,
                dim=6,
                query=TowerOptions(history=Last(6, 0), hidden=(4,)),
                item=TowerOptions(history={"genre": Last(6, 0)}),
            ),
            r"did you mean 'genres'",
        ),
        (
            lambda: TwoTower(WIDE, dim=6, item=TowerOptions(history=SumPooling())),
            r"one module for the SEQUENCE",
        ),
        (
            lambda: TwoTower(WIDE, dim=6, item=TowerOptions(text={"genres": Bag(9, 5, 0)})),
            r"encoders of lists",
        ),
        (lambda: TwoTower(WIDE, tables=TableOptions(widths={"hours": 3})), r"did you mean 'hour'"),
        (lambda: TwoTower(WIDE, tables=TableOptions(widths={"hour": 0})), r"MixedTables\.widths"),
    ],
)
def test_options_that_do_not_fit(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_ids_only_model_is_its_embeddings():
    model = TwoTower(Schema([USER, ITEM]), dim=4, normalize=False)
    assert [name for name, _ in model.named_parameters()] == ["tables.weight"]
    vectors = model.encode_item(Batch({"item": np.array([3, 7])}))
    start = model.tables.starts["item"]
    assert np.array_equal(vectors, model.tables.weight[[start + 3, start + 7]].detach().numpy())


def test_history_and_item_share_one_table_and_linear_towers_start_as_the_sum():
    model = TwoTower(Schema([USER, HISTORY, ITEM]), dim=4, normalize=False)
    assert model.tables.rows == {"user": 12, "item": 20}
    batch = Batch({"user": np.array([3, 4]), "history": Ragged.of([[5, 7], []])})
    item = model.encode_item(Batch({"item": np.array([5, 7])}))
    weight = model.tables.weight.detach().numpy()
    expected = [weight[3] + (item[0] + item[1]) / 2, weight[4]]
    np.testing.assert_allclose(model.encode_query(batch), expected, atol=1e-6)


def test_vectors_have_length_one_and_outcomes_are_never_inputs():
    model = TwoTower(WIDE, dim=8)
    assert model.query_schema.names == ("user", "hour", "age", "history")
    assert model.item_schema.names == ("item", "genres", "price")
    lengths = np.linalg.norm(model.encode_query(random_batch(model.query_schema, 5)), axis=1)
    np.testing.assert_allclose(lengths, np.ones(5), atol=1e-6)


def test_dropout_works_in_training_only():
    model = TwoTower(WIDE, dim=8, hidden=(64,), item=TowerOptions(dropout=0.5))
    batch = random_batch(model.item_schema, 6)
    assert np.array_equal(model.encode_item(batch), model.encode_item(batch))


def test_large_batches_are_encoded_in_parts(monkeypatch):
    model = TwoTower(WIDE, dim=8)
    batch = random_batch(model.query_schema, 10)
    whole = model.encode_query(batch)
    monkeypatch.setattr("shortlist.models._arrays._CHUNK", 3)
    np.testing.assert_allclose(model.encode_query(batch), whole, atol=1e-6)


def test_read_only_arrays_are_read():
    codes = np.array([3, 4])
    codes.flags.writeable = False
    assert TwoTower(Schema([USER, ITEM]), dim=4).encode_item(Batch({"item": codes})).shape == (2, 4)


def test_description_names_tables_and_memory():
    text = TwoTower(Schema([USER, ITEM]), dim=4).describe()
    assert text.splitlines() == [
        "item: 20 rows x 4, 0.0 MB",
        "user: 12 rows x 4, 0.0 MB",
        "tables: 0.0 MB; other parameters: 0",
    ]


def test_wrong_schemas_are_refused():
    raw = Column("user", "string", ("user", "id"))
    cases = [
        ([USER], "0 columns with tags"),
        ([ITEM], "at least one USER"),
        ([raw, ITEM], "Categorify"),
        ([USER, Column("price", "string", ("item", "continuous")), ITEM], "one number a row"),
        (
            [USER, Column("old", "int64", ("user", "id2", "categorical"), domain=Domain("item", 9)), ITEM],
            "domain",
        ),
    ]
    for columns, message in cases:
        with pytest.raises(SchemaError, match=message):
            TwoTower(Schema(columns))
    with pytest.raises(ArgumentError, match=r"TwoTower\.dim"):
        TwoTower(Schema([USER, ITEM]), dim=0)


def test_wrong_columns_are_refused():
    model = TwoTower(Schema([USER, HISTORY, ITEM]), dim=4)
    lists = Ragged.of([[3]])
    for columns, message in (
        ({"user": np.array(["a"], dtype=object), "history": lists}, "Workflow"),
        ({"user": np.array([1.5]), "history": lists}, "integer codes"),
        ({"user": np.array([3]), "history": np.array([3])}, "expected lists"),
        ({"user": lists, "history": lists}, "one value a row"),
        ({"user": np.array([3]), "history": Ragged.of([[99]])}, "0 to 19"),
    ):
        with pytest.raises((SchemaError, ArgumentError), match=message):
            model.encode_query(Batch(columns))


def test_sparse_tables_keep_their_gradients_by_row():
    model = TwoTower(Schema([USER, ITEM]), dim=4)
    model.encode_item(Batch({"item": torch.tensor([5, 5])})).sum().backward()
    rows, _ = model.tables.take_gradients()
    assert model.tables.weight.grad is None
    assert rows.tolist() == [model.tables.starts["item"] + 5]


def test_id_dropout_hides_users_in_training_only():
    model = TwoTower(WIDE, dim=8, query=TowerOptions(id_dropout=0.5))
    batch = tensors(random_batch(model.query_schema, 200))
    unknown = tensors(batch_with_unknown_user(model))
    model.eval()
    known, hidden = model.encode_query(batch), model.encode_query(unknown)
    assert torch.equal(known, model.encode_query(batch))
    model.train()
    with torch.random.fork_rng():
        vectors = model.encode_query(batch)
    as_known = torch.isclose(vectors, known, atol=1e-6).all(1)
    as_hidden = torch.isclose(vectors, hidden, atol=1e-6).all(1)
    assert (as_known | as_hidden).all()
    assert 60 < int((~as_known).sum()) < 140


def batch_with_unknown_user(model):
    batch = random_batch(model.query_schema, 200)
    return batch.with_columns({"user": np.full(200, 2)})


def test_hidden_layers_add_to_the_item_embeddings():
    model = TwoTower(WIDE, dim=8, hidden=(16,), normalize=False)
    with torch.no_grad():
        for tower in (model.query, model.item):
            tower.body[-1].weight.zero_()
    weight = model.tables.weight.detach().numpy()[model.tables.starts["item"] :]
    batch = random_batch(model.query_schema, 1).with_columns({"history": Ragged.of([[5, 7]])})
    np.testing.assert_allclose(model.encode_query(batch), [(weight[5] + weight[7]) / 2], atol=1e-6)
