from datetime import datetime

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.schema import Column, Schema, tags

LISTS = Dataset.of(pl.DataFrame({"Authors": [["A"], ["A", "E"], ["B", "C"], ["C"]]}))
PEOPLE = Dataset.of(
    pl.DataFrame(
        {
            "Author": ["User_A", "User_E", "User_B", "User_C"],
            "Engaging": ["User_B", "User_B", "User_A", "User_D"],
        }
    )
)


def codes(dataset: Dataset, branch: object, name: str) -> list:
    return Workflow([branch]).fit(dataset).transform(dataset).collect()[name].to_list()


# A and C occur twice, B and E once: by count, ties by value, A 3, C 4, B 5, E 6.
@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (ops.Categorify(), [[3], [3, 6], [5, 4], [4]]),
        (ops.Categorify(min_count=2), [[3], [3, 2], [2, 4], [4]]),
        (
            ops.Categorify(vocabularies={"Authors": ["A", "C", "B", "E"]}, min_count=2),
            [[3], [3, 6], [5, 4], [4]],
        ),
        (ops.Categorify(max_size=4), [[3], [3, 2], [2, 2], [2]]),
        (ops.Categorify(max_size=5, min_count=2), [[3], [3, 2], [2, 4], [4]]),
        (ops.Categorify(max_size=3), [[2], [2, 2], [2, 2], [2]]),
    ],
)
def test_list_codes(op, expected) -> None:
    assert codes(LISTS, "Authors" >> op, "Authors") == expected


def test_joint_group_shares_a_vocabulary() -> None:
    # B occurs three times, A twice, C, D and E once.
    joint = [["Author", "Engaging"]] >> ops.Categorify()
    assert codes(PEOPLE, joint, "Author") == [4, 7, 3, 5]
    assert codes(PEOPLE, joint, "Engaging") == [3, 3, 4, 6]
    schema = Workflow([joint]).fit(PEOPLE).schema
    assert schema["Author"].domain == schema["Engaging"].domain
    assert schema["Author"].domain.size == 8


def test_joint_group_works_on_the_members_that_a_batch_has() -> None:
    flow = Workflow([[["Author", "Engaging"]] >> ops.Categorify()]).fit(PEOPLE)
    out = flow.transform_batch(Batch({"Engaging": np.array(["User_A", None], dtype=object)}))
    assert {name: column.tolist() for name, column in out.items()} == {"Engaging": [4, 1]}


def test_combo_group_gives_one_column_of_combinations() -> None:
    # Ties by value: (A, B) 3, (B, A) 4, (C, D) 5, (E, B) 6.
    combo = [["Author", "Engaging"]] >> ops.Categorify(group="combo")
    assert codes(PEOPLE, combo, "Author_Engaging") == [3, 6, 4, 5]
    flow = Workflow([combo]).fit(PEOPLE)
    assert flow.schema.names == ("Author_Engaging",)
    assert flow.decode("Author_Engaging", [4, 2, 1]) == [("User_B", "User_A"), None, None]


def test_a_null_in_a_combination_is_a_value_and_all_null_is_null() -> None:
    data = Dataset.of(pl.DataFrame({"a": ["x", None, None, "x"], "b": [1, 1, None, None]}))
    flow = Workflow([[["a", "b"]] >> ops.Categorify(group="combo", name="ab")]).fit(data)
    # Ties by value, null first: (null, 1) 3, (x, null) 4, (x, 1) 5.
    assert flow.transform(data).collect()["ab"].to_list() == [5, 3, 1, 4]
    batch = Batch(
        {"a": np.array(["x", None, None, "y"], dtype=object), "b": np.array([1.0, 1, np.nan, np.nan])}
    )
    assert flow.transform_batch(batch)["ab"].tolist() == [5, 3, 1, 2]
    assert flow.decode("ab", [3]) == [(None, 1)]
    needs_both = flow.transform_batch(Batch({"a": np.array(["x"], dtype=object)}))
    assert "ab" not in needs_both


def test_combinations_given_in_order() -> None:
    given = {"ab": [("x", 2), ("y", 1)]}
    data = Dataset.of(pl.DataFrame({"a": ["y", "x", "x"], "b": [1, 1, 2]}))
    assert codes(
        data, [["a", "b"]] >> ops.Categorify(group="combo", name="ab", vocabularies=given), "ab"
    ) == [4, 2, 3]


def test_combination_of_a_user_and_an_item_column_is_a_cross_feature() -> None:
    schema = Schema(
        [Column("a", "string", ("user",)), Column("b", "int64", ("item",)), Column("c", "int64", ("item",))]
    )
    data = Dataset.of(pl.DataFrame({"a": ["x"], "b": [1], "c": [2]}), schema)
    combo = ops.Categorify(group="combo")
    assert Workflow([[["a", "b"]] >> combo]).fit(data).schema["a_b"].tags == {"cross", "categorical"}
    assert Workflow([[["b", "c"]] >> combo]).fit(data).schema["b_c"].tags == {"item", "categorical"}


def test_counts_of_nulls_and_unknowns_are_kept() -> None:
    brands = ["Coby"] * 5 + [None] * 5 + ["Cooler"] * 2 + ["Asus"] * 3
    flow = Workflow(["brand" >> ops.Categorify(min_count=3)]).fit(Dataset.of(pl.DataFrame({"brand": brands})))
    (row,) = flow.coverage().to_dicts()
    assert row == {
        "column": "brand",
        "values": 2,
        "rows": 15,
        "null_rate": 5 / 15,
        "unknown_rate": 2 / 15,
    }
    assert flow.vocabulary("brand").rows() == [(3, "Coby", 5), (4, "Asus", 3)]


def test_max_size_counts_padding_null_and_every_bucket() -> None:
    data = Dataset.of(pl.DataFrame({"x": range(100)}))
    flow = Workflow(["x" >> ops.Categorify(buckets=10, max_size=12)]).fit(data)
    assert flow.schema["x"].domain.size == 12
    out = flow.transform(data).collect()["x"]
    assert (out.min(), out.max()) == (2, 11)
    assert out.n_unique() == 10


def test_options_by_column_and_their_defaults() -> None:
    data = Dataset.of(pl.DataFrame({"a": [1, 1, 2], "b": [1, 1, 2], "c": [1, 1, 2]}))
    op = ops.Categorify(min_count={"a": 2}, buckets={"b": 5}, max_size={"c": 4})
    flow = Workflow([["a", "b", "c"] >> op]).fit(data)
    assert [column.domain.size for column in flow.schema] == [4, 2 + 5 + 2, 4]


@pytest.mark.parametrize(
    "values",
    [
        np.arange(-5, 20, dtype=kind) if np.dtype(kind).kind == "i" else np.arange(20, dtype=kind)
        for kind in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
    ],
)
def test_every_integer_type_on_both_paths(values) -> None:
    data = Dataset.of(pl.DataFrame({"x": values}))
    flow = Workflow(["x" >> ops.Categorify()]).fit(data)
    offline = flow.transform(data).collect()["x"].to_numpy()
    for times in (1, 10):
        wide = np.tile(values, times)
        assert flow.transform_batch(Batch({"x": wide}))["x"].tolist() == np.tile(offline, times).tolist()
    assert flow.decode("x", offline) == values.tolist()


def test_numbers_and_texts_that_mean_one_id_are_one_id_on_the_request_path() -> None:
    data = Dataset.of(pl.DataFrame({"n": [17850, 3], "s": ["17850", "x"]}))
    flow = Workflow([["n", "s"] >> ops.Categorify(buckets=2)]).fit(data)
    batch = Batch({"n": np.array(["17850", "3"], dtype=object), "s": np.array([17850, "x"], dtype=object)})
    out, same = (
        flow.transform_batch(batch),
        flow.transform_batch(Batch({"n": np.array([17850, 3]), "s": np.array(["17850", "x"])})),
    )
    assert out["n"].tolist() == same["n"].tolist() == [5, 4]
    assert out["s"].tolist() == same["s"].tolist() == [4, 5]
    unknown = flow.transform_batch(Batch({"n": np.array(["abc", "-0", None], dtype=object)}))["n"].tolist()
    assert set(unknown[:2]) <= {2, 3}
    assert unknown[2] == 1


def test_tags_and_type_of_codes() -> None:
    schema = Schema(
        [Column("user_id", "string", ("user", "id")), Column("zip", "int64", ("user", "continuous"))]
    )
    data = Dataset.of(pl.DataFrame({"user_id": ["a"], "zip": [1]}), schema)
    made = Workflow([tags.any("user") >> ops.Categorify()]).fit(data).schema
    assert made["user_id"].tags == {"user", "id", "categorical"}
    assert made["zip"].tags == {"user", "categorical"}
    assert {column.dtype for column in made} == {"int64"}
    assert made["user_id"].vocabulary == "user_id"


def test_like_takes_over_a_vocabulary_and_its_domain() -> None:
    schema = Schema(
        [
            Column("item", "int64", ("item", "id")),
            Column("seen", "int64", ("user",), Column("x", "int64").shape),
        ]
    )
    data = Dataset.of(pl.DataFrame({"item": [7, 7, 8], "seen": [8, 7, 9]}), schema)
    flow = Workflow(["seen" >> ops.Categorify(like="item"), "item" >> ops.Categorify()]).fit(data)
    assert flow.transform(data).collect().to_dict(as_series=False) == {"seen": [4, 3, 2], "item": [3, 3, 4]}
    assert flow.schema["seen"].domain == flow.schema["item"].domain


@pytest.mark.parametrize(
    "branches",
    [
        ["a" >> ops.Categorify(like="nothing")],
        ["a" >> ops.Categorify(like="b"), "b" >> ops.Categorify(like="a")],
        ["a" >> ops.Categorify(like="b"), "b" >> ops.Normalize()],
    ],
)
def test_like_needs_a_column_that_has_a_vocabulary(branches) -> None:
    with pytest.raises(ArgumentError, match=r"Categorify\.like"):
        Workflow(branches).fit(Dataset.of(pl.DataFrame({"a": [1], "b": [1]})))


@pytest.mark.parametrize(
    "options",
    [
        {"min_count": 0},
        {"min_count": {"a": "x"}},
        {"buckets": 0},
        {"max_size": 2},
        {"max_size": True},
        {"group": "both"},
        {"unknown": "drop"},
        {"vocabularies": {"a": {1, 2}}},
        {"vocabularies": {"a": {"x": 3, "y": 5}}},
        {"vocabularies": {"a": 7}},
        {"like": "b", "vocabularies": {"a": [1]}},
        {"like": "b", "group": "combo"},
    ],
)
def test_wrong_options(options) -> None:
    with pytest.raises(ArgumentError, match="Categorify"):
        ops.Categorify(**options)


@pytest.mark.parametrize(
    ("op", "match"),
    [
        (ops.Categorify(buckets=10, max_size=11), "max_size: expected at least 12"),
        (ops.Categorify(vocabularies={"a": [1, 1]}), "every value once"),
        (ops.Categorify(vocabularies={"a": [1, None]}), "every value once"),
        (ops.Categorify(vocabularies={"a": ["x"]}), "vocabularies: expected values of"),
        (ops.Categorify(min_count={"b": 2}), "column 'b'"),
    ],
)
def test_options_that_do_not_fit_the_column(op, match) -> None:
    with pytest.raises(ArgumentError, match=match):
        Workflow(["a" >> op]).fit(Dataset.of(pl.DataFrame({"a": [1]})))


def test_columns_of_several_kinds_cannot_share_a_vocabulary() -> None:
    data = Dataset.of(pl.DataFrame({"n": [1], "s": ["1"], "b": [True], "u": pl.Series([1], dtype=pl.UInt64)}))
    for group in (["n", "s"], ["n", "b"], ["n", "u"]):
        with pytest.raises(SchemaError, match="values of one kind"):
            Workflow([[group] >> ops.Categorify()]).fit(data)


def test_integers_of_several_widths_share_a_vocabulary() -> None:
    columns = {"a": pl.Series([1, 2, 2], dtype=pl.Int8), "b": pl.Series([2, 3, None], dtype=pl.UInt32)}
    data = Dataset.of(pl.DataFrame({**columns, "c": [[2], [2**40, 1], []]}))
    flow = Workflow([[["a", "b", "c"]] >> ops.Categorify()]).fit(data)
    assert flow.vocabulary("a")["value"].to_list() == [2, 1, 3, 2**40]
    assert flow.transform(data).collect().rows() == [(4, 3, [3]), (3, 5, [6, 4]), (3, 1, [])]


def test_vocabularies_in_files(tmp_path) -> None:
    data = Dataset.of(pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]}))
    pairs = pl.DataFrame({"b": ["y", "x"], "a": [2, 1], "count": [5, 4]})
    pairs.write_parquet(tmp_path / "pairs.parquet")
    op = ops.Categorify(vocabularies={"a_b": tmp_path / "pairs.parquet"}, group="combo")
    flow = Workflow([[["a", "b"]] >> op]).fit(data)
    assert flow.transform(data).collect()["a_b"].to_list() == [4, 3, 2]
    shown = flow.vocabulary("a_b").sort("code", descending=True)
    shown.write_parquet(tmp_path / "shown.parquet")
    op = ops.Categorify(vocabularies={"a_b": str(tmp_path / "shown.parquet")}, group="combo")
    assert Workflow([[["a", "b"]] >> op]).fit(data).transform(data).collect()["a_b"].to_list() == [4, 3, 2]
    for wrong, error, match in (
        ("pairs.parquet", ArgumentError, "expected columns .'value'. or .'a'."),
        ("nowhere.parquet", DataError, "nowhere"),
    ):
        if wrong == "pairs.parquet":
            pairs.rename({"a": "c"}).write_parquet(tmp_path / wrong)
        with pytest.raises(error, match=match):
            Workflow(["a" >> ops.Categorify(vocabularies={"a": tmp_path / wrong})]).fit(data)


def test_what_grows_keeps_to_its_options() -> None:
    old = pl.DataFrame({"a": [1, 1, 2], "b": ["x", "x", "y"], "ns": [[1, 1], [2], []]})
    new = pl.DataFrame(
        {"a": [9, 9, 8, 7, 7], "b": ["u", "u", "x", None, None], "ns": [[3, 3], [4], [], [5, 5], [2]]}
    )
    flow = Workflow(
        [
            ["a", "ns"] >> ops.Categorify(min_count={"ns": 2}, max_size={"a": 6}),
            [["a", "b"]] >> ops.Categorify(group="combo", min_count=2),
        ]
    ).fit(Dataset.of(old))
    flow.extend(Dataset.of(new))
    assert flow.vocabulary("a").rows() == [(3, 1, 2), (4, 2, 1), (5, 7, 2)]
    assert flow.vocabulary("ns").rows() == [(3, 1, 2), (4, 3, 2), (5, 5, 2)]
    assert flow.vocabulary("a_b").rows() == [(3, 1, "x", 2), (4, 7, None, 2), (5, 9, "u", 2)]
    codes = flow.transform(Dataset.of(new)).collect()
    assert codes["a"].to_list() == [2, 2, 2, 5, 5]
    assert codes["ns"].to_list() == [[4, 4], [2], [], [5, 5], [2]]
    given = Workflow(["a" >> ops.Categorify(vocabularies={"a": [1]})]).fit(Dataset.of(old))
    assert given.extend(Dataset.of(new)).vocabulary("a")["value"].to_list() == [1]


def test_floats_and_combinations_of_lists_are_refused() -> None:
    with pytest.raises(SchemaError, match="Bucketize it, take parts of the date"):
        Workflow(["x" >> ops.Categorify()]).fit(Dataset.of(pl.DataFrame({"x": [0.5]})))
    with pytest.raises(SchemaError, match="take parts of the date"):
        Workflow(["x" >> ops.Categorify()]).fit(Dataset.of(pl.DataFrame({"x": [datetime(2024, 1, 1)]})))
    data = Dataset.of(pl.DataFrame({"x": [1], "y": [[1]]}))
    with pytest.raises(SchemaError, match="categorify the list by itself"):
        Workflow([[["x", "y"]] >> ops.Categorify(group="combo")]).fit(data)


def test_decoding_lists_and_codes_beyond_the_vocabulary() -> None:
    flow = Workflow(["Authors" >> ops.Categorify()]).fit(LISTS)
    assert flow.decode("Authors", Ragged.of([[3, 0], [], [6, 2]])) == [["A", None], [], ["E", None]]
    assert flow.decode("Authors", np.array([4])) == ["C"]
    with pytest.raises(ArgumentError, match="codes below 7"):
        flow.decode("Authors", [7])
    with pytest.raises(SchemaError, match="Authors"):
        flow.decode("Author", [3])


def test_a_user_seen_by_the_millions_does_not_hide_the_unknown() -> None:
    # The nearest key is never taken for a missing one, at either end of the range or within it.
    data = Dataset.of(pl.DataFrame({"x": [10, 20, 10**15]}))
    flow = Workflow(["x" >> ops.Categorify()]).fit(data)
    others = np.array([9, 11, 19, 21, 10**15 - 1, 2**63 - 1, -(2**63)] * 20)
    assert set(flow.transform_batch(Batch({"x": others}))["x"].tolist()) == {2}
