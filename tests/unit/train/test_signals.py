"""Several signals: weights of event types, heads, and what users said no to."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
import torch

import shortlist as sl
from shortlist import ops, tags
from shortlist.data import Batch
from shortlist.errors import ArgumentError, SchemaError
from shortlist.export import export_encoder
from shortlist.io import Dataset
from shortlist.models.retrieval import MultiHead, TableOptions, TwoTower
from shortlist.rng import generator
from shortlist.runtime import load_encoder
from shortlist.schema import Column, Domain, Schema
from shortlist.testing._models import RETRIEVAL_CHECKS, random_batch, tensors
from shortlist.train import FitOptions, JointSoftmax, SampledSoftmax, fit, with_unwanted

USERS, ITEMS, FIRST = 60, 40, 3
USER = Column("user", "int64", ("user", "id", "categorical"), domain=Domain("user", FIRST + USERS))
ITEM = Column("item", "int64", ("item", "id", "categorical"), domain=Domain("item", FIRST + ITEMS))
CLICK = Column("click", "float32", ("target", "binary"))
PURCHASE = Column("purchase", "float32", ("target", "binary"))
SCHEMA = Schema([USER, ITEM, CLICK, PURCHASE])
BOTH = {"click": 1.0, "purchase": 1.0}
SOFT = SampledSoftmax(temperature=0.2, negatives=sl.InBatch() + sl.Uniform(64))


def shopped(rows: int, seed: int) -> Dataset:
    """Users click on items of the first half, and buy those of the second: of their own parity in both."""
    rng = generator(seed, "shopped")
    user, buys = rng.integers(0, USERS, rows), rng.random(rows) < 0.4
    item = 2 * rng.integers(0, ITEMS // 4, rows) + user % 2 + np.where(buys, ITEMS // 2, 0)
    frame = {"user": user + FIRST, "item": item + FIRST, "click": ~buys, "purchase": buys}
    return Dataset.of(pl.DataFrame(frame).cast({"click": pl.Float32, "purchase": pl.Float32}), SCHEMA)


def two_heads(seed: int = 0, **options: object) -> MultiHead:
    return MultiHead(TwoTower(SCHEMA, dim=8, seed=seed, **options), ("click", "purchase"))


def best(model: MultiHead, user: int, k: int) -> list[int]:
    items = np.arange(FIRST, FIRST + ITEMS)
    queries = model.encode_query(Batch({"user": np.array([FIRST + user])}))
    scores = queries @ model.encode_item(Batch({"item": items})).T
    return (np.argsort(-scores[0])[:k]).tolist()


@pytest.mark.parametrize("check", RETRIEVAL_CHECKS, ids=lambda check: check.__name__)
def test_conformance(check):
    check(lambda seed: two_heads(seed, tables=TableOptions(sparse=False)))


def test_heads_learn_their_own_signal_and_a_blend_serves_both():
    model = two_heads()
    options = FitOptions(epochs=15, batch_size=300, lr=0.03, optimization=sl.Optimization(dense_lr=0.02))
    # What was clicked on has to be a negative of purchases, so known items are not masked.
    soft = replace(SOFT, mask_known=False)
    report = fit(model, shopped(3000, 0), JointSoftmax(BOTH, soft), options=options)
    assert report.epochs[-1].loss < report.epochs[0].loss
    for user in (4, 7):
        clicked = best(model.blended({"click": 1.0}), user, 10)
        bought = best(model.blended({"purchase": 1.0}), user, 10)
        assert {item % 2 for item in clicked + bought} == {user % 2}
        assert max(clicked) < ITEMS // 2 <= min(bought)
        assert {
            item < ITEMS // 2 for item in best(model.blended({"click": 1.0, "purchase": 1.0}), user, 18)
        } == {
            True,
            False,
        }


def test_a_blend_scores_as_the_blend_of_the_heads_scores():
    model = two_heads()
    with torch.no_grad():
        model.projections.add_(torch.randn(2, 8, 8, generator=torch.Generator().manual_seed(0)))
        model.log_scales.copy_(torch.tensor([0.3, -0.2]))
    batch = random_batch(model.query_schema, 5)
    items = model.encode_item(random_batch(model.item_schema, 6))
    click, purchase = (model.blended({name: 1.0}).encode_query(batch) @ items.T for name in model.heads)
    mixed = model.blended({"click": 0.25, "purchase": 2.0}).encode_query(batch) @ items.T
    np.testing.assert_allclose(mixed, 0.25 * click + 2.0 * purchase, atol=1e-5)
    even = model.encode_query(batch) @ items.T
    np.testing.assert_allclose(even, (click + purchase) / 2, atol=1e-5)
    alone = model.of_head(model.model.encode_query(tensors(batch)), "click").detach().numpy() @ items.T
    np.testing.assert_allclose(alone, click, atol=1e-5)


def test_a_blend_is_exported_as_it_serves(tmp_path):
    model = two_heads().blended({"purchase": 1.0})
    export_encoder(model, tmp_path / "part")
    batch = random_batch(model.query_schema, 5)
    served = load_encoder(tmp_path / "part").encode_query(batch)
    np.testing.assert_allclose(served, model.encode_query(batch), atol=1e-5)


def first_loss(objective, rows: Dataset | None = None, model=None) -> float:
    report = fit(
        model or two_heads(),
        rows or shopped(900, 0),
        objective,
        options=FitOptions(epochs=1, batch_size=900, lr=1e-6),
    )
    return report.epochs[0].loss


def test_the_loss_is_the_weighted_sum_of_the_heads():
    click, purchase = (
        first_loss(JointSoftmax({"click": a, "purchase": b}, SOFT)) for a, b in ((1, 1e-9), (1e-9, 1))
    )
    together = first_loss(JointSoftmax({"click": 2.0, "purchase": 3.0}, SOFT))
    assert together == pytest.approx(2 * click + 3 * purchase, rel=1e-4)
    # At the start both heads are the towers' own vectors: the shares of the rows add up to the plain softmax.
    plain = first_loss(SOFT, model=TwoTower(SCHEMA, dim=8))
    assert click + purchase == pytest.approx(plain, rel=1e-4)


def test_rows_are_weighted():
    rows = shopped(900, 0)
    weighted = Dataset.of(
        rows.collect().with_columns(weight=(pl.col("user") % 3 + 1).cast(pl.Float32)),
        SCHEMA.merge([Column("weight", "float32", ("weight",))]),
    )
    objective = JointSoftmax(BOTH, SOFT)
    assert first_loss(objective, weighted) != pytest.approx(first_loss(objective, rows), rel=1e-6)


def test_validation_is_of_the_blend():
    rows, valid = shopped(1500, 0), shopped(300, 1)
    options = FitOptions(epochs=2, batch_size=300)
    report = fit(two_heads(), rows, JointSoftmax(BOTH, SOFT), valid, options)
    assert report.metric == "ndcg@10"
    assert report.epochs[-1].metric > 0


def test_heads_that_do_not_fit():
    tower = TwoTower(SCHEMA, dim=4)
    for make, message in (
        (lambda: MultiHead(tower, ()), r"MultiHead\.heads"),
        (lambda: MultiHead(tower, ("click", "click")), r"each once"),
        (lambda: MultiHead(tower, ("click",), blend={"clicks": 1.0}), "did you mean 'click'"),
        (lambda: MultiHead(tower, ("click",), blend={"click": 0.0}), "a head with a weight"),
        (lambda: JointSoftmax({}), r"JointSoftmax\.heads"),
        (lambda: JointSoftmax({"click": 0.0}), "weights above 0"),
        (lambda: fit(tower, shopped(100, 0), JointSoftmax(BOTH)), r"sl\.MultiHead\(model"),
        (
            lambda: fit(two_heads(), shopped(100, 0), JointSoftmax({"click": 1.0})),
            "a model with the same heads",
        ),
    ):
        with pytest.raises(ArgumentError, match=message):
            make()
    assert "item: 43 rows x 8" in two_heads().describe()


def refused(rows: int) -> Dataset:
    """Everybody takes items of all kinds; users of an even code say no to items of an even code."""
    rng = generator(0, "refused")
    user, item = rng.integers(0, USERS, rows), rng.integers(0, ITEMS, rows)
    no = (user % 2 == 0) & (item % 2 == 0) & (rng.random(rows) < 0.5)
    frame = pl.DataFrame({"user": user + FIRST, "item": item + FIRST, "weight": np.where(no, -1.0, 1.0)})
    schema = Schema([USER, ITEM, Column("weight", "float32", ("weight",))])
    return Dataset.of(frame.cast({"weight": pl.Float32}), schema)


def test_what_a_user_said_no_to_falls_for_that_user_alone():
    rows = refused(2000)
    listed = with_unwanted(rows, longest=30)
    negatives = sl.InBatch() + sl.Exposed("unwanted", n=8, share=0.5)
    gaps = {}
    for name, data, source in (("without", rows, sl.InBatch()), ("with", listed, negatives)):
        model = TwoTower(rows.schema, dim=16)
        objective = SampledSoftmax(temperature=0.3, negatives=source, mask_known=False)
        fit(model, data, objective, options=FitOptions(epochs=15, batch_size=500, lr=0.02))
        users, items = np.arange(FIRST, FIRST + USERS), np.arange(FIRST, FIRST + ITEMS)
        scores = model.encode_query(Batch({"user": users})) @ model.encode_item(Batch({"item": items})).T
        even = scores[::2, ::2].mean() - scores[::2, 1::2].mean()
        odd = scores[1::2, ::2].mean() - scores[1::2, 1::2].mean()
        gaps[name] = even - odd
    assert gaps["with"] < gaps["without"] - 0.1


def test_lists_of_what_was_refused():
    rows = refused(300)
    frame = rows.collect()
    listed = with_unwanted(rows, longest=2).collect()
    assert listed.height == frame.filter(pl.col("weight") > 0).height
    user = int(frame.filter(pl.col("weight") < 0)["user"][0])
    no = frame.filter((pl.col("user") == user) & (pl.col("weight") < 0))["item"].to_list()
    assert listed.filter(pl.col("user") == user)["unwanted"][0].to_list() == no[-2:]
    shown = shopped(50, 0)
    never = shown.collect().with_columns(click=pl.lit(0.0, pl.Float32), purchase=pl.lit(0.0, pl.Float32))
    mixed = Dataset.of(pl.concat([shown.collect(), never]), SCHEMA)
    assert with_unwanted(mixed, name="shown").collect()["shown"].list.len().min() > 0


def test_lists_that_cannot_be_made():
    rows = refused(50)
    with pytest.raises(ArgumentError, match="longest"):
        with_unwanted(rows, longest=0)
    with pytest.raises(ArgumentError, match="name that no column has"):
        with_unwanted(rows, name="item")
    with pytest.raises(SchemaError, match="tagged weight, or BINARY"):
        with_unwanted(Dataset.of(rows.collect().drop("weight"), Schema([USER, ITEM])))


def test_event_types_are_weighted_positives():
    start = datetime(2024, 1, 1)
    kinds = ["view", "buy", "dislike"]
    frame = pl.DataFrame(
        {
            "user": [1, 2, 1, 2] * 10,
            "item": [1, 2, 3, 4] * 10,
            "event": [*kinds, "view"] * 10,
            "time": [start + timedelta(hours=hour) for hour in range(40)],
        }
    )
    signals = sl.Signals(positives={"view": 0.25, "buy": 1.0}, negatives=("dislike",))
    log = sl.scan(
        frame, roles={"user": "user", "item": "item", "time": "time", "event": "event"}, signals=signals
    )
    flow = sl.Workflow([tags.any("id") >> ops.Categorify()]).fit(log)
    rows = flow.transform(log)
    assert sorted(set(rows.collect()["weight"].to_list())) == [-1.0, 0.25, 1.0]
    model = TwoTower(flow.schema, dim=4)
    report = fit(model, with_unwanted(rows), SOFT, options=FitOptions(epochs=1, batch_size=100))
    assert report.epochs[0].rows == 30
