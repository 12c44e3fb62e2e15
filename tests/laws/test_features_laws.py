"""Laws of ops, on random data, for every op."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from shortlist.data import Batch
from shortlist.features import Workflow, engine, ops
from shortlist.features._hash import hash_value, hash_values
from shortlist.features._integer_index import IntegerIndex
from shortlist.features._statistics import Counts, Moments
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema
from shortlist.testing import _ops as suite

NUMBERS = Schema([Column("x", "float64"), Column("n", "int64"), Column("xs", "float64", shape=LIST)])
VALUES = Schema(
    [
        Column("n", "int64"),
        Column("s", "string"),
        Column("b", "bool"),
        Column("ns", "int64", shape=LIST),
        Column("ss", "string", shape=LIST),
    ]
)
PAIRS = Schema([Column("s", "string"), Column("n", "int64"), Column("t", "string")])
ALL = ["n", "s", "b", "ns", "ss"]

CASES = [
    suite.OpCase("Categorify", lambda: [ALL >> ops.Categorify()], VALUES, tuple(ALL)),
    suite.OpCase(
        "Categorify min_count", lambda: [ALL >> ops.Categorify(min_count=2, max_size=6)], VALUES, tuple(ALL)
    ),
    suite.OpCase(
        "Categorify buckets",
        lambda: [ALL >> ops.Categorify(min_count={"n": 2}, buckets=3)],
        VALUES,
        tuple(ALL),
    ),
    suite.OpCase(
        "Categorify given",
        lambda: [["n", "s"] >> ops.Categorify(vocabularies={"n": [3, -1], "s": ["b", "Ä"]})],
        VALUES,
        ("n", "s"),
    ),
    suite.OpCase(
        "Categorify joint",
        lambda: [[["s", "ss"]] >> ops.Categorify(min_count=2, buckets=2)],
        VALUES,
        ("s", "ss"),
    ),
    suite.OpCase(
        "Categorify combo", lambda: [[["s", "n", "t"]] >> ops.Categorify(group="combo", buckets=3)], PAIRS
    ),
    suite.OpCase(
        "Categorify like",
        lambda: ["ss" >> ops.Categorify(like="s"), "s" >> ops.Categorify()],
        VALUES,
        ("s", "ss"),
    ),
    suite.OpCase("HashBucket", lambda: [ALL >> ops.HashBucket(7)], VALUES),
    suite.OpCase(
        "FillMissing", lambda: [["x", "n", "xs"] >> ops.FillMissing(7, add_indicator=True)], NUMBERS
    ),
    suite.OpCase("FillMissing fraction", lambda: ["n" >> ops.FillMissing(0.5)], NUMBERS),
    suite.OpCase(
        "FillMissing text", lambda: [["s", "ss"] >> ops.FillMissing("a") >> ops.Categorify()], VALUES
    ),
    suite.OpCase("Normalize", lambda: [["x", "n", "xs"] >> ops.Normalize()], NUMBERS),
    suite.OpCase(
        "Fill Log Normalize",
        lambda: [["x", "xs"] >> ops.FillMissing(0.0) >> ops.LogOp() >> ops.Normalize()],
        NUMBERS,
    ),
    suite.OpCase("LogOp", lambda: [["x", "n", "xs"] >> ops.LogOp()], NUMBERS),
    suite.OpCase("Clip", lambda: [["x", "n", "xs"] >> ops.Clip(-1.5, 3)], NUMBERS),
    suite.OpCase("Clip below", lambda: [["x", "xs"] >> ops.Clip(low=0)], NUMBERS),
    suite.OpCase("Bucketize", lambda: [["x", "n", "xs"] >> ops.Bucketize([-1, 0, 2.5])], NUMBERS),
    suite.OpCase(
        "Bucketize Categorify", lambda: [["x", "xs"] >> ops.Bucketize([-1, 0]) >> ops.Categorify()], NUMBERS
    ),
    suite.OpCase(
        "Rename",
        lambda: [["x", "xs"] >> ops.Rename(prefix="a_", suffix="_z"), "n" >> ops.Rename(name="m")],
        NUMBERS,
    ),
    suite.OpCase(
        "Filter",
        lambda: [ops.Filter(pl.col("x") > 0), ["x", "xs"] >> ops.Normalize()],
        NUMBERS,
        drops_rows=True,
    ),
    suite.OpCase("columns alone", lambda: ["x", "n", "xs"], NUMBERS),
]
every_op = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@every_op
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_offline_path_equals_request_path(case: suite.OpCase, data: st.DataObject) -> None:
    rows = suite.frames(case.schema)
    suite.check_paths(case, data.draw(rows), data.draw(rows))


@every_op
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_partitions_do_not_matter(case: suite.OpCase, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, 100), max_size=4))
    suite.check_partitions(case, data.draw(suite.frames(case.schema)), cuts)


@every_op
@settings(max_examples=2, deadline=None)
@given(data=st.data())
def test_saved_and_loaded_is_identical(case: suite.OpCase, data: st.DataObject, tmp_path_factory) -> None:
    suite.check_saved(case, data.draw(suite.frames(case.schema)), tmp_path_factory.mktemp("flow") / "flow")


@every_op
def test_no_rows_and_all_null_columns(case: suite.OpCase) -> None:
    suite.check_edges(case)


@pytest.mark.parametrize("case", [c for c in CASES if c.decodes], ids=lambda case: case.name)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_decoding_gives_the_values_back(case: suite.OpCase, data: st.DataObject) -> None:
    suite.check_decoding(case, data.draw(suite.frames(case.schema)))


EVENTS = Schema(
    [
        Column("user", "int64", ("user", "id")),
        Column("item", "int64", ("item", "id")),
        Column("time", "datetime", ("time",)),
        Column("weight", "float32", ("weight",)),
    ]
)
TYPES = {"user": pl.Int64, "item": pl.Int64, "time": pl.Datetime("us"), "weight": pl.Float32}
event = st.tuples(
    st.one_of(st.none(), st.integers(0, 2)),
    st.one_of(st.none(), st.integers(0, 3)),
    st.integers(0, 6).map(lambda day: day * 43_200_000_000),
    st.sampled_from([1.0, 2.0, -1.0]),
)
events = st.lists(event, max_size=14).map(lambda rows: pl.DataFrame(rows, schema=TYPES, orient="row"))
SOURCES = [
    ops.History("item", max_length=2),
    ops.History("item"),
    *(
        ops.AsOf(of, stat, window)
        for of in ("user", "item", "pair")
        for stat in ("count", "days_since", "days_since_first")
        for window in (None, "1d")
    ),
]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.output)
@settings(max_examples=8, deadline=None)
@given(rows=events)
def test_history_offline_equals_the_log_replayed(source: ops.Source, rows: pl.DataFrame) -> None:
    suite.check_replay(source, rows, EVENTS)


@settings(max_examples=20, deadline=None)
@given(rows=events, cut=st.integers(0, 14))
def test_history_does_not_depend_on_partitions_or_on_who_holds_the_past(rows: pl.DataFrame, cut: int) -> None:
    flow = Workflow([ops.History("item"), ops.AsOf("pair")]).fit(Dataset.of(rows, EVENTS))
    whole = flow.transform(Dataset.of(rows, EVENTS)).collect()
    parts = flow.transform(Dataset.of([rows[:cut], rows[cut:]], EVENTS)).collect()
    assert_frame_equal(whole, parts)
    past, late = Dataset.of(rows[:cut], EVENTS), Dataset.of(rows[cut:], EVENTS)
    assert_frame_equal(flow.transform(late, log=past).collect(), whole[cut:])


@settings(max_examples=20, deadline=None)
@given(values=st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=20), count=st.integers(0, 5))
def test_hash_of_text_is_one_on_every_path(values: list[str | None], count: int) -> None:
    series = pl.Series(values, dtype=pl.String)[count:]
    assert hash_values(series).tolist() == [hash_value(value or "") for value in series]


@settings(max_examples=20, deadline=None)
@given(values=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_hash_of_integers_is_one_on_every_path(values: list[int]) -> None:
    assert hash_values(pl.Series(values, dtype=pl.Int64)).tolist() == [hash_value(value) for value in values]


@settings(max_examples=40, deadline=None)
@given(
    keys=st.one_of(
        st.lists(st.integers(-5, 40), unique=True), st.lists(st.integers(-(2**63), 2**63 - 1), unique=True)
    ),
    others=st.lists(st.integers(-(2**63), 2**63 - 1)),
)
def test_integer_index_finds_what_a_dictionary_finds(keys: list[int], others: list[int]) -> None:
    lookup = {key: position for position, key in enumerate(keys)}
    wanted = [*keys, *others, *(key + 1 for key in keys if key < 2**63 - 1)]
    found = IntegerIndex(np.array(keys, np.int64)).positions(np.array(wanted, np.int64))
    assert found.tolist() == [lookup.get(key, -1) for key in wanted]


@settings(max_examples=20, deadline=None)
@given(parts=st.lists(st.lists(st.one_of(st.none(), st.integers(0, 3))), min_size=3, max_size=3))
def test_counts_merge_in_any_order_and_grouping(parts: list[list[int | None]]) -> None:
    counts = Counts({"value": pl.col("x")})
    a, b, c = (counts.plan(pl.LazyFrame({"x": part}, schema={"x": pl.Int64})).collect() for part in parts)
    left, right = counts.merge(counts.merge(a, b), c), counts.merge(c, counts.merge(b, a))
    assert_frame_equal(left, right, check_row_order=False)
    assert left["count"].sum() == sum(map(len, parts))


@settings(max_examples=20, deadline=None)
@given(
    values=st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=5),
    shift=st.sampled_from([0.0, 1e6]),
)
def test_moments_do_not_depend_on_partitions(values: list[float], cuts: list[int], shift: float) -> None:
    x = np.array(values) + shift
    statistic = Moments(pl.col("x"))
    parts = [pl.LazyFrame({"x": part}, schema={"x": pl.Float64}) for part in np.split(x, sorted(cuts))]
    merged = engine.Local().map_reduce(lambda p: statistic.plan(p).collect(), statistic.merge, parts)
    n, mean, m2 = merged.row(0)
    size = max(float(np.abs(x).max()), 1e-300)
    assert n == len(x)
    assert abs(mean - x.mean()) <= 1e-12 * size
    assert abs(np.sqrt(m2 / (n - 1)) - x.std(ddof=1)) <= 1e-12 * size


@settings(max_examples=15, deadline=None)
@given(rows=suite.frames(VALUES), queries=st.lists(st.integers(0, 2), min_size=1, max_size=8))
def test_query_columns_keep_their_own_length(rows: pl.DataFrame, queries: list[int]) -> None:
    case = suite.OpCase(
        "both sides",
        lambda: [["n", "ss"] >> ops.Categorify(), [["s", "b"]] >> ops.Categorify(group="combo")],
        VALUES,
    )
    flow = case.fit(rows)
    wide = pl.DataFrame({"n": [1, 2, None], "s": ["a", None, "b"], "b": [True, None, False]})
    query_of = np.array(queries)
    own = suite.as_batch(wide, VALUES.select(["n", "s"]))
    flags = np.array([query % 2 == 0 for query in queries])
    batch = Batch({**dict(own.items()), "b": flags}, query=("n", "s"), query_of=query_of)
    out = flow.transform_batch(batch)
    assert (len(out), out.query) == (len(queries), {"n"})
    flat = flow.transform_batch(batch.flat())
    assert {name: suite.rows_of(c) for name, c in out.flat().items()} == {
        n: suite.rows_of(c) for n, c in flat.items()
    }


def test_shuffle_keeps_keys_together_and_loses_nothing(tmp_path) -> None:
    parts = [
        pl.LazyFrame({"u": ["a", "b", None], "n": [1, 2, 3]}),
        pl.LazyFrame({"u": ["b", "a", "c"], "n": [4, 5, 6]}),
    ]
    buckets = [part.collect() for part in engine.Local(scratch=tmp_path).shuffle(parts, "u", 3)]
    assert sorted(n for bucket in buckets for n in bucket["n"]) == [1, 2, 3, 4, 5, 6]
    homes = [set(bucket["u"]) for bucket in buckets]
    assert sum(len(home) for home in homes) == 4
    together = next(bucket for bucket in buckets if "b" in bucket["u"])
    assert together.filter(pl.col("u") == "b")["n"].to_list() == [2, 4]


def test_saved_in_one_process_and_loaded_in_another(tmp_path) -> None:
    case = suite.OpCase(
        "many ops",
        lambda: [
            ["s", "ns"] >> ops.Categorify(min_count=2, buckets=4),
            [["b", "n"]] >> ops.Categorify(group="combo"),
            "n" >> ops.FillMissing(0) >> ops.Clip(0, 3) >> ops.LogOp() >> ops.Normalize(),
            "ss" >> ops.HashBucket(5),
            ops.Filter(pl.col("n") < 5),
        ],
        VALUES,
    )
    rows = pl.DataFrame(
        {
            "n": [1, 2, None, 9],
            "s": ["a", "a", None, "b"],
            "b": [True, None, True, False],
            "ns": [[1, 1], [], None, [2]],
            "ss": [["a", None], [], ["b"], None],
        }
    )
    suite.check_saved_in_fresh_process(case, rows, tmp_path)
