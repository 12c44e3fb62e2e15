"""Compiled loops give what the other way gives: numbers, positions, statistics, whole workflows."""

from concurrent.futures import ThreadPoolExecutor
from functools import reduce

import numpy as np
import polars as pl
import polars.testing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.errors import ArgumentError
from shortlist.features import Workflow, _compiled, _key_table, _numbered, ops
from shortlist.features._batch_index import BatchIndex
from shortlist.features._compiled import kernels, may_compile
from shortlist.features._frames import stretches
from shortlist.features._hash import mix
from shortlist.features._key_table import KeyTable
from shortlist.features._keyed_statistics import KeyedMoments
from shortlist.features._numbered import LongIndex, numbered, numbering
from shortlist.features._running import Running
from shortlist.features._scalars import Affine, Clamp, Fill, Log1p, run_scalars
from shortlist.features._statistics import Counts, Moments
from shortlist.features._taken import taken
from shortlist.features.engine import Local
from shortlist.features.engine._memory import give_back, share_heap
from shortlist.features.ops._groups import group_places
from shortlist.io import Dataset
from shortlist.rng import generator
from shortlist.schema import Column, Schema

CELLS = {
    "int64": st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([2**63 - 1, -(2**63)])),
    "uint64": st.one_of(st.none(), st.integers(0, 3), st.just(2**64 - 1)),
    "int8": st.one_of(st.none(), st.integers(-128, 127)),
    "string": st.one_of(
        st.none(),
        st.sampled_from(
            ["", "a", "Ä", "twelve bytes", "thirteen byte", "thirteen bytf", "sixteen bytes ab", "x" * 40]
        ),
        st.text(max_size=20),
    ),
}
TYPES = {"int64": pl.Int64, "uint64": pl.UInt64, "int8": pl.Int8, "string": pl.String}


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled loops for frames of any length."""
    monkeypatch.setattr(_compiled, "LEAST_ROWS", 0)
    monkeypatch.setattr(_compiled, "LEAST_CALLED", 0)


def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """No compiled loops at all."""
    for name in ("_key_table", "_measure", "_compiled"):
        monkeypatch.setattr(f"shortlist.features.{name}.may_compile", lambda: False)


def column(data: st.DataObject, kind: str) -> pl.Series:
    """Values in one chunk or several, perhaps a slice of a longer column."""
    parts = data.draw(st.lists(st.lists(CELLS[kind], max_size=8), min_size=1, max_size=3))
    whole = pl.concat([pl.Series("x", part, TYPES[kind]) for part in parts], rechunk=False)
    return whole.slice(data.draw(st.integers(0, 2)))


@pytest.mark.parametrize("kind", list(CELLS))
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_numbers_lead_back_to_the_values_and_count_up_from_the_first(kind, data) -> None:
    values = column(data, kind)
    found = numbered(kernels(10**9), values)
    assert found.keys.gather(found.numbers).equals(values, null_equal=True)
    assert found.keys[0] is None
    assert found.keys[1:].equals(values.drop_nulls().unique(maintain_order=True))


@pytest.mark.parametrize("kind", list(CELLS))
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_positions_are_those_of_the_other_look_ups(kind, data) -> None:
    values = column(data, kind)
    keys = column(data, kind).drop_nulls().unique(maintain_order=True)
    places = LongIndex(kernels(10**9), keys).places(values).tolist()
    assert places == KeyTable(keys.to_frame(), ("x",)).find_all(values.to_list())


@pytest.mark.parametrize("kind", ["int64", "string"])
def test_tables_of_many_values_grow(kind) -> None:
    values = pl.Series("x", generator(0, "many").permutation(60_000)).cast(TYPES[kind])
    found = numbered(kernels(10**9), values)
    assert found.numbers.tolist() == list(range(1, 60_001))
    index = LongIndex(kernels(10**9), values)
    assert index.places(values.reverse()).tolist() == list(range(59_999, -1, -1))
    assert set(index.places((pl.Series("x", range(60_000, 60_100))).cast(TYPES[kind])).tolist()) == {-1}


@pytest.mark.parametrize("kind", list(CELLS))
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_numbers_go_on_over_many_columns(kind, data) -> None:
    parts = [column(data, kind) for _ in range(3)]
    growing = numbering(kernels(10**9), TYPES[kind]())
    numbers = [growing.number(part) for part in parts]
    keys, whole = growing.keys(), pl.concat(parts)
    assert keys.gather(np.concatenate(numbers)).equals(whole, null_equal=True)
    assert growing.count == whole.drop_nulls().n_unique()
    assert growing.find(whole).tolist() == [n - 1 if n else -2 for n in np.concatenate(numbers).tolist()]


def test_long_strings_are_kept_in_as_many_heaps_as_it_takes(monkeypatch) -> None:
    monkeypatch.setattr(_numbered, "_LEAST_BYTES", 1 << 14)
    monkeypatch.setattr(_numbered, "_MOST_BYTES", 1 << 16)
    growing = numbering(kernels(10**9), pl.String())
    words = [f"a string of some length, which is number {n}" for n in range(5000)]
    for start in range(0, 5000, 1250):  # what they refer to is gone before the next come
        growing.number(pl.Series(words[start : start + 1250] + words[:10]))
    assert growing.keys().to_list() == [None, *words]
    assert growing.bytes > 5000 * (16 + len(words[0]))
    huge = ["b" * 200_000, "c" * 200_000]
    assert growing.number(pl.Series([*huge, words[7], *huge])).tolist() == [5001, 5002, 8, 5001, 5002]
    assert growing.keys()[-2:].to_list() == huge


BATCHES = {
    "int64": st.one_of(CELLS["int64"], st.sampled_from([2.0, 2.5, "2", True, 2**70, float("nan")])),
    "uint64": st.one_of(CELLS["uint64"], st.sampled_from([-1, 2.0, "2"])),
    "int8": st.one_of(CELLS["int8"], st.sampled_from([1000, "2"])),
    "string": st.one_of(CELLS["string"], st.sampled_from([2, b"a", "\ud800", 2.0])),
}


@pytest.mark.parametrize("kind", list(CELLS))
@settings(deadline=None, max_examples=80)
@given(data=st.data())
def test_values_at_once_are_found_like_single_ones(kind, data) -> None:
    keys = column(data, kind).drop_nulls().unique(maintain_order=True)
    values = data.draw(st.lists(data.draw(st.sampled_from([CELLS[kind], BATCHES[kind]])), max_size=12))
    table = KeyTable(keys.to_frame(), ("x",))
    expected = [table.find_all([value])[0] for value in values]
    found = BatchIndex(kernels(10**9), keys, table.native).places(values)
    assert found is None or found.tolist() == expected
    if {type(value) for value in values} <= {table.native, type(None)} and 2**70 not in values:
        assert found is not None or "\ud800" in values or (kind == "uint64" and -1 in values)


def test_a_large_table_that_is_warm_finds_values_at_once(monkeypatch) -> None:
    monkeypatch.setattr(_key_table, "_LARGE", 3)
    monkeypatch.setattr(_key_table, "_SOME", 2)
    table = KeyTable(pl.DataFrame({"x": ["a", "b", "17"]}), ("x",))
    asked = ["b", None, "c", 17]
    cold = [table.find_many(asked[:rows]).tolist() for rows in range(5)]
    table.warm_up()
    assert table._batch is not None
    assert [table.find_many(asked[:rows]).tolist() for rows in range(5)] == cold
    assert cold[4] == [1, -2, -1, 2]
    small = KeyTable(pl.DataFrame({"x": ["a", "b"]}), ("x",))
    small.warm_up()
    assert small._batch is None


def test_hashes_and_gathers_are_those_of_numpy(always) -> None:
    numbers = generator(1, "mix").integers(0, 2**63, 5000).astype(np.uint64)
    compiled = mix(numbers)
    assert compiled.tolist() == [int(mix(numbers[row : row + 1])[0]) for row in range(5000)]
    values, places = np.array([0.5, np.nan, 2.0]), np.array([0, -1, 2, -3, 1])
    np.testing.assert_array_equal(taken(values, places), values[places])
    np.testing.assert_array_equal(taken(values.astype(np.float32), places), values.astype(np.float32)[places])


def test_few_rows_take_the_other_way_and_many_calls_add_up() -> None:
    assert kernels(_compiled.LEAST_ROWS - 1) is None
    assert kernels(_compiled.LEAST_ROWS) is not None
    assert kernels(_compiled.LEAST_CALLED - 1, asked=10**9) is None
    assert kernels(_compiled.LEAST_CALLED, asked=10**9) is not None


@pytest.mark.parametrize(
    ("variable", "value", "may"), [("NUMBA_DISABLE_JIT", "1", False), ("NUMBA_DISABLE_JIT", "0", True)]
)
def test_loops_are_not_compiled_where_numba_is_told_not_to(monkeypatch, variable, value, may) -> None:
    monkeypatch.setenv(variable, value)
    may_compile.cache_clear()
    assert may_compile() is may
    monkeypatch.undo()
    may_compile.cache_clear()


def test_loops_are_not_compiled_where_their_code_cannot_be_kept(monkeypatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(_compiled.os, "access", lambda *_: False)
    may_compile.cache_clear()
    assert not may_compile()
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/somewhere")
    may_compile.cache_clear()
    assert may_compile()
    monkeypatch.undo()
    may_compile.cache_clear()


def rows(count: int, seed: int = 0) -> pl.DataFrame:
    rng = generator(seed, "rows")
    frame = pl.DataFrame(
        {
            "k": rng.integers(0, 40, count),
            "s": rng.integers(0, 30, count),
            "fold": rng.integers(0, 5, count).astype(np.uint16),
            "y": rng.integers(0, 2, count),
            "x": rng.normal(size=count),
        }
    )
    missing = pl.int_range(pl.len()) % 11 == 0
    return frame.with_columns(
        k=pl.when(~missing).then("k"),
        s=pl.when(~missing).then(pl.lit("a key of some length ") + pl.col("s").cast(pl.String)),
        x=pl.when(missing).then(None).when(pl.col("y") == 1).then(pl.col("x")).otherwise(float("inf")),
    )


def statistics(key: str) -> list:
    by = {"key_0": pl.col(key)}
    return [
        Counts({"value": pl.col(key)}),
        KeyedMoments({**by, "fold": pl.col("fold")}, {"y": pl.col("y")}),
        KeyedMoments(by, {"x": pl.col("x"), "y": pl.col("y")}, ("count", "sum")),
        KeyedMoments(by, {}, ("count",)),
    ]


def same(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    keys = [name for name in ("value", "key_0", "fold") if name in found.columns]
    pl.testing.assert_frame_equal(found.sort(keys), expected.sort(keys), rel_tol=1e-12, check_dtypes=True)


def added(asked: list, frames: list[pl.DataFrame]) -> dict[int, pl.DataFrame]:
    """What running statistics give for frames one after the other."""
    running = Running(kernels(10**9), asked, frames[0].lazy())
    with ThreadPoolExecutor(2) as pool:
        for frame in frames:
            for work in running.add(pool, frame):
                work.result()
        return running.frames(pool)


@pytest.mark.parametrize("key", ["k", "s"])
@pytest.mark.parametrize("cuts", [(), (1, 1, 200)])
def test_statistics_by_number_are_those_of_groups(always, key, cuts) -> None:
    frame, asked = rows(500), statistics(key)
    ends = [*cuts, len(frame)]
    found = added(asked, [frame[start:end] for start, end in zip((0, *cuts), ends, strict=True)])
    assert sorted(found) == [0, 1, 2, 3]
    for place, statistic in enumerate(asked):
        same(found[place], statistic.plan(frame.lazy()).collect())


def test_sums_are_right_to_the_last_digits_whatever_the_order(always) -> None:
    frame = pl.DataFrame({"k": [1, 1, 1, 2], "x": [1e16, 1.0, -1e16, 0.1]})
    asked = [KeyedMoments({"key_0": pl.col("k")}, {"x": pl.col("x")})]
    assert added(asked, [frame])[0].rows() == [(1, 3, 1.0), (2, 1, 0.1)]


VALUES = st.lists(
    st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from([float("inf"), float("nan"), 1e6])), max_size=9
)


@settings(deadline=None, max_examples=100)
@given(parts=st.lists(VALUES, min_size=1, max_size=4), apart=st.sampled_from([0.0, 1e9]))
def test_moments_by_loops_are_those_of_polars(parts, apart) -> None:
    asked = Moments(pl.col("x"))
    frames = [pl.DataFrame({"x": part}, schema={"x": pl.Float64}) + apart for part in parts]
    n, mean, m2 = added([asked], frames)[0].row(0)
    expected = asked.plan(pl.concat(frames).lazy()).collect().row(0)
    assert n == expected[0]
    assert mean == pytest.approx(expected[1], rel=1e-12, abs=1e-9)
    assert m2 == pytest.approx(expected[2], rel=1e-9, abs=1e-3 if apart else 1e-9)


def test_equal_values_have_no_deviation() -> None:
    frames = [pl.DataFrame({"x": [0.1] * rows}) for rows in (3000, 1, 2500)]
    assert added([Moments(pl.col("x"))], frames)[0].row(0) == (5501, 0.1, 0.0)


def test_stretches_are_the_rows_in_order_without_moving_long_ones(monkeypatch) -> None:
    frame = pl.concat([pl.DataFrame({"x": range(n)}) for n in (3, 5, 4)], rechunk=False)
    assert [len(one) for one in stretches(frame)] == [12]
    monkeypatch.setattr("shortlist.features._frames.LEAST_ROWS", 3)
    found = list(stretches(frame))
    assert [len(one) for one in found] == [3, 5, 4]
    assert pl.concat(found).equals(frame)
    assert [one.shape for one in stretches(pl.DataFrame())] == [(0, 0)]


@pytest.mark.parametrize("key", ["k", "s"])
def test_merged_statistics_are_those_of_all_rows(always, key) -> None:
    parts = [rows(300, 1), rows(200, 2), rows(1, 3)]
    for statistic in statistics(key):
        found = statistic.merge_many([statistic.plan(part.lazy()).collect() for part in parts])
        same(found, statistic.plan(pl.concat(parts).lazy()).collect())


def test_what_numbers_do_not_give_is_left_to_groups(always) -> None:
    by = {"key_0": pl.col("k")}
    asked = [
        KeyedMoments(by, {"x": pl.col("x")}, ("m2",)),
        KeyedMoments({**by, "key_1": pl.col("s")}, {"y": pl.col("y")}),
        Counts({"value": pl.concat_list("k")}, lists=True),
        Counts({"a": pl.col("k"), "b": pl.col("s")}),
        Counts({"value": pl.col("y") == 1}),
    ]
    assert added(asked, [rows(100)]) == {}


@pytest.mark.parametrize("key", ["k", "s"])
def test_places_of_groups_are_those_of_sorting(key, monkeypatch) -> None:
    cells = rows(400).select(key_0=key, n=pl.int_range(pl.len()))

    def places() -> tuple[list, dict]:
        table, ordered, place = group_places(cells, ["key_0"])
        return table.frame["key_0"].to_list(), dict(zip(ordered["n"].to_list(), place.tolist(), strict=True))

    plain = places()
    monkeypatch.setattr(_compiled, "LEAST_ROWS", 0)
    assert places() == plain


SCHEMA = Schema(
    [
        Column("n", "int64", ("time",)),
        Column("k", "int64", ("user", "id")),
        Column("s", "string", ("item", "id")),
        Column("y", "int64", ("target", "binary")),
        Column("x", "float64", ("continuous",)),
    ]
)


def learned() -> tuple[pl.DataFrame, pl.DataFrame]:
    """The training columns of a workflow, and those of a request."""
    frame = rows(3000).with_row_index("n").with_columns(pl.col("n").cast(pl.Int64)).select(SCHEMA.names)
    data = Dataset.of([frame[:1700], frame[1700:1700], frame[1700:]], SCHEMA)
    flow = Workflow(
        [
            ["k", "s"] >> ops.Categorify(min_count=70, buckets={"k": 1, "s": 3}),
            ["k", "s"] >> ops.TargetEncoding("y"),
            "s" >> ops.JoinGroupby(["x"], ("count", "mean", "sum")),
            "k" >> ops.JoinGroupby(["x"], ("std",)),
            "x" >> ops.FillMissing(0.0) >> ops.Normalize(),
        ]
    )
    flow.fit(data, engine=Local(threads=1))
    return flow.transform(data).collect(), flow.transform(data, training=False).collect()


def test_a_workflow_is_that_of_the_other_way_and_the_same_every_time(monkeypatch) -> None:
    with monkeypatch.context() as patched:
        never(patched)
        plain = learned()
    monkeypatch.setattr(_compiled, "LEAST_ROWS", 0)
    monkeypatch.setattr(_compiled, "LEAST_CALLED", 0)
    first, again = learned(), learned()
    for one, other, expected in zip(first, again, plain, strict=True):
        assert one.equals(other, null_equal=True)
        pl.testing.assert_frame_equal(one, expected, rel_tol=1e-6)
        exact = ["k", "s", "TE_k_y", "TE_s_y", "s_count"]
        assert one.select(exact).equals(expected.select(exact), null_equal=True)


@pytest.mark.parametrize("memory", ["1GB", "20KB"])
def test_partitions_and_memory_do_not_matter(always, memory, tmp_path) -> None:
    frame = rows(3000).with_row_index("n").with_columns(pl.col("n").cast(pl.Int64)).select(SCHEMA.names)
    asked = ["s" >> ops.Categorify(), "k" >> ops.TargetEncoding("y"), "k" >> ops.JoinGroupby(["x"], ("sum",))]

    def fitted(cuts: tuple[int, ...], engine: Local) -> tuple[Workflow, pl.DataFrame]:
        parts = [frame[a:b] for a, b in zip((0, *cuts), (*cuts, len(frame)), strict=True)]
        flow = Workflow([*asked, "x" >> ops.Normalize()]).fit(Dataset.of(parts, SCHEMA), engine=engine)
        return flow, flow.transform(Dataset.of(frame, SCHEMA), training=True).collect()

    flow, whole = fitted((), Local(threads=1))
    other, cut = fitted((7, 8, 900, 900, 2000), Local(threads=2, memory=memory, scratch=tmp_path))
    exact = ["s", "TE_k_y"]
    assert whole.select(exact).equals(cut.select(exact), null_equal=True)
    sums = [one.fitted.states["2.0.k"].tables["statistics"].frame for one in (flow, other)]
    pl.testing.assert_frame_equal(*sums, rel_tol=1e-12)
    moments = [one.fitted.states["3.0.x"].values for one in (flow, other)]
    assert moments[0] == pytest.approx(moments[1], rel=1e-12)


def test_an_engine_reads_ahead_in_order_and_one_at_a_time() -> None:
    engine, taken = Local(progress=True), []
    engine.read_ahead(range, taken.append, [2, 0, 3])
    assert taken == [0, 1, 0, 1, 2]
    with pytest.raises(ArgumentError, match="read_ahead: expected at least one partition"):
        engine.read_ahead(range, taken.append, [])
    with pytest.raises(ZeroDivisionError):
        engine.read_ahead(lambda n: [1 // n], taken.append, [1, 0])
    assert taken == [0, 1, 0, 1, 2, 1]


def test_single_values_change_like_columns() -> None:
    parts = (Fill(0.3), Clamp(-0.5, 5.0), Log1p(), Affine(0.3, 0.7))
    given_values = [float("nan"), -3.0, -0.5, 0.0, 1.7, 1e300, float("inf")]
    whole = run_scalars(parts, np.array(given_values))
    for value, expected in zip(given_values, whole.tolist(), strict=True):
        assert reduce(lambda x, part: part.one(x), parts, value) == expected
    assert np.isnan(Log1p().one(-1.0))
    assert np.isnan(Clamp(0.0, 1.0).one(float("nan")))


@pytest.mark.parametrize("change", [give_back, share_heap])
def test_the_heap_is_left_alone_where_the_c_library_has_no_such_thing(monkeypatch, change) -> None:
    assert isinstance(change(), bool)
    monkeypatch.setattr("sys.platform", "darwin")
    assert change() is False
