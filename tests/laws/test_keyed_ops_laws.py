"""Laws of ops that know things by key, on random data."""

from datetime import datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.features import Workflow, ops
from shortlist.features._hash import hash_columns, hash_value, hash_values
from shortlist.features._keyed_statistics import PARTS, KeyedMoments
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema
from shortlist.testing import _ops as suite

ROWS = Schema(
    [
        Column("s", "string"),
        Column("n", "int64"),
        Column("b", "bool"),
        Column("ns", "int64", shape=LIST),
        Column("ss", "string", shape=LIST),
        Column("x", "float64"),
        Column("y", "float64", ("target", "regression")),
        Column("click", "bool", ("target", "binary")),
    ]
)
TABLE = pl.DataFrame(
    {
        "s": ["a", "b", "", None, "Ä"],
        "n": [0, 1, 1, 2, None],
        "text": ["x", None, "", "long enough", "Ä"],
        "number": [0.5, None, float("nan"), 3.0, 4.0],
        "count": [7, None, 9, 2**62, 0],
        "flag": [True, None, False, True, False],
        "texts": [["u", None], [], None, ["v"], ["w"]],
        "numbers": [[1.0, None], None, [], [2.0], [3.0]],
        "counts": [[1, None], None, [], [2], [3]],
    }
)
ALL_TEXTS = ["a", "b", "c", "", "Ä", "a string longer than sixteen bytes"]
PLAIN = ("text", "number", "count", "flag")
MILLENNIUM, CENTURY, CENTURY_LONG = datetime(2000, 1, 1), datetime(2100, 1, 1), timedelta(days=36_500)
STATS = ("count", "sum", "mean", "std", "var", "min", "max")


def encoding(target: object, **options: object) -> ops.TargetEncoding:
    return ops.TargetEncoding(target, fold_by=["x", "n", "s", "b"], **options)


CASES = [
    suite.OpCase("TargetEncoding", lambda: [["s", "n", "b"] >> encoding("y", folds=3)], ROWS),
    suite.OpCase(
        "TargetEncoding of a group",
        lambda: [[["s", "n"]] >> encoding(["click", "y"], smoothing=0.5, name="pair")],
        ROWS,
    ),
    suite.OpCase(
        "TargetEncoding unsmoothed", lambda: ["n" >> encoding("click", smoothing=0.0, seed=3)], ROWS
    ),
    suite.OpCase(
        "TargetEncoding Normalize",
        lambda: ["s" >> encoding("y") >> ops.FillMissing(0) >> ops.Normalize()],
        ROWS,
    ),
    suite.OpCase(
        "JoinGroupby", lambda: [["s", "n", "b"] >> ops.JoinGroupby(["x", "y", "click"], STATS)], ROWS
    ),
    suite.OpCase("JoinGroupby count", lambda: [[["s", "n", "b"]] >> ops.JoinGroupby()], ROWS),
    suite.OpCase(
        "JoinGroupby filled",
        lambda: ["s" >> ops.JoinGroupby(["x"], ["mean", "std"]) >> ops.FillMissing(0.0) >> ops.Normalize()],
        ROWS,
    ),
    suite.OpCase("JoinExternal", lambda: ["s" >> ops.JoinExternal(TABLE.drop("n"))], ROWS),
    suite.OpCase("JoinExternal of a group", lambda: [[["n", "s"]] >> ops.JoinExternal(TABLE)], ROWS),
    suite.OpCase(
        "JoinExternal of lists",
        lambda: ["ss" >> ops.JoinExternal(TABLE, on="s", columns=PLAIN)],
        ROWS,
    ),
    suite.OpCase(
        "JoinExternal then",
        lambda: [
            "ns" >> ops.JoinExternal(TABLE, on="n", columns=["text"], duplicates="first") >> ops.Categorify(),
            "s" >> ops.JoinExternal(TABLE, columns=["number"]) >> ops.FillMissing(0.0) >> ops.Normalize(),
            "n" >> ops.JoinExternal(TABLE, duplicates="first", columns=["counts"]) >> ops.Categorify(),
        ],
        ROWS,
    ),
    suite.OpCase(
        "JoinExternal inner",
        lambda: ["s" >> ops.JoinExternal(TABLE, how="inner", columns=PLAIN), "x" >> ops.Normalize()],
        ROWS,
        drops_rows=True,
    ),
    suite.OpCase(
        "Categorify joint of lists and values",
        lambda: [[["n", "ns"]] >> ops.Categorify(min_count=2, max_size=7)],
        ROWS,
        ("n", "ns"),
    ),
    suite.OpCase(
        "Categorify complete",
        lambda: [
            ["s", "ss"] >> ops.Categorify(vocabularies={"s": ALL_TEXTS, "ss": ALL_TEXTS}, unknown="raise")
        ],
        ROWS,
        ("s", "ss"),
    ),
]
every_op = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@every_op
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_offline_path_equals_request_path(case: suite.OpCase, data: st.DataObject) -> None:
    rows = suite.frames(case.schema)
    suite.check_paths(case, data.draw(rows), data.draw(rows))


@every_op
@settings(max_examples=4, deadline=None)
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
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_decoding_gives_the_values_back(case: suite.OpCase, data: st.DataObject) -> None:
    suite.check_decoding(case, data.draw(suite.frames(case.schema)))


TYPES = {"key": pl.Int64, "row": pl.Int64, "y": pl.Float64}
SOLD = Schema([Column("key", "int64"), Column("row", "int64", ("id",)), Column("y", "float64", ("target",))])
sold = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 2)),
        st.one_of(st.none(), st.integers(0, 40)),
        st.one_of(st.none(), st.integers(-4, 4).map(lambda n: n / 2)),
    ),
    max_size=25,
).map(lambda rows: pl.DataFrame(rows, schema=TYPES, orient="row"))


def out_of_fold(rows: pl.DataFrame, folds: int, smoothing: float, seed: int) -> list[float | None]:
    """The definition, row by row."""
    hashes = hash_columns([rows["row"]], seed).tolist() if len(rows) else []
    fold = [one % folds for one in hashes]
    out: list[float | None] = []
    for mine, group in zip(fold, rows["key"].to_list(), strict=True):
        kept = [
            (k, y)
            for k, y, other in zip(rows["key"].to_list(), rows["y"].to_list(), fold, strict=True)
            if other != mine and y is not None
        ]
        own = [y for k, y in kept if k == group]
        mean = sum(y for _, y in kept) / len(kept) if kept else None
        if mean is None:
            out.append(None)
        elif len(own) + smoothing == 0:
            out.append(mean)
        else:
            out.append((sum(own) + smoothing * mean) / (len(own) + smoothing))
    return out


@settings(max_examples=25, deadline=None)
@given(
    rows=sold,
    folds=st.integers(2, 4),
    smoothing=st.sampled_from([0.0, 1.5]),
    seed=st.integers(0, 3),
    cut=st.integers(0, 25),
)
def test_training_rows_get_the_means_of_the_other_folds(rows, folds, smoothing, seed, cut) -> None:
    op = ops.TargetEncoding("y", folds, smoothing, fold_by="row", seed=seed)
    data = Dataset.of([rows[:cut], rows[cut:]], SOLD)
    flow = Workflow(["key" >> op]).fit(data)
    received = suite.rows_of(flow.transform(data).collect()["TE_key_y"])
    suite.assert_close(out_of_fold(rows, folds, smoothing, seed), received, 1e-6)
    again = Dataset.of(rows[::-1], SOLD)
    turned = suite.rows_of(flow.transform(again, training=True).collect()["TE_key_y"])
    assert turned[::-1] == received


@settings(max_examples=15, deadline=None)
@given(rows=sold.filter(len), place=st.integers(0, 24), other=st.integers(-9, 9))
def test_a_row_does_not_see_its_own_target(rows: pl.DataFrame, place: int, other: int) -> None:
    row = place % len(rows)
    changed = rows.with_columns(
        pl.when(pl.int_range(pl.len()) == row).then(float(other)).otherwise("y").alias("y")
    )
    seen = []
    for frame in (rows, changed):
        data = Dataset.of(frame, SOLD)
        flow = Workflow(["key" >> ops.TargetEncoding("y", fold_by="row")]).fit(data)
        seen.append(flow.transform(data).collect()["TE_key_y"][row])
    assert seen[0] == seen[1]


moments = st.sampled_from([PARTS, ("sum",), ("m2", "max"), ("count",), ()])


def measured(parts: tuple[str, ...], frame: pl.DataFrame) -> tuple[KeyedMoments, pl.DataFrame]:
    statistic = KeyedMoments({"key": pl.col("key")}, {"y": pl.col("y"), "row": pl.col("row")}, parts)
    return statistic, statistic.plan(frame.lazy()).collect()


def assert_moments(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert one.schema == other.schema
    for name in one.columns:
        suite.assert_close(one.sort("key")[name].to_list(), other.sort("key")[name].to_list(), 1e-12)


@settings(max_examples=25, deadline=None)
@given(rows=sold, parts=moments, cuts=st.lists(st.integers(0, 25), min_size=2, max_size=4))
def test_moments_by_key_merge_in_any_order(rows: pl.DataFrame, parts, cuts: list[int]) -> None:
    edges = [0, *sorted(cut % (len(rows) + 1) for cut in cuts), len(rows)]
    statistic, whole = measured(parts, rows)
    a, b, *rest = (measured(parts, rows[low:high])[1] for low, high in pairwise(edges))
    c = statistic.merge_many(rest)
    assert_moments(whole, statistic.merge(statistic.merge(a, b), c))
    assert_moments(whole, statistic.merge(a, statistic.merge(b, c)))
    assert_moments(whole, statistic.merge_many([c, b, a]))
    suite.assert_close(
        statistic.merge(a, b).sort("key").rows(), statistic.merge(b, a).sort("key").rows(), 0.0
    )


@settings(max_examples=15, deadline=None)
@given(rows=sold, parts=moments)
def test_moments_by_key_are_what_their_names_say(rows: pl.DataFrame, parts) -> None:
    _, found = measured(parts, rows)
    assert len(found) == rows["key"].n_unique()
    for row in found.to_dicts():
        mine = rows.filter(pl.col("key").eq_missing(row["key"]))
        y = mine["y"].drop_nulls()
        expected = {"count": len(mine), "n_y": len(y), "sum_y": y.sum(), "min_y": y.min(), "max_y": y.max()}
        expected |= {"mean_y": y.mean(), "m2_y": (y.var(ddof=0) or 0.0) * len(y)}
        for name in expected.keys() & row.keys():
            suite.assert_close([expected[name]], [row[name]], 1e-12)


numbers = st.one_of(st.integers(-(2**53), 2**53).map(float), st.floats(), st.just(-0.0))


@settings(max_examples=30, deadline=None)
@given(values=st.lists(numbers, max_size=10))
def test_hash_of_floats_is_one_on_every_path(values: list[float]) -> None:
    assert hash_values(pl.Series(values, dtype=pl.Float64)).tolist() == [hash_value(v) for v in values]
    whole = [int(v) for v in values if v.is_integer() and abs(v) < 2**63]
    assert [hash_value(v) for v in whole] == [hash_value(float(v)) for v in whole]


@pytest.mark.parametrize(
    ("strategy", "dtype"),
    [
        (st.datetimes(), pl.Datetime("us")),
        (st.datetimes(min_value=MILLENNIUM, max_value=CENTURY), pl.Datetime("ns")),
        (st.dates(), pl.Date),
        (st.timedeltas(-CENTURY_LONG, CENTURY_LONG), pl.Duration("us")),
        (st.times(), pl.Time),
    ],
    ids=str,
)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_hash_of_times_is_one_on_every_path(strategy, dtype, data) -> None:
    values = data.draw(st.lists(strategy, max_size=5))
    assert hash_values(pl.Series(values, dtype=dtype)).tolist() == [hash_value(v) for v in values]
