import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.models.trees import LightGBM, TreeOptions, TreeRows, XGBoost
from shortlist.schema import LIST, Column, Domain, Schema, Shape
from shortlist.scorers import TreeColumns
from shortlist.testing._trees import PLANTED, TREE_CHECKS, planted_rows
from shortlist.train import BinaryCrossEntropy, FitOptions, fit

OPTIONS = TreeOptions(trees=60, lr=0.2, row_share=0.9, column_share=0.9, patience=20, threads=1)
MODELS = {
    "lightgbm": lambda goal, seed: LightGBM(PLANTED, goal=goal, options=OPTIONS, seed=seed),
    "xgboost": lambda goal, seed: XGBoost(PLANTED, goal=goal, options=OPTIONS, seed=seed),
}
AGE = Column("age", "float32", ("item", "continuous"))
CLICK = Column("click", "int8", ("target", "binary"))


@pytest.mark.parametrize("check", TREE_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MODELS)
def test_conformance(check, name):
    check(MODELS[name])


@pytest.mark.parametrize("kind", [LightGBM, XGBoost])
@pytest.mark.parametrize(
    ("change", "goal"),
    [
        ({"trees": 3}, "binary"),
        ({"lr": 0.5}, "binary"),
        ({"leaves": 3}, "binary"),
        ({"depth": 1}, "binary"),
        ({"min_hessian": 40.0}, "binary"),
        ({"l2": 100.0}, "binary"),
        ({"row_share": 0.5}, "binary"),
        ({"column_share": 0.3}, "binary"),
        ({"categories": 40}, "binary"),
        ({"lists": "count"}, "binary"),
        ({"lists": "skip"}, "binary"),
        ({"shares": 2}, "binary"),
        ({"cut": 1}, "lambdarank"),
    ],
    ids=str,
)
def test_every_option_changes_the_trees(kind, change, goal):
    plain = {"trees": 10, "lr": 0.2, "threads": 1}
    models = [kind(PLANTED, goal=goal, options=TreeOptions(**{**plain, **one})) for one in ({}, change)]
    texts = []
    for model in models:
        fit(model, planted_rows(100))
        texts.append(model.scorer.forest.text())
    assert texts[0] != texts[1]


@pytest.mark.parametrize("kind", [LightGBM, XGBoost])
def test_patience_stops_growing(kind):
    data, held = planted_rows(60), planted_rows(30, 1)
    lengths = []
    for patience in (2, None):
        model = kind(PLANTED, options=TreeOptions(trees=40, patience=patience, threads=1))
        report = fit(model, data, valid=held)
        lengths.append(len(model.curve))
        assert report.best_metric == max(model.curve)
        assert report.epochs[0].step == model.scorer.forest.trees
    assert lengths[0] < lengths[1] == 40


def test_the_report_and_the_log(tmp_path):
    model = LightGBM(PLANTED, options=TreeOptions(trees=5, threads=1))
    report = fit(model, planted_rows(60), options=FitOptions(log=tmp_path / "log.csv"))
    assert report.metric is None
    assert report.stopped == "all trees grown: 5"
    assert report.epochs[0].rows == 300
    assert (tmp_path / "log.csv").read_text().count("\n") == 2
    assert model.describe() == "5 trees, 10 features, binary 'click'"
    held = fit(model, planted_rows(60), valid=planted_rows(9), options=FitOptions(metric="logloss"))
    assert held.metric == "logloss"
    assert held.protocol == "45 labelled rows, target 'click'"


def test_sets_of_codes_are_split_where_asked():
    """Odd codes are clicked: one split by a set, many by order."""
    schema = Schema([Column("shop", "int64", ("item", "categorical"), domain=Domain("shop", 40)), CLICK])
    shop = np.arange(2000) % 38 + 2
    batch, labels = Batch({"shop": shop}), shop % 2
    for kind in (LightGBM, XGBoost):
        losses = []
        for categories in (0, 64):
            options = TreeOptions(trees=10, leaves=4, lr=0.3, categories=categories, threads=1)
            model = kind(schema, options=options)
            losses.append(model.fit(model.rows(batch, labels)))
        assert losses[1] < losses[0] / 2
        assert ((model.score(batch) > 0.5) == (labels == 1)).all()
        # A code that training never met, as the domain allows, is answered.
        assert np.isfinite(model.score(Batch({"shop": np.array([0, 39])}))).all()


def test_vectors_and_lists_of_numbers():
    schema = Schema(
        [
            Column("vector", "float32", ("item", "embedding"), Shape("vector", 2)),
            Column("prices", "float32", ("item", "continuous"), LIST),
            Column("history", "int64", ("user", "sequence"), LIST, Domain("item", 500)),
        ]
    )
    columns = TreeColumns(schema)
    assert columns.names == (
        *("vector[place 0]", "vector[place 1]", "prices[count]", "prices[mean]"),
        *("history[count]", "history[mean]"),
    )
    batch = Batch(
        {
            "vector": np.array([[1.0, 2.0], [3.0, 4.0]], np.float32),
            "prices": Ragged.of([[1.0, 4.0], []], np.float64),
            "history": Ragged.of([[], [3, 6]], np.int64),
        }
    )
    expected = [[1, 2, 2, 2.5, 0, np.nan], [3, 4, 0, np.nan, 2, 4.5]]
    np.testing.assert_array_equal(columns.matrix(batch), np.array(expected, np.float32))
    assert TreeColumns.from_json(columns.to_json()) == columns
    assert TreeColumns(schema, lists="skip").names == ("vector[place 0]", "vector[place 1]")


def test_data_sets_of_every_kind_of_column():
    vectors = [Column("v", "float32", ("item", "embedding"), Shape("vector", 2)), AGE, CLICK]
    frame = pl.DataFrame(
        {
            "v": pl.Series(np.eye(2, dtype=np.float32).tolist() * 20, dtype=pl.Array(pl.Float32, 2)),
            "age": pl.Series([None, 1.0] * 20, dtype=pl.Float64),
            "click": [True, False] * 20,
            "w": [-2.0, 1.0] * 20,
        }
    )
    schema = Schema([*vectors, Column("w", "float32", ("weight",))])
    model = LightGBM(schema, options=TreeOptions(trees=2, threads=1))
    assert fit(model, frame).epochs[0].loss < 0.69


def test_regression_is_told_by_the_tag():
    schema = Schema([AGE, Column("spend", "float32", ("target", "regression"))])
    assert LightGBM(schema).goal == "regression"
    assert XGBoost(schema, goal="binary").goal == "binary"


def test_wrong_models_are_refused():
    with pytest.raises(SchemaError, match="tagged target"):
        LightGBM(Schema([AGE]))
    with pytest.raises(SchemaError, match="without a number of codes"):
        LightGBM(Schema([Column("shop", "string", ("item", "categorical")), CLICK]))
    matrices = Column("m", "float32", ("item", "embedding"), Shape("list", inner=(3,)))
    with pytest.raises(SchemaError, match="one number a row"):
        XGBoost(Schema([matrices, CLICK]))
    with pytest.raises(ArgumentError, match="'expand', 'count' or 'skip'"):
        TreeColumns(Schema([AGE]), lists="mean")
    for name, value, words in (
        ("trees", 0, "integer >= 1"),
        ("lr", 0.0, "above 0"),
        ("row_share", 1.5, "at most 1"),
    ):
        with pytest.raises(ArgumentError, match=words):
            TreeOptions(**{name: value})


def test_wrong_data_is_refused():
    model = LightGBM(Schema([AGE, CLICK]), options=TreeOptions(trees=1, threads=1))
    with pytest.raises(SchemaError, match="data without \\['age'\\]"):
        fit(model, pl.DataFrame({"click": [1]}))
    with pytest.raises(SchemaError, match="values of type String"):
        fit(model, pl.DataFrame({"age": ["x"], "click": [1]}))
    with pytest.raises(DataError, match="no rows"):
        fit(model, pl.DataFrame({"age": [1.0], "click": [1]}).head(0))
    with pytest.raises(DataError, match="labels that are missing"):
        fit(model, pl.DataFrame({"age": [1.0], "click": [None]}))
    with pytest.raises(ArgumentError, match="trees learn by their own goal"):
        fit(model, pl.DataFrame({"age": [1.0], "click": [1]}), BinaryCrossEntropy())
    with pytest.raises(ArgumentError, match="one label, weight and request"):
        TreeRows(np.zeros((2, 1), np.float32), np.zeros(3))
    with pytest.raises(DataError, match="at least one row"):
        model.fit(TreeRows(np.zeros((0, 1), np.float32), np.zeros(0)))
    with pytest.raises(SchemaError, match="lists"):
        model.rows(Batch({"age": Ragged.of([[1.0]])}), [1])
    with pytest.raises(SchemaError, match="encode raw columns"):
        model.rows(Batch({"age": np.array(["x"])}), [1])
    ranked = LightGBM(PLANTED, goal="lambdarank", options=TreeOptions(trees=1, threads=1))
    nothing = planted_rows(3).collect().with_columns(click=pl.lit(0))
    with pytest.raises(DataError, match="no request with a positive label"):
        fit(ranked, planted_rows(9), valid=nothing)
