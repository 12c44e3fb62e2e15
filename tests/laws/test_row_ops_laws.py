"""Laws of row ops that are not among those of `test_features_laws`, on random data."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.features import Workflow, _quantiles, ops
from shortlist.features._quantiles import Quantiles
from shortlist.features._summary import Summary, elements
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema, Shape
from shortlist.testing import _ops as suite

NUMBERS = Schema([Column("x", "float64"), Column("n", "int64"), Column("xs", "float64", shape=LIST)])
LISTS = Schema(
    [
        Column("xs", "float64", shape=LIST),
        Column("ns", "int64", shape=LIST),
        Column("ss", "string", shape=LIST),
        Column("bs", "bool", shape=LIST),
    ]
)
VALUES = Schema(
    [
        Column("x", "float64"),
        Column("n", "int64"),
        Column("s", "string"),
        Column("b", "bool"),
        Column("ns", "int64", shape=LIST),
        Column("ss", "string", shape=LIST),
    ]
)
EVERY = ["x", "n", "s", "b", "ns", "ss"]
CODED = ["n", "s", "b", "ns", "ss"]

# What numeric ops make of booleans, each under a name of its own.
FLAGS = [ops.Normalize(), ops.NormalizeMinMax(), ops.FillMedian(), ops.LogOp(), ops.Bucketize(quantiles=2)]

CASES = [
    suite.OpCase("FillMedian", lambda: [["x", "n", "xs"] >> ops.FillMedian(add_indicator=True)], NUMBERS),
    suite.OpCase("FillMedian LogOp", lambda: [["x", "xs"] >> ops.FillMedian() >> ops.LogOp()], NUMBERS),
    suite.OpCase("Median", lambda: [["x", "n", "xs"] >> ops.Median()], NUMBERS),
    suite.OpCase("NormalizeMinMax", lambda: [["x", "n", "xs"] >> ops.NormalizeMinMax()], NUMBERS),
    suite.OpCase(
        "NormalizeMinMax clip", lambda: [["x", "n", "xs"] >> ops.NormalizeMinMax(clip=True)], NUMBERS
    ),
    suite.OpCase("ReduceDtype", lambda: [EVERY >> ops.ReduceDtype()], VALUES),
    suite.OpCase("ReduceDtype lists", lambda: [["xs", "ns"] >> ops.ReduceDtype()], LISTS),
    suite.OpCase(
        "ReduceDtype codes", lambda: [CODED >> ops.Categorify() >> ops.ReduceDtype()], VALUES, tuple(CODED)
    ),
    suite.OpCase("Bucketize quantiles", lambda: [["x", "n", "xs"] >> ops.Bucketize(quantiles=4)], NUMBERS),
    suite.OpCase(
        "Bucketize quantiles Categorify",
        lambda: [["x", "xs"] >> ops.Bucketize(quantiles={"x": 2, "xs": 3}) >> ops.Categorify()],
        NUMBERS,
    ),
    *(
        suite.OpCase(
            f"ListSlice {start}:{end}",
            lambda start=start, end=end: [["xs", "ns", "ss", "bs"] >> ops.ListSlice(start, end)],
            LISTS,
        )
        for start, end in [(2, None), (-2, None), (1, 3), (-3, -1), (1, -1), (-3, 2), (9, 99), (3, 1)]
    ),
    suite.OpCase(
        "ListSlice pad", lambda: [["xs", "ns"] >> ops.ListSlice(1, 3, pad=True, pad_value=7)], LISTS
    ),
    suite.OpCase("ListSlice pad half", lambda: ["xs" >> ops.ListSlice(-3, pad=True, pad_value=0.5)], LISTS),
    suite.OpCase("ListSlice pad text", lambda: ["ss" >> ops.ListSlice(2, pad=True, pad_value="a")], LISTS),
    suite.OpCase("ListSlice pad flags", lambda: ["bs" >> ops.ListSlice(2, pad=True, pad_value=True)], LISTS),
    suite.OpCase(
        "Categorify ListSlice pad",
        lambda: [["ns", "ss"] >> ops.Categorify() >> ops.ListSlice(-2, pad=True)],
        LISTS,
    ),
    suite.OpCase(
        "flags", lambda: ["b" >> op >> ops.Rename(suffix=str(n)) for n, op in enumerate(FLAGS)], VALUES
    ),
    suite.OpCase(
        "lists of flags",
        lambda: ["bs" >> op >> ops.Rename(suffix=str(n)) for n, op in enumerate(FLAGS)],
        LISTS,
    ),
    suite.OpCase("ValueCount", lambda: [["xs", "ss"] >> ops.ValueCount()], LISTS),
    suite.OpCase(
        "Dropna", lambda: [["x", "n"] >> ops.Dropna(), "xs" >> ops.Normalize()], NUMBERS, drops_rows=True
    ),
    suite.OpCase("Dropna lists", lambda: [["x", "xs"] >> ops.Dropna()], NUMBERS, drops_rows=True),
    suite.OpCase(
        "DropLowCardinality",
        lambda: [CODED >> ops.Categorify() >> ops.DropLowCardinality(5) >> ops.Rename(suffix="_code"), "x"],
        VALUES,
    ),
    suite.OpCase("DropLowCardinality of numbers", lambda: ["n" >> ops.DropLowCardinality()], VALUES),
    suite.OpCase("HashedCross", lambda: [[["n", "s", "b"]] >> ops.HashedCross(7)], VALUES),
    suite.OpCase(
        "HashedCross named",
        lambda: [[["n", "s"]] >> ops.HashedCross(1, "cross"), "n" >> ops.HashBucket(5)],
        VALUES,
    ),
    suite.OpCase("tags", lambda: [EVERY >> ops.AddTags(["item", "mine"]) >> ops.RemoveTags("mine")], VALUES),
    suite.OpCase("DataStats", lambda: [EVERY >> ops.DataStats()], VALUES),
]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@every_case
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_offline_path_equals_request_path(case: suite.OpCase, data: st.DataObject) -> None:
    rows = suite.frames(case.schema)
    suite.check_paths(case, data.draw(rows), data.draw(rows))


@every_case
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_partitions_do_not_matter(case: suite.OpCase, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, 100), max_size=4))
    suite.check_partitions(case, data.draw(suite.frames(case.schema)), cuts)


@every_case
@settings(max_examples=1, deadline=None)
@given(data=st.data())
def test_saved_and_loaded_is_identical(case: suite.OpCase, data: st.DataObject, tmp_path_factory) -> None:
    suite.check_saved(case, data.draw(suite.frames(case.schema)), tmp_path_factory.mktemp("flow") / "flow")


@every_case
def test_no_rows_and_all_null_columns(case: suite.OpCase) -> None:
    suite.check_edges(case)


@settings(max_examples=5, deadline=None)
@given(rows=suite.frames(VALUES))
def test_codes_of_a_smaller_type_decode(rows: pl.DataFrame) -> None:
    suite.check_decoding(next(case for case in CASES if case.name == "ReduceDtype codes"), rows)


@settings(max_examples=10, deadline=None)
@given(rows=suite.frames(VALUES), cuts=st.lists(st.integers(0, 12), max_size=4))
def test_statistics_do_not_depend_on_partitions(rows: pl.DataFrame, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    flow = [EVERY >> ops.DataStats(), ["ns", "ss"] >> ops.ValueCount() >> ops.Rename(suffix="_counted")]
    whole, cut = (
        Workflow(flow).fit(Dataset.of(parts, VALUES)).statistics().rows()
        for parts in ([rows], [rows[low:high] for low, high in pairwise(edges)])
    )
    assert_same_statistics(whole, cut)


def assert_same_statistics(expected: list[tuple[str, ...]], received: list[tuple[str, ...]]) -> None:
    """Equal, means and deviations to rounding: relative to the greatest number of the column."""
    size = {column: 0.0 for column, _, _ in expected}
    for column, name, value in expected:
        if name in ("min", "max"):
            size[column] = max(size[column], abs(float(value)))
    for (column, name, one), (other_column, other_name, other) in zip(expected, received, strict=True):
        assert (column, name) == (other_column, other_name)
        assert one == other or abs(float(one) - float(other)) <= 1e-12 * size[column]


numbers = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.integers(-3, 3).map(float), st.none())


@pytest.mark.parametrize("few", [2**20, 3, 0])
@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(numbers, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=4),
    probabilities=st.lists(st.floats(0, 1), min_size=1, max_size=4),
)
def test_quantiles_are_those_of_numpy(few, values, cuts, probabilities) -> None:
    edges = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    parts = [pl.LazyFrame({"x": values[low:high]}, {"x": pl.Float64}) for low, high in pairwise(edges)]
    wanted, totals, passes = Quantiles(tuple(probabilities)), {}, 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_quantiles, "_FEW", few)
        while asked := wanted.asked(Column("x", "float64"), pl.col("x"), totals):
            passes += 1
            ((name, counts),) = asked.items()
            total, *others = (counts.plan(part).collect() for part in parts)
            for other in others:
                total = counts.merge(other, total)
            totals[name] = total
    finite = np.array([value for value in values if value is not None and np.isfinite(value)])
    assert passes <= 2 if few == 2**20 else passes <= 4
    if len(finite) == 0:
        assert wanted.found(totals) == []
    else:
        size = float(np.abs(finite).max())
        with np.errstate(over="ignore", invalid="ignore"):
            expected = np.quantile(finite / 4, probabilities)
        assert np.array(wanted.found(totals)) / 4 == pytest.approx(expected, rel=1e-12, abs=1e-15 * size)


@settings(max_examples=15, deadline=None)
@given(parts=st.lists(st.lists(st.one_of(st.none(), st.integers(-9, 9))), min_size=3, max_size=3))
def test_summaries_merge_in_any_order_and_grouping(parts: list[list[int | None]]) -> None:
    x = elements(Column("x", "int64"), pl.col("x"))
    summary = Summary({"nulls": x.is_null()}, {"low": x}, {"high": x})
    a, b, c = (summary.plan(pl.LazyFrame({"x": part}, {"x": pl.Int64})).collect() for part in parts)
    known = [value for part in parts for value in part if value is not None]
    expected = (sum(map(len, parts)) - len(known), min(known, default=None), max(known, default=None))
    assert summary.merge(summary.merge(a, b), c).row(0) == expected
    assert summary.merge(c, summary.merge(b, a)).row(0) == expected


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=5),
    start=st.integers(-7, 7),
    end=st.one_of(st.none(), st.integers(-7, 7)),
    size=st.one_of(st.none(), st.integers(6, 8)),
)
def test_list_slice_is_the_slice_of_python(rows, start: int, end: int | None, size: int | None) -> None:
    if end is None and start == 0:
        return
    schema = Schema([Column("x", "int64", shape=Shape("list", size))])
    data = Dataset.of(pl.DataFrame({"x": rows}, {"x": pl.List(pl.Int64)}), schema)
    flow = Workflow(["x" >> ops.ListSlice(start, end)]).fit(data)
    low, high = (0, start) if end is None and start > 0 else (start, end)
    expected = [row[low:high] for row in rows]
    assert flow.transform(data).collect()["x"].to_list() == expected
    shape = flow.schema["x"].shape
    assert all(shape.least <= len(row) <= (6 if shape.size is None else shape.size) for row in expected)


def test_saved_in_one_process_and_loaded_in_another(tmp_path) -> None:
    case = suite.OpCase(
        "many ops",
        lambda: [
            "x"
            >> ops.FillMedian()
            >> ops.NormalizeMinMax(clip=True)
            >> ops.AddTags("item")
            >> ops.DataStats(),
            "n" >> ops.Bucketize(quantiles=2) >> ops.ReduceDtype(),
            "ns" >> ops.Categorify() >> ops.ListSlice(-2, pad=True) >> ops.ValueCount(),
            ["s", "b"] >> ops.Dropna() >> ops.Categorify() >> ops.DropLowCardinality(),
            [["n", "s"]] >> ops.HashedCross(9),
        ],
        VALUES,
    )
    rows = pl.DataFrame(
        {
            "x": [1.0, None, 4.0, 2.0],
            "n": [1, 2, None, 9],
            "s": ["a", "a", "c", "b"],
            "b": [True, None, True, True],
            "ns": [[1, 1], [], None, [2]],
            "ss": [["a", None], [], ["b"], None],
        }
    )
    suite.check_saved_in_fresh_process(case, rows, tmp_path)
    assert "b" not in case.fit(rows).schema


@settings(max_examples=6, deadline=None)
@given(rows=suite.frames(VALUES), cut=st.integers(0, 12))
def test_new_rows_added_to_the_statistics_give_what_a_refit_gives(rows: pl.DataFrame, cut: int) -> None:
    def flow() -> Workflow:
        summed = ["x" >> ops.NormalizeMinMax(), ["n", "ns"] >> ops.ReduceDtype(), "ss" >> ops.ValueCount()]
        return Workflow([*summed, ["s", "b"] >> ops.DataStats()])

    whole = flow().fit(Dataset.of(rows, VALUES))
    grown = (
        flow().fit(Dataset.of(rows[:cut], VALUES), keep_totals=True).update(Dataset.of(rows[cut:], VALUES))
    )
    assert grown.schema == whole.schema
    assert_same_statistics(whole.statistics().rows(), grown.statistics().rows())
    data = Dataset.of(rows, VALUES)
    assert grown.transform(data).collect().equals(whole.transform(data).collect())
