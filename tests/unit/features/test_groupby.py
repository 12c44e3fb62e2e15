"""Groups and sessions, by arithmetic, and as NVTabular's tests have them."""

from datetime import datetime

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, SchemaError
from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema, Shape

SCHEMA = Schema(
    [
        Column("user_id", "string", ("user", "id")),
        Column("item_id", "int64", ("item", "id")),
        Column("time", "datetime", ("time",)),
        Column("price", "float64", ("context", "continuous")),
        Column("click", "int8", ("target", "binary")),
        Column("category", "string", ("item", "categorical")),
    ]
)
TYPES = {
    "user_id": pl.String,
    "item_id": pl.Int64,
    "time": pl.Datetime("us"),
    "price": pl.Float64,
    "click": pl.Int8,
    "category": pl.String,
}


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2024, 1, 1, hour, minute)


ROWS = [
    ("ann", 3, at(9), 4.0, 100, "red"),
    ("bob", 7, at(9), 5.0, 1, "red"),
    ("ann", 1, at(8), 2.0, 100, "blue"),
    ("ann", 2, at(9), None, 0, "red"),
    (None, 9, at(9), 1.0, 1, "red"),
    ("ann", 4, at(9, 31), 6.0, 1, None),
]
LOG = Dataset.of(pl.DataFrame(ROWS, schema=TYPES, orient="row"), SCHEMA)


def rows(groups: ops.Groupby, dataset: Dataset = LOG) -> list[tuple]:
    return groups.regroup(dataset).collect().rows()


def test_lists_are_in_the_order_of_time_and_ties_in_that_of_the_rows() -> None:
    assert rows(ops.Groupby("user_id", lists=["item_id", "category"])) == [
        ("ann", [1, 3, 2, 4], ["blue", "red", "red", None]),
        ("bob", [7], ["red"]),
    ]
    assert rows(ops.Groupby("user_id", sort=None, lists="item_id"))[0] == ("ann", [3, 1, 2, 4])


def test_the_newest_stay_and_short_groups_go() -> None:
    groups = ops.Groupby("user_id", lists="item_id", max_length=2, min_length=2)
    assert rows(groups) == [("ann", [2, 4])]


def test_the_order_asked_for_says_what_is_first() -> None:
    # NVTabular's first is the smallest sort key whatever the order; ours is the first of the list.
    down = ops.Groupby(
        "user_id", lists="item_id", first="item_id", last="price", max_length=3, ascending=False
    )
    assert rows(down)[0] == ("ann", [4, 2, 3], 4, 2.0)
    up = ops.Groupby("user_id", lists="item_id", first="item_id", last="price")
    assert rows(up)[0] == ("ann", [1, 3, 2, 4], 1, 6.0)


def test_aggregates() -> None:
    wanted = {
        "price": ("mean", "sum", "min", "max", "std", "var", "median", "count", "nunique"),
        "click": "sum",
        "category": ("count", "nunique"),
    }
    (ann, bob) = rows(ops.Groupby("user_id", sort=None, aggregates=wanted))
    # 4, 2 and 6: the mean is 4, the squares of what is off by add up to 8. Clicks do not fit into int8.
    assert ann == ("ann", 4.0, 12.0, 2.0, 6.0, 2.0, 4.0, 4.0, 3, 3, 201, 3, 2)
    assert bob == ("bob", 5.0, 5.0, 5.0, 5.0, None, None, 5.0, 1, 1, 1, 1, 1)


def test_sessions_end_where_the_pause_is_longer_than_the_gap() -> None:
    by_gap = {gap: rows(ops.Groupby("user_id", lists="item_id", gap=gap)) for gap in ("30m", "31m", "2h")}
    assert by_gap["30m"] == [
        ("ann", 0, [1]),
        ("ann", 1, [3, 2]),
        ("bob", 0, [7]),
        ("ann", 2, [4]),
    ]
    assert by_gap["31m"] == [("ann", 0, [1]), ("ann", 1, [3, 2, 4]), ("bob", 0, [7])]
    assert by_gap["2h"] == [("ann", 0, [1, 3, 2, 4]), ("bob", 0, [7])]
    named = ops.Groupby("user_id", lists="item_id", gap="30m", session="visit", min_length=2, separator="__")
    out = named.regroup(LOG).collect()
    assert (out.columns, out.rows()) == (["user_id", "visit", "item_id__list"], [("ann", 1, [3, 2])])


def test_schema() -> None:
    groups = ops.Groupby(
        "user_id",
        lists=("item_id", "price", "click"),
        first=("time", "category"),
        last=("item_id", "time"),
        aggregates={"price": ("mean", "max", "count")},
        max_length=20,
    )
    schema = groups.schema(SCHEMA)
    assert schema["user_id"] == SCHEMA["user_id"]
    assert schema["item_id_list"].shape == Shape("list", 20)
    assert schema["item_id_list"].tags == {"user", "sequence"}
    assert schema["item_id_list"].domain == schema["item_id_last"].domain
    assert schema["price_list"].tags == {"user", "sequence", "continuous"}
    assert schema["click_list"].tags == {"user", "sequence"}
    assert schema["category_first"].tags == {"item", "categorical"}
    assert (schema.item.name, schema.time.name) == ("item_id_last", "time_last")
    assert schema["price_mean"].tags == {"user", "continuous"}
    assert [schema[f"price_{part}"].dtype for part in ("mean", "max", "count")] == [
        "float64",
        "float64",
        "int64",
    ]
    sessions = ops.Groupby("user_id", lists="item_id", gap="1d").schema(SCHEMA)
    assert sessions["item_id_list"].tags == {"session", "sequence"}
    assert sessions["session"].tags == {"session"}


def test_vectors_of_the_first_and_the_last_row() -> None:
    # NVTabular's fact: the lists of users 1, 1, 2, 3 whose vectors are these.
    schema = Schema([Column("user", "int64"), Column("vector", "int64", (), LIST)])
    vectors = [[1, 2, 3], [4, 5, 6], [2, 2, 3], [3, 2, 3]]
    log = Dataset.of(pl.DataFrame({"user": [1, 1, 2, 3], "vector": vectors}), schema)
    out = ops.Groupby("user", sort=None, first="vector", last="vector").regroup(log).collect()
    assert out["vector_first"].to_list() == [[1, 2, 3], [2, 2, 3], [3, 2, 3]]
    assert out["vector_last"].to_list() == [[4, 5, 6], [2, 2, 3], [3, 2, 3]]


def test_a_workflow_gives_what_its_branches_choose() -> None:
    # NVTabular's fact: a count whose key is not selected comes alone.
    flow = Workflow([ops.Groupby("user_id", aggregates={"item_id": "count"}), "item_id_count"]).fit(LOG)
    assert flow.transform(LOG).collect().to_dict(as_series=False) == {"item_id_count": [4.0, 1.0]}


def test_groups_of_filtered_rows_are_those_of_the_rows_that_stay() -> None:
    # In NVTabular a Groupby behind a Filter gave lists of other rows, and NaN.
    cheap = LOG.filter(pl.col("price") < 6)
    assert rows(ops.Groupby("user_id", lists=("item_id", "price")), cheap) == [
        ("ann", [1, 3], [2.0, 4.0]),
        ("bob", [7], [5.0]),
    ]


def test_sessions_through_a_workflow_on_both_paths(tmp_path) -> None:
    flow = Workflow(
        [
            ops.Groupby(
                "user_id", lists="item_id", last=("item_id", "time"), aggregates={"price": "mean"}, gap="30m"
            ),
            [["item_id_list", "item_id_last"]] >> ops.Categorify(),
            "price_mean" >> ops.FillMissing(0.0) >> ops.Normalize(),
        ]
    ).fit(LOG)
    offline = flow.transform(LOG).collect()
    batch = Batch(
        {
            "user_id": np.array([row[0] for row in ROWS], dtype=object),
            "item_id": np.array([row[1] for row in ROWS]),
            "time": np.array([row[2] for row in ROWS], dtype="datetime64[us]"),
            "price": np.array([row[3] for row in ROWS], dtype=np.float64),
        }
    )
    online = flow.transform_batch(batch)
    assert len(online) == 4
    assert online["item_id_list"].to_lists() == offline["item_id_list"].to_list()
    np.testing.assert_allclose(online["price_mean"], offline["price_mean"].to_numpy(), rtol=1e-6)
    flow.save(tmp_path / "flow")
    assert Workflow.load(tmp_path / "flow").transform(LOG).collect().equals(offline)


def test_what_a_batch_lacks_is_left_out() -> None:
    groups = ops.Groupby("user_id", lists=("item_id", "price"), aggregates={"price": "sum"}, first="category")
    batch = Batch(
        {
            "user_id": np.array(["ann", "ann"], dtype=object),
            "item_id": np.array([1, 2]),
            "time": np.array([at(9), at(8)], dtype="datetime64[us]"),
        }
    )
    out = groups.regroup_batch(batch, SCHEMA)
    assert {name: column.to_lists() for name, column in out.items() if isinstance(column, Ragged)} == {
        "item_id_list": [[2, 1]]
    }
    assert list(out) == ["user_id", "item_id_list"]
    with pytest.raises(SchemaError, match="'time'"):
        groups.regroup_batch(batch.select(["user_id", "item_id"]), SCHEMA)
    assert len(groups.regroup_batch(batch.take(np.zeros(0, np.int64)), SCHEMA)) == 0


def test_no_rows() -> None:
    empty = LOG.filter(pl.lit(value=False))
    groups = ops.Groupby("user_id", lists="item_id", gap="1h", aggregates={"price": "mean"})
    out = groups.regroup(empty).collect()
    assert (len(out), tuple(out.columns)) == (0, groups.schema(SCHEMA).names)
    nobody = LOG.filter(pl.col("user_id").is_null())
    assert rows(groups, nobody) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: ops.Groupby((), lists="item_id"),
        lambda: ops.Groupby("user_id"),
        lambda: ops.Groupby("user_id", aggregates={"price": "mode"}),
        lambda: ops.Groupby("user_id", lists="item_id", max_length=0),
        lambda: ops.Groupby("user_id", lists="item_id", min_length=0),
        lambda: ops.Groupby("user_id", lists="item_id", gap="soon"),
        lambda: ops.Groupby("user_id", sort=("time", "item_id"), lists="item_id", gap="1h"),
        lambda: ops.Groupby("user_id", sort=None, lists="item_id", gap="1h"),
    ],
)
def test_wrong_options(make) -> None:
    with pytest.raises(ArgumentError, match="Groupby"):
        make()


@pytest.mark.parametrize(
    "groups",
    [
        ops.Groupby("user", lists="item_id"),
        ops.Groupby("user_id", sort="at", lists="item_id"),
        ops.Groupby("user_id", aggregates={"category": "mean"}),
        ops.Groupby("user_id", lists="item_id", gap="1h", session="user_id"),
    ],
)
def test_columns_that_cannot_be_grouped_so(groups: ops.Groupby) -> None:
    with pytest.raises(SchemaError):
        groups.schema(SCHEMA)


def test_lists_of_lists_are_refused() -> None:
    schema = Schema([Column("user", "int64"), Column("vector", "int64", (), LIST)])
    for groups in (
        ops.Groupby("user", sort=None, lists="vector"),
        ops.Groupby("user", sort=None, aggregates={"vector": "count"}),
    ):
        with pytest.raises(SchemaError, match="vector"):
            groups.schema(schema)
