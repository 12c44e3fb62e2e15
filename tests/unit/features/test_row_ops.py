from math import e

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, SchemaError
from shortlist.features import Workflow, ops
from shortlist.features._hash import hash_value
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema, Shape


def run(values, op, name: str = "x", out: str = "x") -> list:
    data = Dataset.of(pl.DataFrame({name: values}))
    return Workflow([name >> op]).fit(data).transform(data).collect()[out].to_list()


def test_log_of_lists() -> None:
    assert run([[0.0, e - 1], [e**2 - 1], []], ops.LogOp()) == [[0.0, 1.0], [2.0], []]


def test_log_of_what_has_none_is_null() -> None:
    assert run([-1.0, -3.0, None], ops.LogOp()) == [None, None, None]


def test_normalize_a_constant() -> None:
    assert run([10.0] * 7, ops.Normalize()) == [0.0] * 7


@pytest.mark.parametrize("value", [699051.2004938449, 0.1, -1e12 / 3, 1e-300])
def test_what_rounding_leaves_of_a_constant_is_no_deviation(value: float) -> None:
    for cut in (1, 2, 3, 7):
        data = Dataset.of(pl.DataFrame({"x": [value] * 7})).cut(cut)
        out = Workflow(["x" >> ops.Normalize()]).fit(data).transform(data).collect()["x"]
        assert out.to_list() == pytest.approx([0.0] * 7, abs=1e-15 * abs(value) * 8)


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


def test_bucketize_at_exact_quantiles() -> None:
    # Quartiles of 1 .. 8 are 1 + 7/4, 1 + 7/2 and 1 + 21/4; those of 1, 1, 1, 5 are 1, 1 and 2.
    assert run([8, 7, 6, 5, 4, 3, 2, 1], ops.Bucketize(quantiles=4)) == [3, 3, 2, 2, 1, 1, 0, 0]
    assert run([1.0, 1.0, 1.0, 5.0, None], ops.Bucketize(quantiles=4)) == [1, 1, 1, 2, None]
    assert run([None, float("nan")], ops.Bucketize(quantiles={"x": 3})) == [None, None]
    data = Dataset.of(pl.DataFrame({"x": [1.0, 1.0, 1.0, 5.0]}))
    domain = Workflow(["x" >> ops.Bucketize(quantiles=4)]).fit(data).schema["x"].domain
    assert (domain.low, domain.high) == (0, 2)


def test_fill_median_of_an_even_number_is_the_mean_of_the_middle_two() -> None:
    assert run([4, None, 1, 100, 2], ops.FillMedian()) == [4.0, 3.0, 1.0, 100.0, 2.0]
    assert run([[1.0, None], [5.0, 7.0], None], ops.FillMedian()) == [[1.0, 5.0], [5.0, 7.0], []]
    assert run([None, float("nan")], ops.FillMedian()) == [0.0, 0.0]
    assert run([float("inf"), None, 2.0], ops.FillMedian()) == [float("inf"), 2.0, 2.0]


def test_the_median_of_many_numbers_in_many_partitions_is_exact() -> None:
    x = np.random.default_rng(7).normal(3.0, 1e4, size=20_001)
    parts = [pl.DataFrame({"x": part}) for part in np.array_split(x, 7)]
    found = Workflow(["x" >> ops.Median()]).fit(Dataset.of(parts)).statistics()
    assert found.rows() == [("x", "median", str(float(np.sort(x)[10_000])))]


def test_median_of_nothing_is_not_shown() -> None:
    data = Dataset.of(pl.DataFrame({"x": [None, None]}, {"x": pl.Float64}))
    assert Workflow(["x" >> ops.Median()]).fit(data).statistics().rows() == []


def test_a_filled_median_has_its_indicator() -> None:
    data = Dataset.of(pl.DataFrame({"x": [1.0, None, 3.0], "xs": [[None], [2.0], []]}))
    branch = ["x", "xs"] >> ops.FillMedian(add_indicator=True) >> ops.Clip(0, 1)
    assert Workflow([branch]).fit(data).transform(data).collect().to_dict(as_series=False) == {
        "x": [1.0, 1.0, 1.0],
        "xs": [[1.0], [1.0], []],
        "x_filled": [0.0, 1.0, 0.0],
        "xs_filled": [[1.0], [0.0], []],
    }


def test_normalize_min_max() -> None:
    assert run([2.0, 4.0, 10.0, None], ops.NormalizeMinMax()) == [0.0, 0.25, 1.0, None]
    assert run([[2.0], [4.0, 10.0]], ops.NormalizeMinMax()) == [[0.0], [0.25, 1.0]]
    for constant in (0.0, 10.0, 1e17):
        assert run([constant] * 3, ops.NormalizeMinMax()) == [0.5] * 3
    data, later = (Dataset.of(pl.DataFrame({"x": x})) for x in ([0.0, 4.0], [-2.0, 6.0, float("inf")]))
    for clip, expected in ((False, [-0.5, 1.5, float("inf")]), (True, [0.0, 1.0, 1.0])):
        flow = Workflow(["x" >> ops.NormalizeMinMax(clip=clip)]).fit(data)
        assert flow.transform(later).collect()["x"].to_list() == expected
        assert flow.transform_batch(Batch({"x": np.array([-2.0, 6.0, np.inf])}))["x"].tolist() == expected


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0, 127], "int8"),
        ([0, 128], "int16"),
        ([0, 32767], "int16"),
        ([-(2**30), 2**30], "int32"),
        ([-(2**60), 2**60], "int64"),
        ([[1], [300, None]], "int16"),
        ([1.5, None], "float32"),
        ([None, None], "int64"),
        ([True, False], "bool"),
        (["a", None], "string"),
    ],
)
def test_reduced_types(values, dtype: str) -> None:
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.Int64 if values[0] is None else None)})
    flow = Workflow(["x" >> ops.ReduceDtype()]).fit(Dataset.of(frame))
    assert flow.schema["x"].dtype == dtype
    out = flow.transform(Dataset.of(frame)).collect()["x"]
    assert out.to_list() == values
    inner = out.dtype.inner if isinstance(out.dtype, pl.List) else out.dtype
    assert str(inner).lower().replace("boolean", "bool") == dtype
    plain = Ragged.of([[1], [300]]) if isinstance(values[0], list) else np.array([v for v in values if v])
    if dtype.startswith(("int", "float")) and values[0] is not None:
        made = flow.transform_batch(Batch({"x": plain}))["x"]
        assert (made.values if isinstance(made, Ragged) else made).dtype == dtype


def test_reduced_types_never_widen_and_keep_floats_if_asked() -> None:
    frame = pl.DataFrame({"u": pl.Series([200], dtype=pl.UInt8), "v": pl.Series([2**63], dtype=pl.UInt64)})
    data = Dataset.of(frame.with_columns(w=pl.lit(100, pl.UInt64), f=0.1))
    flow = Workflow([["u", "v", "w", "f"] >> ops.ReduceDtype("float64")]).fit(data)
    assert [column.dtype for column in flow.schema] == ["uint8", "uint64", "int8", "float64"]


def test_values_beyond_a_reduced_type_become_its_bound() -> None:
    data, later = (Dataset.of(pl.DataFrame({"x": x})) for x in ([1, 100], [10**12, -(10**12), 5, None]))
    flow = Workflow(["x" >> ops.ReduceDtype()]).fit(data)
    assert flow.transform(later).collect()["x"].to_list() == [127, -128, 5, None]
    batch = flow.transform_batch(Batch({"x": np.array([10**12, -(10**12), 5])}))["x"]
    assert (batch.tolist(), batch.dtype) == ([127, -128, 5], np.int8)
    mixed = flow.transform_batch(Batch({"x": np.array([10**12, None], dtype=object)}))["x"]
    assert mixed.tolist()[0] == 127.0
    assert np.isnan(mixed[1])


def test_codes_take_the_type_of_their_vocabulary() -> None:
    data = Dataset.of(pl.DataFrame({"x": [f"v{n}" for n in range(200)]}))
    flow = Workflow(
        [
            "x" >> ops.Categorify() >> ops.ReduceDtype(),
            "x" >> ops.HashBucket(9) >> ops.ReduceDtype() >> ops.Rename(name="h"),
        ]
    ).fit(data)
    assert [(column.dtype, column.domain.size) for column in flow.schema] == [("int16", 203), ("int8", 11)]
    assert flow.transform_batch(Batch({"x": np.array(["v1", "?"], dtype=object)}))["x"].dtype == np.int16


LISTS = [[0, 1, 2, 2, 767], [1, 2, 2, 3], [1, 223, 4]]


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (ops.ListSlice(0, 2), [[0, 1], [1, 2], [1, 223]]),
        (ops.ListSlice(2), [[0, 1], [1, 2], [1, 223]]),
        (ops.ListSlice(3, 5), [[2, 767], [3], []]),
        (ops.ListSlice(4, 10), [[767], [], []]),
        (ops.ListSlice(100, 20000), [[], [], []]),
        (ops.ListSlice(-2), [[2, 767], [2, 3], [223, 4]]),
        (ops.ListSlice(-4, -2), [[1, 2], [1, 2], [1]]),
        (ops.ListSlice(1, -1), [[1, 2, 2], [2, 2], [223]]),
        (ops.ListSlice(-4, 3), [[1, 2], [1, 2, 2], [1, 223, 4]]),
        (ops.ListSlice(5, pad=True), [[0, 1, 2, 2, 767], [1, 2, 2, 3, 0], [1, 223, 4, 0, 0]]),
        (
            ops.ListSlice(1, 6, pad=True, pad_value=123),
            [[1, 2, 2, 767, 123], [2, 2, 3, 123, 123], [223, 4, 123, 123, 123]],
        ),
        (ops.ListSlice(-4, pad=True), [[1, 2, 2, 767], [1, 2, 2, 3], [1, 223, 4, 0]]),
    ],
)
def test_list_slices(op: ops.ListSlice, expected: list) -> None:
    data = Dataset.of(pl.DataFrame({"x": LISTS}))
    flow = Workflow(["x" >> op]).fit(data)
    assert flow.transform(data).collect()["x"].to_list() == expected
    assert flow.transform_batch(Batch({"x": Ragged.of(LISTS)}))["x"].to_lists() == expected


def test_padding_on_the_request_path_is_of_the_elements_type() -> None:
    schema = Schema([Column("s", "string", shape=LIST), Column("f", "float64", shape=LIST)])
    data = Dataset.of(pl.DataFrame({"s": [["a"]], "f": [[1.5]]}), schema)
    branches = [
        "s" >> ops.ListSlice(2, pad=True, pad_value="?"),
        "f" >> ops.ListSlice(2, pad=True, pad_value=0.5),
    ]
    flow = Workflow(branches).fit(data)
    empty = flow.transform_batch(Batch({"s": Ragged.of([[]]), "f": Ragged.of([[3]])}))
    assert empty["s"].to_lists() == [["?", "?"]]
    assert empty["f"].to_lists() == [[3.0, 0.5]]


def test_lengths_of_slices_in_the_schema() -> None:
    data = Dataset.of(pl.DataFrame({"x": LISTS}))

    def shape(*chain: ops.Op) -> Shape:
        branch = "x" >> chain[0]
        for op in chain[1:]:
            branch = branch >> op
        return Workflow([branch]).fit(data).schema["x"].shape

    assert shape(ops.ListSlice(1, 4)) == Shape("list", 3, 0)
    assert shape(ops.ListSlice(1, -1)) == Shape("list", None, 0)
    assert shape(ops.ListSlice(-3, 2)) == Shape("list", 2, 0)
    assert shape(ops.ListSlice(-9, pad=True)) == Shape("list", 9, 9)
    assert shape(ops.ValueCount()) == Shape("list", 5, 3)
    assert shape(ops.ListSlice(9), ops.ListSlice(1, -1)) == Shape("list", 7, 0)


@pytest.mark.parametrize(
    ("lists", "least", "most"),
    [([[1, 2, 3, 4], [3, 2, 1], [1, 4], [0]], 1, 4), ([[1, 2, 3], [4, 5, 6]], 3, 3), ([[], None], 0, 0)],
)
def test_value_count(lists: list, least: int, most: int) -> None:
    data = Dataset.of(pl.DataFrame({"x": lists}, {"x": pl.List(pl.Int64)}))
    flow = Workflow(["x" >> ops.ValueCount()]).fit(data)
    assert flow.schema["x"].shape == Shape("list", most, least)
    assert flow.statistics()["value"].to_list() == [str(least), str(most)]


def test_dropna_drops_rows_in_training_only() -> None:
    frame = {"x": [1.0, None, float("nan"), 4.0], "l": [[1], [2], [3], None], "y": [1, 2, 3, 4]}
    data = Dataset.of(pl.DataFrame(frame))
    flow = Workflow([["x", "l"] >> ops.Dropna(), "y"]).fit(data)
    assert flow.transform(data).collect().rows() == [(1.0, [1], 1)]
    assert flow.transform_batch(Batch({"x": np.array([np.nan, 2.0])}))["x"].tolist()[1] == 2.0
    empties = Dataset.of(pl.DataFrame({"l": [[], [None], None]}, {"l": pl.List(pl.Int64)}))
    kept = Workflow(["l" >> ops.Dropna()]).fit(empties).transform(empties).collect()["l"].to_list()
    assert kept == [[], [None]]


def test_dropna_looks_at_raw_columns_of_its_own_branch() -> None:
    data = Dataset.of(pl.DataFrame({"x": [1, None, 3], "y": [None, 2, 3]}))
    flow = Workflow(["x" >> ops.FillMissing(0) >> ops.Dropna(), "y"]).fit(data)
    assert flow.transform(data).collect().rows() == [(1, None), (3, 3)]


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        (["a"] * 5, None),
        (["a", "a", "a", "a", "b"], [3, 3, 3, 3, 4]),
        (["a", "a", "b", "b", "c"], [3, 3, 4, 4, 5]),
        ([None] * 2, None),
    ],
)
def test_columns_of_low_cardinality_are_left_out(values: list, codes: list | None) -> None:
    data = Dataset.of(pl.DataFrame({"x": values, "n": range(len(values))}, {"x": pl.String, "n": pl.Int64}))
    branch = ["x", "n"] >> ops.Categorify() >> ops.DropLowCardinality() >> ops.Rename(suffix="_c")
    flow = Workflow([branch, "n"]).fit(data)
    out = flow.transform(data).collect()
    assert (out["x_c"].to_list() if "x_c" in out.columns else None) == codes
    asked = flow.transform_batch(Batch({"x": np.array(values, dtype=object)}))
    assert ("x_c" in asked) == (codes is not None)


def test_low_cardinality_counts_codes_and_leaves_other_columns() -> None:
    data = Dataset.of(pl.DataFrame({"x": ["a", "b"], "n": [1, 1]}))
    by_code = ["x" >> ops.Categorify() >> ops.DropLowCardinality(5), "n" >> ops.DropLowCardinality(99)]
    assert Workflow(by_code).fit(data).schema.names == ("n",)
    assert Workflow(["x" >> ops.HashBucket(3) >> ops.DropLowCardinality(5), "n"]).fit(data).schema.names == (
        "n",
    )


def test_hashed_cross_is_of_values_and_their_order() -> None:
    frame = pl.DataFrame({"a": [1, 1, None, None, 7], "b": ["x", None, "x", None, "x"]})
    data = Dataset.of(frame)
    flow = Workflow([[["a", "b"]] >> ops.HashedCross(10**6), [["b", "a"]] >> ops.HashedCross(10**6)]).fit(
        data
    )
    out = flow.transform(data).collect()
    assert flow.schema.names == ("a_X_b", "b_X_a")
    assert flow.schema["a_X_b"].domain.size == 2 + 10**6
    assert out["a_X_b"].to_list()[3] == 1
    assert out["a_X_b"].n_unique() == 5
    assert set(out["a_X_b"].drop_nulls()) & set(out["b_X_a"]) == {1}
    # The hash of a row is the same on every machine and in every version.
    assert out["a_X_b"].to_list() == [
        2 + hash_value(row) % 10**6 if row != (None, None) else 1 for row in frame.rows()
    ]


def test_hashed_cross_uses_all_its_codes() -> None:
    data = Dataset.of(
        pl.DataFrame({"a": [n % 100 for n in range(5000)], "b": [n // 100 for n in range(5000)]})
    )
    out = Workflow([[["a", "b"]] >> ops.HashedCross(10)]).fit(data).transform(data).collect()["a_X_b"]
    assert sorted(out.unique().to_list()) == list(range(2, 12))
    assert out.value_counts()["count"].min() > 400


def test_hashed_cross_needs_a_group() -> None:
    data = Dataset.of(pl.DataFrame({"a": [1], "b": [2], "l": [[1]]}))
    with pytest.raises(ArgumentError, match="column 'a' by itself"):
        Workflow([["a", "b"] >> ops.HashedCross(3)]).fit(data)
    with pytest.raises(SchemaError, match="lists in column 'l'"):
        Workflow([[["a", "l"]] >> ops.HashedCross(3)]).fit(data)


def test_tags() -> None:
    data = Dataset.of(pl.DataFrame({"x": [1], "y": [2]}))
    flow = Workflow([["x", "y"] >> ops.AddTags(["USER_ID", "mine"]) >> ops.RemoveTags(["mine", "item"])]).fit(
        data
    )
    assert [column.tags for column in flow.schema] == [{"user", "id"}] * 2
    assert flow.transform(data).collect().rows() == [(1, 2)]
    with pytest.raises(SchemaError, match=r"column 'x'.*'continuous' and 'id'"):
        Workflow(["x" >> ops.AddTags("id") >> ops.AddTags("continuous")]).fit(data)


def test_tags_let_numbers_pass_with_others_on_the_request_path() -> None:
    data = Dataset.of(pl.DataFrame({"x": [0.0, e - 1]}))
    branch = "x" >> ops.AddTags("item") >> ops.LogOp() >> ops.DataStats() >> ops.Rename(name="y")
    out = Workflow([branch]).fit(data).transform_batch(Batch({"x": np.array([0.0, e - 1])}))["y"]
    assert (out.tolist(), out.dtype) == ([0.0, 1.0], np.float32)


def described(*values: pl.Series) -> dict[str, dict[str, str]]:
    data = Dataset.of(pl.DataFrame(values))
    rows = Workflow([[v.name for v in values] >> ops.DataStats()]).fit(data).statistics().rows()
    return {v.name: {name: found for column, name, found in rows if column == v.name} for v in values}


def test_data_stats() -> None:
    found = described(
        pl.Series("n", [1, 3, None, 1]),
        pl.Series("f", [1.0, float("nan"), float("inf"), 2.0]),
        pl.Series("s", ["a", "b", "a", None]),
        pl.Series("b", [True, False, True, True]),
        pl.Series("l", [[1, 2, None], [], None, [2]]),
    )
    assert found["s"] == {"dtype": "string", "rows": "4", "null_share": "0.25", "cardinality": "2"}
    assert float(found["n"].pop("std")) == pytest.approx(((4 + 4 + 16) / 9 / 2) ** 0.5)
    assert found["n"] == {
        "dtype": "int64",
        "rows": "4",
        "null_share": "0.25",
        "cardinality": "2",
        "min": "1.0",
        "max": "3.0",
        "mean": str(5 / 3),
    }
    f = found["f"]
    assert "cardinality" not in f
    assert (f["null_share"], f["min"], f["max"], f["mean"], f["std"]) == (
        "0.25",
        "1.0",
        "2.0",
        "1.5",
        str(0.5**0.5),
    )
    assert (found["b"]["mean"], found["b"]["cardinality"], found["b"]["min"]) == ("0.75", "2", "0.0")
    of_lists = found["l"]
    assert (of_lists["rows"], of_lists["null_share"], of_lists["cardinality"]) == ("4", "0.25", "2")
    assert (of_lists["min_length"], of_lists["max_length"], of_lists["max"]) == ("0", "3", "2.0")


def test_data_stats_of_nothing() -> None:
    found = described(pl.Series("x", [], pl.Float64), pl.Series("l", [], pl.List(pl.Int64)))
    assert found["x"] == {"dtype": "float64", "rows": "0", "null_share": "0.0"}
    assert found["l"] == {"dtype": "int64", "rows": "0", "null_share": "0.0", "cardinality": "0"}


def test_hash_bucket_uses_all_its_codes_and_no_more() -> None:
    data = Dataset.of(pl.DataFrame({"x": range(1000), "s": [f"user {n}" for n in range(1000)]}))
    flow = Workflow([["x", "s"] >> ops.HashBucket(10)]).fit(data)
    out = flow.transform(data).collect()
    for name in ("x", "s"):
        assert sorted(out[name].unique().to_list()) == list(range(2, 12))
        assert flow.schema[name].domain.size == 12
        assert out[name].value_counts()["count"].min() > 60


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


def test_fill_missing_widens_integers_that_do_not_hold_the_value() -> None:
    frame = pl.DataFrame(
        {"u": pl.Series([7, None], dtype=pl.UInt8), "w": pl.Series([7, None], dtype=pl.Int64)}
    )
    data = Dataset.of(frame)
    for value, types in (
        (-1, ["int64", "int64"]),
        (255, ["uint8", "int64"]),
        (2.0**70, ["float64", "float64"]),
    ):
        flow = Workflow([["u", "w"] >> ops.FillMissing(value)]).fit(data)
        assert [column.dtype for column in flow.schema] == types
        assert flow.transform(data).collect()["u"].to_list() == [7, value]
        assert flow.transform_batch(Batch({"u": np.array([7.0, np.nan])}))["u"].tolist() == [7, value]
    with pytest.raises(SchemaError, match="'abc'"):
        flow.transform_batch(Batch({"u": np.array(["abc", None], dtype=object)}))


def test_an_indicator_leaves_the_branch_before_later_ops() -> None:
    data = Dataset.of(pl.DataFrame({"x": [1.0, None, 3.0]}))
    branch = "x" >> ops.FillMissing(2.0, add_indicator=True) >> ops.Normalize()
    out = Workflow([branch]).fit(data).transform(data).collect()
    assert out.to_dict(as_series=False) == {"x": [-1.0, 0.0, 1.0], "x_filled": [0.0, 1.0, 0.0]}


def test_filled_whole_numbers_stay_whole_on_the_request_path() -> None:
    data = Dataset.of(pl.DataFrame({"x": [4, None]}))
    flow = Workflow(["x" >> ops.FillMissing(9)]).fit(data)
    for array in (np.array([2**62, None], dtype=object), np.array([4.0, np.nan])):
        out = flow.transform_batch(Batch({"x": array}))["x"]
        assert (out.tolist(), out.dtype) == ([array[0], 9], np.int64)


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
    assert Workflow([both >> ops.Rename(mapping=str.upper)]).fit(data).schema.names == ("X", "Y")
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
        (lambda: ops.Clip("a"), "Clip.low: expected a number"),
        (lambda: ops.Clip(high=float("nan")), "Clip.high: expected a number"),
        (lambda: ops.Bucketize(["a"]), "a number"),
        (lambda: ops.Bucketize([float("nan")]), "a number"),
        (lambda: ops.ListSlice(1.5), "ListSlice.start: expected an integer"),
        (lambda: ops.ListSlice(1, "2"), "ListSlice.end: expected an integer"),
        (lambda: ops.FillMissing([0]), "a number, string or boolean"),
        (ops.Bucketize, "one of them"),
        (lambda: ops.Bucketize([1], quantiles=2), "one of them"),
        (lambda: ops.Bucketize(quantiles=1), "an integer >= 2"),
        (lambda: ops.Bucketize([]), "rising numbers"),
        (lambda: ops.Bucketize({"x": [1, 1]}), "rising numbers"),
        (lambda: ops.HashBucket(0), "an integer >= 1"),
        (lambda: ops.HashedCross(0), "an integer >= 1"),
        (lambda: ops.DropLowCardinality(0), "an integer >= 1"),
        (lambda: ops.ReduceDtype("float16"), "'float32' or 'float64'"),
        (lambda: ops.ListSlice(0), "how many elements to keep"),
        (lambda: ops.ListSlice(1, -1, pad=True), "count from the same side"),
        (lambda: ops.FillMissing(float("nan")), "a number, string or boolean"),
        (ops.Rename, "prefix and suffix, or name, or mapping"),
        (lambda: ops.Rename(prefix="a", name="b"), "2 ways to rename"),
        (lambda: ops.Filter("x > 0"), "a Polars expression"),
        (
            lambda: ops.Filter(pl.col("x").map_batches(lambda x: x, return_dtype=pl.Boolean)),
            "Python function",
        ),
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
        (ops.FillMedian(), Column("x", "string")),
        (ops.Median(), Column("x", "string")),
        (ops.NormalizeMinMax(), Column("x", "string")),
        (ops.ReduceDtype(), Column("x", "datetime")),
        (ops.ListSlice(2), Column("x", "int64")),
        (ops.ListSlice(2, pad=True), Column("x", "string", shape=LIST)),
        (ops.ListSlice(2, pad=True, pad_value=0.5), Column("x", "int64", shape=LIST)),
        (ops.ValueCount(), Column("x", "int64")),
        (ops.AddTags("continuous"), Column("x", "int64", ("categorical",))),
        (ops.FillMissing(0), Column("x", "string")),
        (ops.FillMissing("a"), Column("x", "int64")),
    ],
)
def test_columns_of_another_type_are_refused(op, column) -> None:
    data = Dataset.of(pl.DataFrame({"x": []}), Schema([column]))
    with pytest.raises(SchemaError, match="column 'x'"):
        Workflow(["x" >> op]).fit(data)


def test_a_column_without_boundaries_is_refused() -> None:
    with pytest.raises(ArgumentError, match="columns of its branch; received column 'y'"):
        run([1.0], ops.Bucketize({"y": [0]}))


@pytest.mark.parametrize(
    ("op", "option"),
    [
        (ops.HashBucket({"colour": 3}), "HashBucket.buckets"),
        (ops.Bucketize({"colour": [0]}), "Bucketize.boundaries"),
        (ops.Bucketize(quantiles={"colour": 2}), "Bucketize.quantiles"),
        (ops.Rename(mapping={"colour": "c"}), "Rename.mapping"),
    ],
)
def test_options_for_columns_that_a_branch_does_not_have_are_refused(op, option: str) -> None:
    with pytest.raises(ArgumentError, match=f"{option}.*'colour'.*did you mean 'color'"):
        op.check(((Column("color", "int64"),), (Column("size", "int64"),)))
    op.check(((Column("colour", "int64"), Column("size", "int64")),))


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
