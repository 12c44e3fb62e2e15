"""What NVTabular's own tests expect of ops by key, and what follows from its rules for codes."""

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch, Ragged
from shortlist.features import Workflow, ops
from shortlist.io import Dataset

AUTHORS = [["A"], ["A", "E"], ["B", "C"], ["C"]]
PEOPLE = {
    "Author": ["User_A", "User_E", "User_B", "User_C"],
    "Engaging": ["User_B", "User_B", "User_A", "User_D"],
}


def run(branch, columns: dict, *names: str) -> list[list]:
    """Columns as they come out, the same along both paths."""
    data = Dataset.of(pl.DataFrame(columns))
    flow = Workflow([branch]).fit(data)
    offline = flow.transform(data).collect()
    lists = {
        n: Ragged.of([np.array(v, object) for v in rows]) if isinstance(rows[0], list) else rows
        for n, rows in columns.items()
    }
    batch = flow.transform_batch(
        Batch({n: v if isinstance(v, Ragged) else pl.Series(v).to_numpy() for n, v in lists.items()})
    )
    for name in names:
        online = batch[name].to_lists() if isinstance(batch[name], Ragged) else batch[name].tolist()
        assert online == offline[name].to_list()
    return [offline[name].to_list() for name in names]


@pytest.mark.parametrize("min_count", [1, 2])
def test_categorify_lists(min_count: int) -> None:
    (codes,) = run("Authors" >> ops.Categorify(min_count), {"Authors": AUTHORS}, "Authors")
    assert codes == {1: [[3], [3, 6], [5, 4], [4]], 2: [[3], [3, 2], [2, 4], [4]]}[min_count]


@pytest.mark.parametrize("min_count", [1, 2, 3])
def test_categorify_with_a_given_vocabulary_counts_nothing(min_count: int) -> None:
    op = ops.Categorify(min_count, vocabularies={"Authors": ["A", "C", "B", "E"]})
    assert run("Authors" >> op, {"Authors": AUTHORS}, "Authors") == [[[3], [3, 6], [5, 4], [4]]]


def test_categorify_joint_group() -> None:
    joint = [["Author", "Engaging"]] >> ops.Categorify()
    assert run(joint, PEOPLE, "Author", "Engaging") == [[4, 7, 3, 5], [3, 3, 4, 6]]


def test_categorify_combinations() -> None:
    combo = [["Author", "Engaging"]] >> ops.Categorify(group="combo")
    assert run(combo, PEOPLE, "Author_Engaging") == [[3, 6, 4, 5]]


def test_equal_columns_get_equal_codes_by_themselves_and_together() -> None:
    rows = {"one": list("ABCC"), "two": list("ABCC")}
    assert run(["one", "two"] >> ops.Categorify(), rows, "one", "two") == [[4, 5, 3, 3]] * 2
    assert run([["one", "two"]] >> ops.Categorify(group="combo"), rows, "one_two") == [[4, 5, 3, 3]]


def test_nulls_are_counted() -> None:
    brands = ["Coby"] * 5 + [None] * 5 + ["Cooler"] * 2 + ["Asus"] * 3
    flow = Workflow(["brand" >> ops.Categorify()]).fit(Dataset.of(pl.DataFrame({"brand": brands})))
    assert flow.coverage()["null_rate"].to_list() == [5 / 15]
    assert flow.vocabulary("brand").rows() == [(3, "Coby", 5), (4, "Asus", 3), (5, "Cooler", 2)]


@pytest.mark.parametrize("values", [range(3), range(100)])
def test_ten_buckets_and_twelve_codes_are_twelve_codes(values) -> None:
    data = Dataset.of(pl.DataFrame({"x": values}))
    flow = Workflow(["x" >> ops.Categorify(buckets=10, max_size=12)]).fit(data)
    assert flow.schema["x"].domain.size == 12
    assert flow.transform(data).collect()["x"].is_between(2, 11).all()


def test_twenty_six_values_need_twenty_nine_rows_of_an_embedding() -> None:
    letters = [chr(ord("a") + n) for n in range(26)]
    flow = Workflow(["x" >> ops.Categorify()]).fit(Dataset.of(pl.DataFrame({"x": letters})))
    assert flow.schema["x"].domain.size == 29


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_codes_do_not_depend_on_how_the_work_is_split(parts: int) -> None:
    rows = pl.DataFrame({"x": [n * n % 7 for n in range(60)], "s": [str(n % 11) for n in range(60)]})
    cuts = [rows[n * 60 // parts : (n + 1) * 60 // parts] for n in range(parts)]
    whole, split = (Workflow([["x", "s"] >> ops.Categorify(2)]).fit(Dataset.of(f)) for f in (rows, cuts))
    for name in ("x", "s"):
        assert split.vocabulary(name).equals(whole.vocabulary(name))
    assert split.transform(Dataset.of(cuts)).collect().equals(whole.transform(Dataset.of(rows)).collect())


def test_sums_of_groups_beside_the_rows() -> None:
    rows = {
        "Author": ["A", "A", "A", "B"],
        "Engaging": ["B", "B", "C", "C"],
        "Cost": [100.0, 200.0, 300.0, 400.0],
    }
    sums = ops.JoinGroupby(["Cost"], ["sum"])
    assert run("Author" >> sums, rows, "Author_Cost_sum") == [[600.0, 600.0, 600.0, 400.0]]
    pairs = run([["Author", "Engaging"]] >> sums, rows, "Author_Engaging_Cost_sum")
    assert pairs == [[300.0, 300.0, 300.0, 400.0]]


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_the_serving_path_gives_the_codes_of_training_as_int64(dtype: str) -> None:
    values = np.array([3, 1, 3, 2, 3, 1], dtype=dtype)
    data = Dataset.of(pl.DataFrame({"x": values}))
    flow = Workflow(["x" >> ops.Categorify()]).fit(data)
    served = flow.transform_batch(Batch({"x": values}))["x"]
    assert (served.tolist(), served.dtype) == ([3, 4, 3, 5, 3, 4], np.int64)
    assert flow.transform(data).collect()["x"].to_list() == served.tolist()


def test_the_serving_path_gives_the_codes_of_training_for_strings() -> None:
    words = [f"{n * n % 5:010d}" for n in range(9)]
    data = Dataset.of(pl.DataFrame({"x": words}))
    flow = Workflow(["x" >> ops.Categorify(buckets=3, min_count=2)]).fit(data)
    asked = np.array([*words, "unseen one"], dtype=object)
    served = flow.transform_batch(Batch({"x": asked}))["x"]
    offline = flow.transform(Dataset.of(pl.DataFrame({"x": asked.tolist()}))).collect()["x"]
    assert (served.tolist(), served.dtype) == (offline.to_list(), np.int64)


def test_target_encoding_is_the_smoothed_mean_and_null_is_a_group() -> None:
    # NVTabular 23.8 gives rows without a key values outside the range of the target.
    rows = pl.DataFrame({"row": range(6), "key": ["a", "a", "b", None, None, None], "y": [1, 0, 1, 0, 0, 1]})
    data = Dataset.of(rows)
    flow = Workflow(["key" >> ops.TargetEncoding("y", smoothing=20)]).fit(data)
    mean = 0.5
    a, b, null = (1 + 20 * mean) / 22, (1 + 20 * mean) / 21, (1 + 20 * mean) / 23
    made = flow.transform(data, training=False).collect()["TE_key_y"].to_list()
    assert made == pytest.approx([a, a, b, null, null, null])
    unseen = flow.transform_batch(Batch({"key": np.array(["zz"], dtype=object)}))["TE_key_y"]
    assert unseen.tolist() == [mean]


def test_target_encoding_in_training_does_not_depend_on_partitions() -> None:
    # NVTabular draws folds by a row's place in its partition.
    rows = pl.DataFrame(
        {"row": range(50), "key": [n % 4 for n in range(50)], "y": [n % 3 for n in range(50)]}
    )
    branch = "key" >> ops.TargetEncoding("y", folds=3, fold_by="row")
    made = []
    for cut in (1, 20, 50):
        data = Dataset.of([rows[:cut], rows[cut:]])
        made.append(Workflow([branch]).fit(data).transform(data).collect())
    assert made[0].equals(made[1])
    assert made[0].equals(made[2])
    assert made[0]["TE_key_y"].n_unique() > 4
