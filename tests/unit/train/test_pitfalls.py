"""Each warning by a case made for it, and none where all is well."""

import warnings

import numpy as np
import polars as pl
import pytest
import torch

from shortlist.models.ranking import DCN
from shortlist.models.retrieval import TwoTower
from shortlist.rng import generator
from shortlist.schema import LIST, Column, Domain, Schema, Shape
from shortlist.train import Epoch, FitOptions, Optimization, SampledSoftmax, fit
from shortlist.train._course import Baseline, warn_of_course, warn_of_metric
from shortlist.train._inspection import dimensions_used, warn_of_tables

USERS, ITEMS = 200, 60
ID = [
    Column("user", "int64", ("user", "id"), domain=Domain("user", 3 + USERS)),
    Column("item", "int64", ("item", "id"), domain=Domain("item", 3 + ITEMS)),
]
COUPON = Column("coupon", "int64", ("context", "categorical"), domain=Domain("coupon", 3 + ITEMS))
BASKET = Column("basket", "int64", ("user", "sequence"), LIST, Domain("item", 3 + ITEMS))
OPTIONS = FitOptions(epochs=1, batch_size=512)


def log(rows=2000, seed=0):
    rng = generator(seed, "pitfalls")
    user = rng.integers(0, USERS, rows)
    item = 4 * rng.integers(0, ITEMS // 4, rows) + user % 4
    earlier = [3 + 4 * rng.integers(0, ITEMS // 4, row % 4) + user[row] % 4 for row in range(rows)]
    return pl.DataFrame(
        {
            "user": user + 3,
            "item": item + 3,
            "coupon": (item * 7) % ITEMS + 3,
            "basket": pl.Series([row.tolist() for row in earlier], dtype=pl.List(pl.Int64)),
        }
    )


def run(columns, rows, valid=None, options=OPTIONS, **tower):
    model = TwoTower(Schema(columns), dim=16, **tower)
    return model, fit(model, rows, SampledSoftmax(temperature=0.2), valid, options)


def test_nothing_is_said_of_a_sound_run():
    options = FitOptions(epochs=6, batch_size=256, lr=0.02, filter_seen=False)
    objective = SampledSoftmax(temperature=0.2, mask_known=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = TwoTower(Schema([*ID, BASKET]), dim=16, hidden=(16,))
        report = fit(model, log(), objective, log(500, 1), options)
    assert report.best_metric > 0.2


def test_a_column_that_names_the_item_is_suspect():
    with pytest.warns(UserWarning, match=r"'coupon' may leak.*same value means the same item.*without"):
        run([*ID, COUPON], log())
    mixed = log().with_columns(coupon=pl.Series(generator(1, "c").permutation(log()["coupon"].to_numpy())))
    run([*ID, COUPON], mixed)


def test_a_list_that_contains_the_item_is_suspect():
    told = log().with_columns(basket=pl.concat_list("basket", "item"))
    with pytest.warns(UserWarning, match=r"'basket' may leak.*contains the row's own item"):
        run([*ID, BASKET], told)


def test_given_vectors_of_the_query_are_no_codes():
    profile = Column("profile", "float32", ("user", "embedding"), Shape("vector", 8))
    values = generator(0, "profile").normal(size=(2000, 8)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run([*ID, profile], log().with_columns(profile=pl.Series(values, dtype=pl.Array(pl.Float32, 8))))


def test_towers_of_which_one_says_little_are_unbalanced():
    gender = Column("gender", "int64", ("user", "categorical"), domain=Domain("gender", 5))
    rows = log().with_columns(gender=pl.col("user") % 2 + 3)
    with pytest.warns(
        UserWarning, match=r"unbalanced: query vectors span \d\.\d dimensions.*query tower more"
    ):
        run([gender, ID[1]], rows)


def test_collapsed_vectors_of_either_side_are_named():
    constant = Column("site", "int64", ("context", "categorical"), domain=Domain("site", 4))
    rows = log().with_columns(site=pl.lit(3))
    with pytest.warns(UserWarning, match="the query vectors have collapsed: their mean cosine is 1"):
        run([constant, ID[1]], rows)


def test_a_table_of_one_vector_is_constant():
    model = TwoTower(Schema(ID), dim=4)
    warn_of_tables(model)
    start = model.tables.starts["item"]
    with torch.no_grad():
        model.tables.weight[start + 3 : start + 3 + ITEMS] = 1.0
    with pytest.warns(UserWarning, match=r"embeddings of 'item' are constant"):
        warn_of_tables(model)


def test_dimensions_used_by_written_out_shares():
    vectors = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    shares = np.array([8 / 10, 2 / 10])
    assert dimensions_used(vectors) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))
    assert dimensions_used(torch.ones(5, 3)) == 0.0


LABELLED = Schema(
    [
        ID[1],
        Column("x", "float32", ("cross", "continuous")),
        Column("click", "float32", ("target", "binary")),
    ]
)


def labelled(rows=2000, seed=0):
    rng = generator(seed, "labels")
    item, x = rng.integers(3, 3 + ITEMS, rows), rng.normal(size=rows).astype(np.float32)
    click = rng.random(rows) < 1 / (1 + np.exp(-2 * x))
    return pl.DataFrame({"item": item, "x": x, "click": click.astype(np.float32)})


def test_a_column_that_predicts_the_target_alone_is_suspect():
    rows = labelled()
    fit(DCN(LABELLED, hidden=(8,)), rows, options=OPTIONS)
    number = rows.with_columns(x=(1 - pl.col("click")) + pl.col("x").abs() / 100)
    with pytest.warns(UserWarning, match=r"'x' may leak.*orders the rows by 'click' with an AUC of 1\.0000"):
        fit(DCN(LABELLED, hidden=(8,)), number, options=OPTIONS)
    code = rows.with_columns(item=3 + pl.col("click").cast(pl.Int64) + 2 * (pl.col("item") % 20))
    with pytest.warns(UserWarning, match=r"'item' may leak"):
        fit(DCN(LABELLED, hidden=(8,)), code, options=OPTIONS)


def test_labels_of_chance_teach_nothing():
    chance = [
        labelled(1000, seed).with_columns(click=pl.Series(generator(seed, "coin").integers(0, 2, 1000)))
        for seed in (0, 1)
    ]
    options = FitOptions(epochs=2, batch_size=500)
    with pytest.warns(UserWarning, match=r"nothing was learned: auc is 0\.\d+ at best, and one prediction"):
        fit(DCN(LABELLED, hidden=(8,)), chance[0], valid=chance[1], options=options)
    slow = FitOptions(epochs=2, batch_size=500, metric="logloss", lr=1.0)
    with pytest.warns(UserWarning, match=r"nothing was learned: logloss"):
        fit(DCN(LABELLED, hidden=(8,)), chance[0], valid=chance[1], options=slow)


def test_towers_far_below_popularity_have_learned_nothing():
    rng = generator(0, "popular")
    rows = log(3000).with_columns(item=pl.Series(3 + np.minimum(rng.geometric(0.3, 3000), ITEMS - 1)))
    valid = log(800, 1).with_columns(item=pl.Series(3 + np.minimum(rng.geometric(0.3, 800), ITEMS - 1)))
    options = FitOptions(epochs=2, batch_size=512, lr=1e-9, filter_seen=False, metric="recall@3")
    many = [Column("user", "int64", ("user", "id"), domain=Domain("user", 3 + 900)), ID[1]]
    valid = valid.with_columns(user=pl.Series(3 + np.arange(800)))
    with pytest.warns(UserWarning, match=r"nothing was learned: recall@3.*most popular items gives 0\.\d+"):
        run(many, rows, valid, options)


def epochs(*pairs):
    return [Epoch(n + 1, n + 1, loss, metric, 0.1, 10, 0.1) for n, (loss, metric) in enumerate(pairs)]


def test_a_rising_loss_is_told_unless_the_metric_rose_with_it():
    with pytest.warns(UserWarning, match=r"loss rose, from 1\.0000 in epoch 2 to 1\.4000 in epoch 3.*clip"):
        warn_of_course(epochs((2.0, None), (1.0, None), (1.4, None)), 3)
    warn_of_course(epochs((2.0, None), (1.0, None), (1.2, None)), 3)
    warn_of_course(epochs((1.0, 0.1), (1.4, 0.2)), 2)
    with pytest.warns(UserWarning, match="loss rose"):
        warn_of_course(epochs((1.0, 0.2), (1.4, 0.1)), 1)


def test_a_perfect_metric_is_suspect_on_many_cases_only():
    rows = epochs((1.0, 0.9), (0.1, 0.999))
    with pytest.warns(UserWarning, match=r"auc of 0\.9990 is too good to be true.*after the event"):
        warn_of_metric(rows, "auc", Baseline("chance", 0.5, 1000, 1.0), 2)
    warn_of_metric(rows, "auc", Baseline("chance", 0.5, 999, 1.0), 2)
    warn_of_metric(epochs((1.0, 0.9), (0.1, 0.99)), "auc", Baseline("chance", 0.5, 1000, 1.0), 2)


def test_options_of_clipping_named_in_the_warning_exist():
    assert Optimization(clip=1.0, clip_rows=1.0)
