from math import e

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, SchemaError
from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.schema import Column, Schema


def run(values, op, name: str = "x", out: str = "x") -> list:
    data = Dataset.of(pl.DataFrame({name: values}))
    return Workflow([name >> op]).fit(data).transform(data).collect()[out].to_list()


def test_log_of_lists() -> None:
    assert run([[0.0, e - 1], [e**2 - 1], []], ops.LogOp()) == [[0.0, 1.0], [2.0], []]


def test_log_of_what_has_none_is_null() -> None:
    assert run([-1.0, -3.0, None], ops.LogOp()) == [None, None, None]


def test_normalize_a_constant() -> None:
    assert run([10.0] * 7, ops.Normalize()) == [0.0] * 7


def test_normalize_takes_the_deviation_of_the_sample() -> None:
    # mean 3, squared differences 4 + 0 + 4, divided by 2: deviation 2.
    assert run([1, 3, 5, None], ops.Normalize()) == [-1.0, 0.0, 1.0, None]


def test_normalize_large_numbers() -> None:
    x = np.array([1.9e10, 2.3e16, 3.4e18, 1.6e19])
    received = run(x, ops.Normalize())
    assert received == pytest.approx((x - x.mean()) / x.std(ddof=1), rel=1e-4)


def test_normalize_leaves_infinity_out_of_its_statistics() -> None:
    assert run([1.0, 3.0, 5.0, float("inf")], ops.Normalize()) == [-1.0, 0.0, 1.0, float("inf")]


def test_normalize_lists_over_all_elements() -> None:
    assert run([[1.0, 3.0], [5.0], None, [None]], ops.Normalize()) == [[-1.0, 0.0], [1.0], [], [None]]


def test_clip_keeps_nulls() -> None:
    assert run([-2, 5, None], ops.Clip(low=0)) == [0.0, 5.0, None]
    assert run([-2, 5, None], ops.Clip(high=1)) == [-2.0, 1.0, None]


def test_bucketize_counts_the_boundaries_that_are_not_above() -> None:
    values = [-2.0, -1.0, 0.0, 1.0, float("nan")]
    assert run(values, ops.Bucketize([-1, 0, 1])) == [0, 1, 2, 3, None]
    data = Dataset.of(pl.DataFrame({"x": values}))
    flow = Workflow(["x" >> ops.Bucketize({"x": np.array([-1, 0, 1])})]).fit(data)
    domain = flow.schema["x"].domain
    assert (domain.low, domain.high, flow.schema["x"].tags) == (0, 3, {"categorical"})
    assert flow.transform_batch(Batch({"x": np.array([-2.0, 1.0])}))["x"].dtype == np.int64


def test_hash_bucket_uses_all_its_codes_and_no_more() -> None:
    data = Dataset.of(pl.DataFrame({"x": range(1000), "s": [f"user {n}" for n in range(1000)]}))
    flow = Workflow([["x", "s"] >> ops.HashBucket(10)]).fit(data)
    out = flow.transform(data).collect()
    for name in ("x", "s"):
        assert sorted(out[name].unique().to_list()) == list(range(2, 12))
        assert flow.schema[name].domain.size == 12
        assert out[name].value_counts()["count"].min() > 60
    assert run([1, None], ops.HashBucket({"other": 3})) == [2, 1]


def test_fill_missing_keeps_types() -> None:
    data = Dataset.of(
        pl.DataFrame({"i": [1, None], "f": [0.5, float("nan")], "b": [True, None], "s": ["x", None]})
    )
    flow = Workflow([["i", "f", "b"] >> ops.FillMissing(0), "s" >> ops.FillMissing("?")]).fit(data)
    assert flow.transform(data).collect().to_dict(as_series=False) == {
        "i": [1, 0],
        "f": [0.5, 0.0],
        "b": [True, False],
        "s": ["x", "?"],
    }
    assert [column.dtype for column in flow.schema] == ["int64", "float64", "bool", "string"]


def test_an_indicator_leaves_the_branch_before_later_ops() -> None:
    data = Dataset.of(pl.DataFrame({"x": [1.0, None, 3.0]}))
    branch = "x" >> ops.FillMissing(2.0, add_indicator=True) >> ops.Normalize()
    out = Workflow([branch]).fit(data).transform(data).collect()
    assert out.to_dict(as_series=False) == {"x": [-1.0, 0.0, 1.0], "x_filled": [0.0, 1.0, 0.0]}


def test_filled_and_whole_numbers_can_be_categorified_on_both_paths() -> None:
    data = Dataset.of(pl.DataFrame({"x": [4, None, 4]}))
    flow = Workflow(["x" >> ops.FillMissing(9) >> ops.Categorify()]).fit(data)
    assert flow.transform(data).collect()["x"].to_list() == [3, 4, 3]
    for array in (np.array([4, None], dtype=object), np.array([4.0, np.nan])):
        assert flow.transform_batch(Batch({"x": array}))["x"].tolist() == [3, 4]


def test_rename() -> None:
    data = Dataset.of(pl.DataFrame({"x": [1], "y": [2]}))
    both = ["x", "y"]
    assert Workflow([both >> ops.Rename(mapping={"x": "X"})]).fit(data).schema.names == ("X", "y")
    assert Workflow([both >> ops.Rename(suffix="_lower")]).fit(data).schema.names == ("x_lower", "y_lower")
    with pytest.raises(ArgumentError, match="Rename: expected every name once"):
        Workflow([both >> ops.Rename(name="z")]).fit(data)


def test_filter_drops_rows_in_training_only() -> None:
    data = Dataset.of(pl.DataFrame({"x": [1.0, 3.0, 100.0, None], "keep": [True, True, False, True]}))
    flow = Workflow([["x"] >> ops.Filter(pl.col("keep")) >> ops.Normalize()]).fit(data)
    assert flow.transform(data).collect()["x"].to_list() == pytest.approx([-(2**-0.5), 2**-0.5, None])
    assert flow.input_schema.names == ("x",)
    assert flow.transform_batch(Batch({"x": np.array([100.0])}))["x"].tolist() == pytest.approx([98 / 2**0.5])


def test_filter_needs_its_columns_in_fitting_only() -> None:
    data = Dataset.of(pl.DataFrame({"x": [1.0, 3.0], "keep": [True, False]}))
    flow = Workflow([ops.Filter(pl.col("keep")), "x"]).fit(data)
    assert flow.transform(data.select(["x"])).collect()["x"].to_list() == [1.0, 3.0]
    with pytest.raises(SchemaError, match="did you mean 'keep'"):
        Workflow([ops.Filter(pl.col("kept")), "x"]).fit(data)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (ops.Clip, "low, high or both"),
        (lambda: ops.Clip(2, 1), "at most high"),
        (lambda: ops.Bucketize([]), "rising numbers"),
        (lambda: ops.Bucketize({"x": [1, 1]}), "rising numbers"),
        (lambda: ops.HashBucket(0), "an integer >= 1"),
        (lambda: ops.FillMissing(float("nan")), "a value"),
        (ops.Rename, "prefix and suffix, or name, or mapping"),
        (lambda: ops.Rename(prefix="a", name="b"), "2 ways to rename"),
        (lambda: ops.Filter("x > 0"), "a Polars expression"),
        (
            lambda: ops.Filter(pl.col("x").map_batches(lambda x: x, return_dtype=pl.Boolean)),
            "Python function",
        ),
        (lambda: ops.Filter.from_json('{"AnonymousFunction": {}}'), "Python function"),
    ],
)
def test_wrong_options(make, match) -> None:
    with pytest.raises(ArgumentError, match=match):
        make()


@pytest.mark.parametrize(
    ("op", "column"),
    [
        (ops.Normalize(), Column("x", "string")),
        (ops.LogOp(), Column("x", "datetime")),
        (ops.Clip(0), Column("x", "string")),
        (ops.Bucketize([0]), Column("x", "string")),
        (ops.HashBucket(3), Column("x", "float64")),
        (ops.FillMissing(0), Column("x", "string")),
        (ops.FillMissing("a"), Column("x", "int64")),
    ],
)
def test_columns_of_another_type_are_refused(op, column) -> None:
    data = Dataset.of(pl.DataFrame({"x": []}), Schema([column]))
    with pytest.raises(SchemaError, match="column 'x'"):
        Workflow(["x" >> op]).fit(data)


def test_a_column_without_boundaries_is_refused() -> None:
    with pytest.raises(ArgumentError, match="nothing for column 'x'"):
        run([1.0], ops.Bucketize({"y": [0]}))


def test_a_number_that_is_none_is_refused_on_the_request_path() -> None:
    data = Dataset.of(pl.DataFrame({"x": [1.0]}))
    flow = Workflow(["x" >> ops.Clip(0)]).fit(data)
    with pytest.raises(SchemaError, match="'abc'"):
        flow.transform_batch(Batch({"x": np.array([1.0, "abc"], dtype=object)}))
    assert flow.transform_batch(Batch({"x": np.array([1, None], dtype=object)}))["x"].tolist()[0] == 1.0


def test_lists_of_floats_on_the_request_path_are_float32() -> None:
    data = Dataset.of(pl.DataFrame({"x": [[1.0, 3.0]]}))
    flow = Workflow(["x" >> ops.Clip(0, 2)]).fit(data)
    out = flow.transform_batch(Batch({"x": Ragged.of([[5.0], []])}))["x"]
    assert (out.to_lists(), out.values.dtype) == ([[2.0], []], np.float32)
