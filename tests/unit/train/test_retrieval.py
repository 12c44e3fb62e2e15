import numpy as np
import polars as pl
import pytest
import torch

from shortlist.data import Batch
from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.io import Dataset
from shortlist.loader import Loader, Loading
from shortlist.models.retrieval import TableOptions, TowerOptions, TwoTower
from shortlist.samplers import InBatch, Uniform
from shortlist.schema import Column, Domain, Schema
from shortlist.train import FitOptions, Optimization, SampledSoftmax, fit
from shortlist.train._catalogue import Catalogue

OPTIONS = FitOptions(epochs=6, batch_size=128, lr=0.02)
IDS = ("user", "item")


def _group_scores(model, schema):
    items = model.encode_item(Batch({"item": np.arange(3, 43), **_prices(model)}))
    users = model.encode_query(Batch({"user": np.arange(3, 83)}))
    scores = users @ items.T
    same = (np.arange(80)[:, None] % 2) == (np.arange(40)[None] % 2)
    return scores, same


def _prices(model):
    return {"price": ((np.arange(40) % 7) / 7).astype(np.float32)} if "price" in model.item_schema else {}


@pytest.mark.parametrize("hidden", [(), (16,)])
@pytest.mark.parametrize("sparse", [True, False])
def test_the_tower_finds_the_planted_groups(schema, train, hidden, sparse):
    known = schema.without("history")
    model = TwoTower(known, dim=8, hidden=hidden, tables=TableOptions(sparse=sparse))
    options = FitOptions(epochs=12, batch_size=128, lr=0.02, optimization=Optimization(dense_lr=0.01))
    report = fit(model, train, SampledSoftmax(temperature=0.2, mask_known=False), options=options)
    scores, same = _group_scores(model, known)
    best = np.argsort(-scores, axis=1)[:, :20]
    assert np.take_along_axis(same, best, axis=1).mean() > 0.95
    assert report.epochs[-1].loss < report.epochs[0].loss


@pytest.mark.parametrize("negatives", [InBatch(), Uniform(64), InBatch() + Uniform(64)])
def test_every_source_of_negatives_learns(schema, train, valid, negatives):
    model = TwoTower(schema, dim=8)
    objective = SampledSoftmax(temperature=0.2, negatives=negatives)
    report = fit(model, train, objective, valid, OPTIONS)
    # 20 of 40 items are the user's group: a random order within the group gives recall@20 of 1, else a half.
    assert report.epochs[-1].loss < report.epochs[0].loss
    assert report.best_metric is not None
    assert report.metric == "ndcg@10"
    assert "one per user; full catalogue of 40 items; seen items filtered" in report.protocol


def test_metric_of_a_planted_answer(schema, train, valid):
    model = TwoTower(schema.select(IDS), dim=8)
    options = FitOptions(epochs=8, batch_size=128, lr=0.02, metric="recall@20", filter_seen=False)
    report = fit(model, train, SampledSoftmax(temperature=0.2, mask_known=False), valid, options)
    assert report.best_metric > 0.95
    assert "seen items kept" in report.protocol


def test_same_seed_same_weights(schema, train):
    states = []
    for seed in (5, 5, 6):
        model = TwoTower(schema, dim=4, hidden=(8,), query=TowerOptions(dropout=0.3))
        fit(model, train, options=FitOptions(epochs=1, batch_size=256, seed=seed))
        states.append(model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["tables.weight"], states[2]["tables.weight"])


def test_global_random_state_is_left_alone(schema, train):
    before = torch.random.get_rng_state()
    fit(
        TwoTower(schema, dim=4, hidden=(8,), query=TowerOptions(dropout=0.3)),
        train,
        options=FitOptions(epochs=1),
    )
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(
    "objective",
    [
        SampledSoftmax(temperature=0.3),
        SampledSoftmax(logq=False),
        SampledSoftmax(mask_known=False),
        SampledSoftmax(correct_positive=False),
        SampledSoftmax(negatives=InBatch() + Uniform(16)),
    ],
    ids=lambda objective: str(objective)[:80],
)
def test_every_option_of_the_objective_changes_the_loss(schema, train, objective):
    reports = [
        fit(TwoTower(schema, dim=4), train, chosen, options=FitOptions(epochs=1))
        for chosen in (SampledSoftmax(), objective)
    ]
    assert reports[0].epochs[0].loss != reports[1].epochs[0].loss


def test_rows_are_weighted_and_negative_ones_left_out(schema, train):
    weighted = schema.merge([Column("weight", "float32", ("weight",))])
    rows = train.with_columns(weight=pl.when(pl.col("item") < 20).then(-1.0).otherwise(2.0).cast(pl.Float32))
    kept = rows.filter(pl.col("weight") > 0)
    model, same = TwoTower(weighted, dim=4), TwoTower(schema, dim=4)
    report = fit(model, Dataset.of(rows, weighted), options=FitOptions(epochs=1))
    assert report.epochs[0].rows == kept.height
    expected = fit(same, kept, options=FitOptions(epochs=1))
    assert report.epochs[0].loss == pytest.approx(expected.epochs[0].loss, rel=1e-5)
    uneven = rows.with_columns(weight=(pl.col("user") % 5 + 1).cast(pl.Float32))
    other = fit(TwoTower(weighted, dim=4), Dataset.of(uneven, weighted), options=FitOptions(epochs=1))
    plain = fit(TwoTower(schema, dim=4), train, options=FitOptions(epochs=1))
    assert other.epochs[0].loss != pytest.approx(plain.epochs[0].loss, rel=1e-5)


def test_a_model_without_a_user_id_trains_on_histories(schema, train, valid):
    model = TwoTower(schema.without("user"), dim=8)
    report = fit(model, train, SampledSoftmax(temperature=0.2), valid, OPTIONS)
    assert "300 queries, one per row" in report.protocol
    assert "seen items kept" in report.protocol


def test_validation_queries_are_sampled_and_unknown_users_are_a_query_a_row(schema, train, valid):
    strangers = valid.with_columns(user=pl.lit(2))
    options = FitOptions(epochs=0, queries=100)
    assert "100 queries" in fit(TwoTower(schema, dim=4), train, None, strangers, options).protocol
    assert (
        "300 queries" in fit(TwoTower(schema, dim=4), train, None, strangers, FitOptions(epochs=0)).protocol
    )


@pytest.mark.filterwarnings("ignore:fit. the embeddings of")
def test_collapsed_vectors_score_like_a_random_order(schema, train, valid):
    model = TwoTower(schema.select(IDS), dim=4)
    with torch.no_grad():
        model.tables.weight.fill_(1.0)
    options = FitOptions(epochs=1, lr=1e-12, metric="hit_rate@10", filter_seen=False, batch_size=2048)
    with pytest.warns(UserWarning, match="collapsed"):
        report = fit(model, train, None, valid, options)
    # 3.7 items on average out of 40: a random ten holds at least one about 6 times in 10.
    assert 0.3 < report.best_metric < 0.8


def test_catalogue_holds_the_last_row_of_each_item(schema):
    rows = pl.DataFrame(
        {
            "user": [3, 3, 4, 2],
            "history": [[3], [3], [3], [3]],
            "item": [5, 4, 5, 2],
            "price": [1.0, 2.0, 3.0, 4.0],
        }
    )
    for memory_bytes in (1, 2**30):
        data = Dataset.of([rows.slice(0, 2), rows.slice(2)], schema)
        catalogue = Catalogue.of(
            Loader(data, schema, loading=Loading(memory_bytes)), schema.tagged("item"), schema["user"]
        )
        assert catalogue.codes.tolist() == [4, 5]
        assert catalogue.batch(np.array([5, 4]))["price"].tolist() == [3.0, 2.0]
        assert catalogue.population.counts[[2, 4, 5]].tolist() == [1, 1, 2]
        # User 2 is "unknown": its items say nothing.
        starts = catalogue.population.known_starts
        assert np.diff(starts)[[2, 3, 4]].tolist() == [0, 2, 1]
        assert catalogue.population.known_items.tolist() == [4, 5, 5]


def test_warns_of_few_negatives(schema, train):
    with pytest.warns(UserWarning, match="at most 15 in-batch negatives"):
        fit(TwoTower(schema, dim=4), train.head(32), options=FitOptions(epochs=1, batch_size=16))


def test_bad_data_is_refused(schema, train, valid):
    def run(rows, validation=None, model=None, **options):
        return fit(model or TwoTower(schema, dim=4), rows, None, validation, FitOptions(epochs=1, **options))

    with pytest.raises(DataError, match=r"fit\.train.*no rows"):
        run(train.head(0))
    with pytest.raises(SchemaError, match="history"):
        run(train.drop("history"))
    with pytest.raises(DataError, match="filter_seen"):
        run(train, train.head(50))
    with pytest.raises(ArgumentError, match="ndcg"):
        run(train, valid, metric="ndgc@10")
    with pytest.raises(ArgumentError, match="encode_query"):
        fit(torch.nn.Linear(1, 1), train)


def test_a_loss_that_is_not_finite_stops_with_a_message(schema, train):
    model = TwoTower(schema, dim=4, normalize=False)
    with torch.no_grad():
        model.query.body[0].weight.fill_(float("nan"))
    with pytest.raises(ArgumentError, match=r"epoch 1, step 1.*a loss of nan.*lower lr"):
        fit(model, train, options=FitOptions(epochs=1))


def test_domain_without_size_is_refused(train):
    loose = Schema(
        [
            Column("user", "int64", ("user", "id"), domain=Domain("user", 83)),
            Column("item", "int64", ("item", "id"), domain=Domain("item")),
        ]
    )
    with pytest.raises(SchemaError, match="size of its domain"):
        Catalogue.of(Loader(train, loose), loose.tagged("item"), loose["user"])
