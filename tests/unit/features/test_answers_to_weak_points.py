"""Where users of NVTabular were let down: ids that do not come back, unknowns, targets when serving."""

from itertools import product

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch
from shortlist.errors import ArgumentError, DataError
from shortlist.features import Workflow, ops
from shortlist.io import Dataset

ROWS = pl.DataFrame(
    {
        "user": ["ann", "bob", "ann", None, "cid"],
        "item": [7, 8, 7, 9, None],
        "click": [1, 0, 0, 1, 1],
        "rating": [5.0, 1.0, 4.0, None, 2.0],
    }
)
DATA = Dataset.of(ROWS)


def texts(*values: str | None) -> np.ndarray:
    return np.array(values, dtype=object)


# Ids: encode, decode, unknowns.


def test_codes_go_back_to_raw_ids_for_every_column_at_once() -> None:
    flow = Workflow(
        [["user", "item"] >> ops.Categorify(), [["user", "item"]] >> ops.Categorify(group="combo")]
    )
    encoded = flow.fit(DATA).transform(DATA).collect()
    back = flow.decode(encoded)
    assert back.select("user", "item").equals(ROWS.select("user", "item"))
    assert back["user_item"].to_list()[0] == {"value_0": "ann", "value_1": 7}
    assert flow.decode("user", [0, 1, 2, 3]) == [None, None, None, "ann"]


def test_the_mapping_that_is_shown_is_the_encoding() -> None:
    flow = Workflow([["user", "item"] >> ops.Categorify(max_size=5, buckets=2)]).fit(DATA)
    for name in ("user", "item"):
        shown = {row["value"]: row["code"] for row in flow.vocabulary(name).to_dicts()}
        codes = flow.transform(DATA).collect()[name].to_list()
        assert [shown.get(value, code) for value, code in zip(ROWS[name], codes, strict=True)] == codes
        assert set(shown.values()) <= set(codes)


def test_given_vocabularies_with_several_buckets() -> None:
    op = ops.Categorify(vocabularies={"user": ["cid", "ann"]}, buckets=4)
    flow = Workflow(["user" >> op]).fit(DATA)
    codes = flow.transform(DATA).collect()["user"].to_list()
    assert (codes[0], codes[2], codes[3], codes[4]) == (7, 7, 1, 6)
    assert codes[1] in range(2, 6)
    assert flow.schema["user"].domain.size == 2 + 4 + 2
    assert flow.transform_batch(Batch({"user": texts("ann", "bob", None)}))["user"].tolist() == [
        7,
        codes[1],
        1,
    ]


@pytest.mark.parametrize("buckets", [1, 3])
def test_columns_that_are_all_null_when_transformed(buckets: int) -> None:
    flow = Workflow([["user", "item"] >> ops.Categorify(buckets=buckets)]).fit(DATA)
    nothing = ROWS.select(pl.lit(None, pl.String).alias("user"), pl.lit(None, pl.Int64).alias("item"))
    assert flow.transform(Dataset.of(nothing)).collect().unique().rows() == [(1, 1)]
    batch = flow.transform_batch(Batch({"user": texts(None), "item": np.array([np.nan])}))
    assert (batch["user"].tolist(), batch["item"].tolist()) == ([1], [1])


def test_nulls_are_counted_apart_from_unknown_values() -> None:
    flow = Workflow(["user" >> ops.Categorify(min_count=2)]).fit(DATA)
    (row,) = flow.coverage().filter(pl.col("column") == "user").to_dicts()
    assert (row["rows"], row["null_rate"], row["unknown_rate"]) == (5, 1 / 5, 2 / 5)


@pytest.mark.parametrize("asked", [[6, 10, 11], [-1, 10**12, 2**62]])
def test_an_unknown_id_is_not_taken_for_its_neighbour(asked: list[int]) -> None:
    flow = Workflow(["item" >> ops.Categorify()]).fit(DATA)
    assert flow.transform(Dataset.of(pl.DataFrame({"item": asked}))).collect()["item"].to_list() == [2, 2, 2]
    many = np.tile(np.array(asked), 1000)
    assert set(flow.transform_batch(Batch({"item": many}))["item"].tolist()) == {2}


def test_how_many_values_were_never_seen_is_reported() -> None:
    flow = Workflow([["user", "item"] >> ops.Categorify()]).fit(DATA)
    later = Dataset.of(ROWS.with_columns(user=pl.Series(["ann", "dan", "eve", None, "ann"])))
    shares = {row["column"]: row["unknown_rate"] for row in flow.coverage(later).to_dicts()}
    assert (shares["user"], shares["item"]) == (2 / 5, 0.0)


def test_an_encoding_can_be_supplied_by_hand(tmp_path) -> None:
    by_count = Workflow(["user" >> ops.Categorify()]).fit(DATA)
    by_count.vocabulary("user").write_parquet(tmp_path / "users.parquet")
    pl.DataFrame({"user": ["ann", "bob", "cid"]}).write_csv(tmp_path / "users.csv")
    ways = [
        ["ann", "bob", "cid"],
        pl.Series(["ann", "bob", "cid"]),
        np.array(["ann", "bob", "cid"]),
        {"bob": 4, "cid": 5, "ann": 3},
        tmp_path / "users.parquet",
        str(tmp_path / "users.csv"),
    ]
    for given in ways:
        flow = Workflow(["user" >> ops.Categorify(vocabularies={"user": given})]).fit(DATA)
        assert flow.transform(DATA).collect()["user"].to_list() == [3, 4, 3, 1, 5]
    with pytest.raises(ArgumentError, match="codes 3, 4 and so on"):
        ops.Categorify(vocabularies={"user": {"ann": 0, "bob": 1}})


def test_unknown_values_can_be_refused() -> None:
    flow = Workflow(["user" >> ops.Categorify(unknown="raise")]).fit(DATA)
    assert flow.transform(DATA).collect()["user"].to_list() == [3, 4, 3, 1, 5]
    with pytest.raises(DataError, match="1 unknown values like 'eve'"):
        flow.transform(Dataset.of(pl.DataFrame({"user": ["eve", "ann"]}))).collect()
    with pytest.raises(DataError, match=r"column 'user'.*extend the workflow"):
        flow.transform_batch(Batch({"user": texts("ann", "eve")}))
    assert flow.transform_batch(Batch({"user": texts("ann", None)}))["user"].tolist() == [3, 1]


def test_new_items_get_codes_behind_the_old_ones() -> None:
    flow = Workflow(["item" >> ops.Categorify()]).fit(DATA)
    old = flow.vocabulary("item").rows()
    flow.extend(Dataset.of(pl.DataFrame({"item": [30, 20, 30, 8, None]})))
    assert flow.vocabulary("item").rows() == [
        *(row if row[1] != 8 else (4, 8, 2) for row in old), (6, 30, 2), (7, 20, 1)
    ]  # fmt: skip
    assert flow.schema["item"].domain.size == 8
    (row,) = flow.coverage().filter(pl.col("column") == "item").to_dicts()
    assert (row["rows"], row["null_rate"], row["unknown_rate"]) == (10, 2 / 10, 0.0)


@pytest.mark.parametrize("turn", [1, -1])
def test_columns_that_share_a_vocabulary_grow_together(turn: int) -> None:
    branches = ["item" >> ops.Categorify(), "last" >> ops.Categorify(like="item")]
    rows = ROWS.select("item", last=pl.col("item"))
    flow = Workflow(branches[::turn]).fit(Dataset.of(rows))
    flow.extend(Dataset.of(pl.DataFrame({"item": [30], "last": [31]})))
    assert (
        flow.vocabulary("item")["value"].to_list()
        == flow.vocabulary("last")["value"].to_list()
        == [7, 8, 9, 30]
    )


@pytest.mark.parametrize(("buckets", "max_size"), [*product([1, 3, {"item": 4}, {"user": 2}], [None, 7])])
def test_every_code_is_below_the_cardinality_and_the_last_one_is_used(buckets, max_size) -> None:
    data = Dataset.of(pl.DataFrame({"item": range(40), "user": [str(n) for n in range(40)]}))
    flow = Workflow([["item", "user"] >> ops.Categorify(buckets=buckets, max_size=max_size)]).fit(data)
    for name in ("item", "user"):
        own = buckets if isinstance(buckets, int) else buckets.get(name, 1)
        size = max_size or 2 + own + 40
        assert flow.schema[name].domain.size == size
        codes = flow.transform(data).collect()[name]
        assert (codes.min() >= 2, codes.max()) == (True, size - 1)
        assert (
            flow.transform_batch(Batch({name: data.collect()[name].to_numpy()}))[name].tolist()
            == codes.to_list()
        )


def test_hashed_codes_stay_below_the_cardinality_too() -> None:
    data = Dataset.of(pl.DataFrame({"item": range(200)}))
    flow = Workflow(["item" >> ops.HashBucket(5)]).fit(data)
    codes = flow.transform(data).collect()["item"]
    assert (codes.min(), codes.max(), flow.schema["item"].domain.size) == (2, 6, 7)


@pytest.mark.parametrize("option", ["min_count", "max_size", "buckets"])
def test_a_misspelt_column_in_an_option_is_refused(option: str) -> None:
    with pytest.raises(ArgumentError, match=f"Categorify.{option}.*'itm'.*did you mean 'item'"):
        Workflow([["item", "user"] >> ops.Categorify(**{option: {"itm": 9}})]).fit(DATA)
    with pytest.raises(ArgumentError, match=r"Categorify.vocabularies.*did you mean 'item'"):
        Workflow([["item", "user"] >> ops.Categorify(vocabularies={"itm": [1]})]).fit(DATA)


# Targets when serving.


def test_target_encoding_is_served_without_the_target(tmp_path) -> None:
    flow = Workflow([["user", "item"] >> ops.TargetEncoding(["click", "rating"])]).fit(DATA)
    flow.save(tmp_path / "flow")
    served = Workflow.load(tmp_path / "flow")
    assert served.input_schema.names == ("user", "item")
    one = served.transform_batch(Batch({"user": texts("ann")}))
    assert set(one) == {"TE_user_click", "TE_user_rating"}
    served.transform(Dataset.of(ROWS.select("user", "item"))).collect()


@pytest.mark.parametrize("targets", [["click", "rating"], ["rating", "click"]])
def test_several_targets_are_not_swapped(targets: list[str]) -> None:
    op = ops.TargetEncoding(targets, smoothing=0, fold_by=["user", "item"], folds=2)
    flow = Workflow(["user" >> op]).fit(DATA)
    whole = flow.transform(DATA, training=False).collect()
    assert whole["TE_user_click"].to_list() == pytest.approx([0.5, 0.0, 0.5, 1.0, 1.0])
    assert whole["TE_user_rating"].to_list() == pytest.approx([4.5, 1.0, 4.5, 3.0, 2.0])
    trained = flow.transform(DATA).collect()
    assert trained["TE_user_click"].is_between(0, 1).all()
    assert trained["TE_user_rating"].is_between(1, 5).all()
    batch = flow.transform_batch(Batch({"user": texts("ann")}))
    assert (batch["TE_user_click"].tolist(), batch["TE_user_rating"].tolist()) == ([0.5], [4.5])


def test_rows_of_fitting_and_rows_of_validation_are_encoded_apart() -> None:
    rows = pl.DataFrame(
        {"row": range(40), "key": [n // 2 for n in range(40)], "y": [n % 2 for n in range(40)]}
    )
    train = Dataset.of(rows)
    flow = Workflow(["key" >> ops.TargetEncoding("y", smoothing=0)]).fit(train)
    seen = flow.transform(train).collect()["TE_key_y"].to_numpy()
    valid = flow.transform(Dataset.of(rows)).collect()["TE_key_y"].to_numpy()
    assert set(valid) == {0.5}
    # Each key has a row with 1 and a row with 0: what a row sees in training is the other one, or the mean.
    assert np.corrcoef(seen, rows["y"].to_numpy())[0, 1] < -0.5
