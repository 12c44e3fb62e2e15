from datetime import datetime

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.features import Workflow, ops
from shortlist.features._folds import fold_of
from shortlist.features._integer_index import IntegerIndex
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema, Shape

SALES = pl.DataFrame(
    {
        "event": [1, 2, 3, 4, 5, 6],
        "shop": ["a", "a", "b", "b", None, None],
        "hall": [1, 1, 1, 2, None, 2],
        "sold": [1, 0, 1, 1, 0, None],
        "price": [1.0, 3.0, 5.0, None, float("inf"), 8.0],
    }
)
DATA = Dataset.of(SALES)


def out(branch, data: Dataset = DATA, **options) -> pl.DataFrame:
    return Workflow([branch]).fit(data).transform(data, **options).collect()


# Target encoding. Of five targets three are 1: the mean is 0.6.


def test_target_encoding_draws_small_groups_towards_the_mean() -> None:
    made = out("shop" >> ops.TargetEncoding("sold", smoothing=2), training=False)
    a, b, nothing = (1 + 2 * 0.6) / (2 + 2), (2 + 2 * 0.6) / (2 + 2), (0 + 2 * 0.6) / (1 + 2)
    assert made["TE_shop_sold"].to_list() == pytest.approx([a, a, b, b, nothing, nothing])


def test_target_encoding_without_smoothing_is_the_mean_of_the_group() -> None:
    made = out("shop" >> ops.TargetEncoding("sold", smoothing=0), training=False)
    assert made["TE_shop_sold"].to_list() == pytest.approx([0.5, 0.5, 1.0, 1.0, 0.0, 0.0])


def test_unknown_groups_and_groups_without_a_target_get_the_mean_of_all() -> None:
    rows = SALES.with_columns(sold=pl.when(pl.col("shop").ne_missing("b")).then("sold"))
    flow = Workflow(["shop" >> ops.TargetEncoding("sold", smoothing=0)]).fit(Dataset.of(rows))
    batch = flow.transform_batch(Batch({"shop": np.array(["b", "never seen"], dtype=object)}))
    assert batch["TE_shop_sold"].tolist() == pytest.approx([1 / 3, 1 / 3])


def test_target_encoding_of_a_group_of_columns() -> None:
    made = out([["shop", "hall"]] >> ops.TargetEncoding("sold", smoothing=0), training=False)
    assert made["TE_shop_hall_sold"].to_list() == pytest.approx([0.5, 0.5, 1.0, 1.0, 0.0, 0.6])


def test_training_rows_are_encoded_by_the_other_folds() -> None:
    op = ops.TargetEncoding("sold", folds=3, smoothing=1, fold_by="event", seed=4)
    fold = SALES.select(fold_of((Column("event", "int64"),), 3, 4)).to_series().to_list()
    assert len(set(fold)) == 3
    expected = []
    for mine, shop in zip(fold, SALES["shop"].to_list(), strict=True):
        others = [
            (group, target)
            for group, target, other in zip(SALES["shop"], SALES["sold"], fold, strict=True)
            if other != mine and target is not None
        ]
        mean = sum(target for _, target in others) / len(others)
        own = [target for group, target in others if group == shop]
        expected.append((sum(own) + mean) / (len(own) + 1))
    assert out("shop" >> op)["TE_shop_sold"].to_list() == pytest.approx(expected)


def test_folds_are_used_on_the_rows_of_fitting_only() -> None:
    flow = Workflow(["shop" >> ops.TargetEncoding("sold")]).fit(DATA)
    whole = flow.transform(DATA, training=False).collect()
    assert not flow.transform(DATA).collect().equals(whole)
    assert flow.transform(DATA, training=True).collect().equals(flow.transform(DATA).collect())
    unseen = Dataset.of(SALES.select("shop"))
    assert flow.transform(unseen).collect().equals(whole)
    assert flow.input_schema.names == ("shop",)


def test_another_seed_and_another_row_key_give_other_folds() -> None:
    rows = Dataset.of(pl.DataFrame({"key": [1, 2] * 50, "row": range(100), "y": range(100)}))
    made = [
        out("key" >> ops.TargetEncoding("y", **options), rows)
        for options in (
            {},
            {"seed": 1},
            {"fold_by": ["row"]},
            {"folds": 7},
            {"fold_by": "row", "smoothing": 1},
        )
    ]
    assert len({tuple(frame["TE_key_y"].to_list()) for frame in made}) == len(made)


def test_the_row_key_is_made_of_ids_and_times() -> None:
    schema = Schema(
        [
            Column("user", "int64", ("user", "id")),
            Column("item", "int64", ("item", "id")),
            Column("time", "datetime", ("time",)),
            Column("price", "float64"),
            Column("seen", "int64", (), LIST),
            Column("click", "bool", ("target", "binary")),
            Column("rating", "float64", ("target", "regression")),
        ]
    )
    op = ops.TargetEncoding(["click"])
    assert op.beside(schema) == ("click", "user", "item", "time")
    assert op.beside(schema.without("time")) == ("click", "user", "item")
    assert op.beside(schema.without("user", "item")) == ("click", "time")
    assert op.beside(schema.without("user", "time")) == ("click", "item", "price")
    assert ops.TargetEncoding(("rating", "click"), fold_by="time").beside(schema) == (
        "rating",
        "click",
        "time",
    )
    with pytest.raises(SchemaError, match="columns beside the targets"):
        op.beside(Schema([Column("click", "bool"), Column("rating", "float64", ("target",))]))


def test_folds_are_of_like_size_and_do_not_follow_the_target() -> None:
    rows = pl.DataFrame(
        {"time": [datetime(2024, 1, 1 + n % 28, n % 24) for n in range(4000)], "x": range(4000)}
    )
    rows = rows.with_columns(x=pl.col("x") / 7, s=pl.col("x").cast(pl.String))
    key = (Column("time", "datetime"), Column("x", "float64"), Column("s", "string"))
    fold = rows.select(fold=fold_of(key, 5, 0))["fold"]
    assert fold.value_counts()["count"].is_between(700, 900).all()
    assert fold_of(key, 5, 0) is fold_of(key, 5, 0)


def test_target_encoding_columns_in_the_schema() -> None:
    schema = Schema(
        [Column("user", "int64", ("user", "id")), Column("n", "int64"), Column("y", "int8", ("target",))]
    )
    data = Dataset.of(pl.DataFrame({"user": [1], "n": [1], "y": [1]}), schema)
    made = Workflow(["user" >> ops.TargetEncoding("y", name="u")]).fit(data).schema["TE_u_y"]
    assert (made.tags, made.dtype, made.domain.name) == ({"user", "continuous"}, "float32", "TE_u_y")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"target": ()}, "names, each once"),
        ({"target": ["y", "y"]}, "names, each once"),
        ({"target": "y", "folds": 1}, "from 2 to 1000"),
        ({"target": "y", "folds": True}, "from 2 to 1000"),
        ({"target": "y", "smoothing": -1}, "0 or more"),
        ({"target": "y", "smoothing": float("nan")}, "0 or more"),
        ({"target": "y", "fold_by": ["y"]}, "no targets"),
        ({"target": "y", "fold_by": []}, "no targets"),
    ],
)
def test_wrong_options_of_target_encoding(options, match) -> None:
    with pytest.raises(ArgumentError, match=match):
        ops.TargetEncoding(**options)


@pytest.mark.parametrize(
    ("column", "op", "match"),
    [
        ("shop", ops.TargetEncoding("solt"), "did you mean 'sold'"),
        ("shop", ops.TargetEncoding("shop", fold_by="event"), "values of type int or uint or float or bool"),
        ("hall", ops.TargetEncoding("hall", fold_by="event"), "do not form the groups"),
        ("price", ops.TargetEncoding("sold"), "Bucketize it first"),
        ("lists", ops.TargetEncoding("sold"), "one value a row"),
        ("shop", ops.TargetEncoding("lists"), "one value a row"),
        ("shop", ops.TargetEncoding("sold", fold_by="lists"), "one value a row"),
        ("shop", ops.TargetEncoding("sold", fold_by="shop"), "add a number of the row"),
        ("shop", ops.TargetEncoding("class"), "0 and 1 for each class"),
    ],
)
def test_columns_that_cannot_be_target_encoded(column, op, match) -> None:
    rows = SALES.with_columns(pl.lit([1]).alias("lists"), pl.lit(2).alias("class"))
    schema = Dataset.of(rows).schema.tag("class", "target", "multiclass")
    with pytest.raises((ArgumentError, SchemaError), match=match):
        Workflow([column >> op]).fit(Dataset.of(rows, schema))


# Statistics of groups.


def test_join_groupby_gives_every_statistic() -> None:
    op = ops.JoinGroupby(["price"], ("count", "sum", "mean", "std", "var", "min", "max"))
    made = out("shop" >> op)
    assert made.columns == [
        "shop_count", *(f"shop_price_{s}" for s in ("sum", "mean", "std", "var", "min", "max"))
    ]  # fmt: skip
    a = (2.0, 4.0, 2.0, 2**0.5, 2.0, 1.0, 3.0)
    b = (2.0, 5.0, 5.0, None, None, 5.0, 5.0)
    null = (2.0, 8.0, 8.0, None, None, 8.0, 8.0)
    for received, expected in zip(made.rows(), (a, a, b, b, null, null), strict=True):
        assert received == pytest.approx(expected)


def test_groups_that_were_not_seen_get_null_and_fill_missing_helps() -> None:
    known = Workflow(
        [
            "shop" >> ops.JoinGroupby(),
            "shop" >> ops.JoinGroupby(["price"], "mean", name="filled") >> ops.FillMissing(-1.0),
        ]
    ).fit(DATA)
    batch = known.transform_batch(Batch({"shop": np.array(["a", "never seen", None], dtype=object)}))
    assert batch["shop_count"].tolist() == pytest.approx([2.0, np.nan, 2.0], nan_ok=True)
    assert batch["filled_price_mean"].tolist() == [2.0, -1.0, 8.0]


def test_join_groupby_does_not_ask_for_what_it_sums_up() -> None:
    flow = Workflow([[["shop", "hall"]] >> ops.JoinGroupby(["price"], ["sum"])]).fit(DATA)
    assert flow.input_schema.names == ("shop", "hall")
    made = flow.transform(Dataset.of(SALES.select("hall", "shop"))).collect()
    assert made["shop_hall_price_sum"].to_list() == [4.0, 4.0, 5.0, 0.0, 0.0, 8.0]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"stats": ["median"]}, "known: 'count', 'max', 'mean'"),
        ({"stats": ["mean"]}, "columns with statistics of them"),
        ({"columns": ["x"]}, "columns with statistics of them"),
        ({"stats": []}, "columns with statistics of them"),
    ],
)
def test_wrong_options_of_join_groupby(options, match) -> None:
    with pytest.raises(ArgumentError, match=match):
        ops.JoinGroupby(**options)


@pytest.mark.parametrize(
    ("column", "op", "match"),
    [
        ("shop", ops.JoinGroupby(["prize"], ["mean"]), "did you mean 'price'"),
        ("hall", ops.JoinGroupby(["shop"], ["mean"]), "leave it out"),
        ("hall", ops.JoinGroupby(["lists"], ["mean"]), "one value a row"),
        ("lists", ops.JoinGroupby(), "one value a row"),
        ("price", ops.JoinGroupby(), "Bucketize it first"),
    ],
)
def test_columns_that_cannot_be_grouped(column, op, match) -> None:
    data = Dataset.of(SALES.with_columns(pl.lit([1]).alias("lists")))
    with pytest.raises(SchemaError, match=match):
        Workflow([column >> op]).fit(data)


def test_statistics_of_groups_add_up_day_by_day() -> None:
    branches = [
        "shop" >> ops.JoinGroupby(["price"], ["count", "std"]),
        "shop" >> ops.TargetEncoding("sold", smoothing=1),
    ]
    day_by_day = Workflow(branches).fit(Dataset.of(SALES[:2]), keep_totals=True).update(Dataset.of(SALES[2:]))
    whole = Workflow(branches).fit(DATA)
    one, other = (flow.transform(DATA, training=False).collect() for flow in (day_by_day, whole))
    for name in one.columns:
        assert one[name].to_list() == pytest.approx(other[name].to_list())


# Tables.

SHOPS = pl.DataFrame(
    {
        "shop": ["b", "a", None, "z"],
        "city": ["Rome", None, "Oslo", "Bonn"],
        "size": [3, 4, 5, 6],
        "open": [True, False, True, None],
        "since": [datetime(2020, 1, 1), datetime(2021, 1, 1), None, None],
        "goods": [["tea", None], None, ["rice"], []],
        "place": pl.Series([[1.0, 2.0], None, [5.0, 6.0], [7.0, 8.0]], dtype=pl.Array(pl.Float32, 2)),
    }
)


def test_join_external_keeps_the_types_of_the_table_and_the_order_of_the_rows() -> None:
    made = out("shop" >> ops.JoinExternal(SHOPS))
    a = (None, 4, False, datetime(2021, 1, 1), [], None)
    b = ("Rome", 3, True, datetime(2020, 1, 1), ["tea", None], [1.0, 2.0])
    missing = (None, None, None, None, [], None)
    assert made.columns == ["city", "size", "open", "since", "goods", "place"]
    assert [(*row[:5], row[5] if row[5] is None else list(row[5])) for row in made.rows()] == [
        a, a, b, b, missing, missing
    ]  # fmt: skip


def test_join_external_on_the_request_path() -> None:
    flow = Workflow(["shop" >> ops.JoinExternal(SHOPS)]).fit(DATA)
    batch = flow.transform_batch(Batch({"shop": np.array(["b", "a"], dtype=object)}))
    assert batch["city"].tolist() == ["Rome", None]
    assert (batch["size"].tolist(), batch["size"].dtype) == ([3, 4], np.int64)
    assert batch["open"].tolist() == [True, False]
    assert batch["since"].tolist() == [1577836800000000, 1609459200000000]
    assert batch["goods"].to_lists() == [["tea", None], []]
    assert batch["place"].tolist()[0] == [1.0, 2.0]
    unknown = flow.transform_batch(Batch({"shop": np.array(["?"], dtype=object)}))
    assert (unknown["size"].tolist(), unknown["open"].tolist()) == ([None], [None])
    assert np.isnan(unknown["place"]).all()


@pytest.mark.parametrize(
    "table",
    [
        SHOPS,
        SHOPS.lazy(),
        Dataset.of([SHOPS[:1], SHOPS[1:]]),
        SHOPS.drop("place").to_arrow(),
        SHOPS.select("shop", "city").to_dict(as_series=False),
    ],
    ids=["frame", "lazy", "dataset", "arrow", "mapping"],
)
def test_tables_of_every_kind(table) -> None:
    made = out("shop" >> ops.JoinExternal(table, columns=["city"]))
    assert made["city"].to_list() == [None, None, "Rome", "Rome", None, None]


def test_pandas_tables() -> None:
    import pandas as pd

    table = pd.DataFrame({"id": ["a", "b"], "city": ["Rome", "Oslo"]})
    made = out("shop" >> ops.JoinExternal(table, on="id"))
    assert made["city"].to_list() == ["Rome", "Rome", "Oslo", "Oslo", None, None]


def test_inner_leaves_rows_out_of_training_only(tmp_path) -> None:
    op = ops.JoinExternal(SHOPS, how="inner", columns=["city"])
    flow = Workflow(["shop" >> op, "event"])
    flow.fit(DATA).save(tmp_path / "flow")
    for each in (flow, Workflow.load(tmp_path / "flow")):
        assert each.transform(DATA).collect()["event"].to_list() == [1, 2, 3, 4]
        asked = {"shop": np.array(["?", "b"], dtype=object), "event": np.array([7, 8])}
        assert each.transform_batch(Batch(asked))["city"].tolist() == [None, "Rome"]


def test_a_workflow_read_back_can_be_fitted_anew_without_the_table(tmp_path) -> None:
    branches = [
        "shop" >> ops.JoinExternal(SHOPS, columns=["city", "goods"]),
        [["shop", "hall"]] >> ops.JoinExternal(SHOPS.with_columns(hall=1), columns=["size", "shop"]),
    ]
    flow = Workflow(branches).fit(DATA)
    flow.save(tmp_path / "flow")
    again = Workflow.load(tmp_path / "flow").fit(DATA)
    assert again.transform(DATA).collect().equals(flow.transform(DATA).collect())
    assert again.schema == flow.schema


def test_tags_come_from_the_table_or_the_key() -> None:
    rows = Dataset.of(pl.DataFrame({"item": [1]}), Schema([Column("item", "int64", ("item", "id"))]))
    schema = Schema(
        [
            Column("item", "int64", ("item", "id")),
            Column("price", "float64", ("continuous",)),
            Column("owner", "string", ("user", "categorical")),
            Column("face", "float32", ("embedding",), Shape("vector", 2)),
        ]
    )
    table = pl.DataFrame(
        {
            "item": [1],
            "price": [2.0],
            "owner": ["x"],
            "face": pl.Series([[1, 2]], dtype=pl.Array(pl.Float32, 2)),
        }
    )
    made = Workflow(["item" >> ops.JoinExternal(Dataset.of(table, schema))]).fit(rows).schema
    assert made["price"].tags == {"item", "continuous"}
    assert made["owner"].tags == {"user", "categorical"}
    assert (made["face"].tags, made["face"].shape) == ({"item", "embedding"}, Shape("vector", 2))


def test_each_element_of_a_list_of_keys_is_looked_up() -> None:
    rows = Dataset.of(pl.DataFrame({"seen": [["b", "?"], [], None, ["a", None]]}))
    flow = Workflow(["seen" >> ops.JoinExternal(SHOPS, on="shop", columns=["size"])]).fit(rows)
    assert flow.transform(rows).collect()["size"].to_list() == [[3, None], [], [], [4, None]]
    batch = flow.transform_batch(Batch({"seen": Ragged.of([np.array(["b", "?"], object), []])}))
    assert batch["size"].to_lists() == [[3, None], []]
    assert flow.schema["size"].is_list


def test_keys_that_stand_twice() -> None:
    table = pl.DataFrame({"shop": ["a", "a", None, None], "n": [1, 2, 3, 4]})
    with pytest.raises(DataError, match=r"\('a',\) more than once.*duplicates=\"first\""):
        out("shop" >> ops.JoinExternal(table))
    assert out("shop" >> ops.JoinExternal(table, duplicates="first"))["n"].to_list()[:3] == [1, 1, None]


@pytest.mark.parametrize(
    ("columns", "make", "match"),
    [
        (["shop"], lambda: ops.JoinExternal(SHOPS, how="outer"), "'left' or 'inner'"),
        (["shop"], lambda: ops.JoinExternal(SHOPS, duplicates="last"), "'refuse' or 'first'"),
        (["shop"], lambda: ops.JoinExternal(SHOPS, on=["shop", "city"]), "2 columns of the table for 1"),
        (["shop"], ops.JoinExternal, "expected a table"),
        (["shop"], lambda: ops.JoinExternal(SHOPS, columns=["town"]), "known: 'city'"),
        (["shop"], lambda: ops.JoinExternal(SHOPS, on="shopp"), "did you mean 'shop'"),
        (["hall"], lambda: ops.JoinExternal(SHOPS, on="shop"), "cast one of them"),
        (["price"], lambda: ops.JoinExternal(SHOPS, on="size"), "cast one of them"),
        (["lists"], lambda: ops.JoinExternal(SHOPS, on="size"), "where keys are lists"),
        (
            ["lists"],
            lambda: ops.JoinExternal(SHOPS, on="size", columns=["city"], how="inner"),
            "key columns alone",
        ),
        (
            ["shop", "hall"],
            lambda: ops.JoinExternal(SHOPS, on="shop", columns=["city"], how="inner"),
            "key columns alone|as many",
        ),
    ],
)
def test_tables_that_cannot_be_joined(columns, make, match) -> None:
    data = Dataset.of(SALES.with_columns(pl.lit([1]).alias("lists")))
    with pytest.raises((ArgumentError, SchemaError), match=match):
        Workflow([[tuple(columns)] >> make()]).fit(data)


# One look-up for all ops of a column.


def test_a_column_that_several_ops_look_up_is_searched_once(monkeypatch, tmp_path) -> None:
    rows = pl.DataFrame(
        {"row": range(60), "key": [n % 7 * 10**12 for n in range(60)], "y": [n % 2 for n in range(60)]}
    )
    data, searched = Dataset.of(rows), []
    branches = [
        "key" >> ops.Categorify(min_count=9),
        "key" >> ops.TargetEncoding("y", fold_by="row"),
        "key" >> ops.JoinGroupby(["y"], ["count", "mean"]),
        "key" >> ops.JoinExternal(rows.select("key", name="row")[:7]),
        [["key", "y"]] >> ops.Categorify(group="combo"),
        [["key", "y"]] >> ops.JoinGroupby(name="pair"),
    ]
    apart = [Workflow([branch]).fit(data).transform(data, training=True).collect() for branch in branches]
    flow = Workflow(branches).fit(data)
    flow.save(tmp_path / "flow")
    search = IntegerIndex.positions
    monkeypatch.setattr(
        IntegerIndex, "positions", lambda self, wanted: searched.append(len(wanted)) or search(self, wanted)
    )
    for shared in (flow, Workflow.load(tmp_path / "flow")):
        searched.clear()
        together = shared.transform(data, training=True).collect()
        # Once for the column itself; for the pair, its members and the pair of their numbers.
        assert sum(searched) == 60 * 4
        for one in apart:
            assert together.select(one.columns).equals(one)


def test_tables_of_other_keys_or_types_do_not_share(tmp_path) -> None:
    data = Dataset.of(pl.DataFrame({"key": [1, 2, 3, None]}))
    table = pl.DataFrame({"key": [3, 4, 5, 6], "name": ["c", "d", "e", "f"]})
    flow = Workflow(["key" >> ops.Categorify(), "key" >> ops.JoinExternal(table)]).fit(data)
    asked = Dataset.of(pl.DataFrame({"key": [3, 5, 1, 9, None]}))
    assert flow.transform(asked).collect().rows() == [(5, "c"), (2, "e"), (3, None), (2, None), (1, None)]
