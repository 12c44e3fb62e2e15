"""Nothing is lost: rows are kept or counted, units are kept or taken back, tables do not see the future."""

from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.io import Dataset, Signals, concat, item_table, read_parquet, scan, write_parquet
from shortlist.testing._io import assert_accounted

IDS = st.sampled_from([None, "", " ", "a", "b", "c"])
TIMES = st.sampled_from(
    [None, "", "soon", "2024-01-01", "2024-01-02 10:00", "2024-01-03T10:00:00Z", "1704067200"]
)
EVENTS = st.sampled_from([None, "buy", "view", "return", "skip", "scroll"])
VALUES = st.sampled_from([None, float("nan"), -2.0, -1.0, 0.0, 1.0, 2.0, 3.0])
ROWS = st.lists(st.tuples(IDS, IDS, TIMES, EVENTS, VALUES), max_size=30)
ROLES = {"user": "u", "item": "i", "time": "t", "event": "e", "value": "v"}
SIGNALS = st.sampled_from(
    [
        Signals(),
        Signals(negative_value_cancels=True),
        Signals(min_value=1.0, weight_by_value=True, negatives=("skip",)),
        Signals(cancels={"return": "buy"}, negatives=("skip",)),
        Signals(negative_value_cancels=True, cancels={"return": "buy"}, weight_by_value=True),
    ]
)


def frame_of(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    types = {"u": pl.String, "i": pl.String, "t": pl.String, "e": pl.String, "v": pl.Float64}
    return pl.DataFrame(rows, schema=types, orient="row")


def with_one_good_row(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return frame_of([*rows, ("a", "a", "2024-01-01", "buy", 1.0)])


@given(ROWS, SIGNALS, st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_every_row_is_kept_or_counted_however_it_is_cut(
    rows: list[tuple[object, ...]], signals: Signals, size: int
) -> None:
    frame = with_one_good_row(rows)
    whole, parts = (
        scan(frame, roles=ROLES, signals=signals, partition_rows=rows_at_once)
        for rows_at_once in (1000, size)
    )
    assert_accounted(whole)
    assert_accounted(parts)
    assert whole.report == parts.report
    assert whole.collect().equals(parts.collect())


@given(ROWS, SIGNALS)
@settings(max_examples=60, deadline=None)
def test_what_is_kept_is_clean_and_weighted(rows: list[tuple[object, ...]], signals: Signals) -> None:
    kept = scan(with_one_good_row(rows), roles=ROLES, signals=signals).collect()
    assert kept["u"].is_in(["a", "b", "c"]).all()
    assert kept["i"].is_in(["a", "b", "c"]).all()
    assert kept["t"].null_count() == kept["weight"].null_count() == 0
    assert (kept["weight"] != 0).all()
    assert (kept.filter(pl.col("weight") < 0)["e"] == "skip").all()


LINES = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 20), st.integers(-3, 3).filter(bool)),
    max_size=25,
    unique=True,
)


@given(LINES)
@settings(max_examples=60, deadline=None)
def test_units_left_equal_a_ledger_kept_by_hand(lines: list[tuple[int, int, int, int]]) -> None:
    """A pair's units: bought, less what was returned while there was something to return."""
    types = dict.fromkeys(("u", "i", "t", "v"), pl.Int64)
    frame = pl.DataFrame(lines, schema=types, orient="row")
    frame = pl.concat([frame, pl.DataFrame([(9, 9, 0, 1)], schema=types, orient="row")])
    roles = {"user": "u", "item": "i", "time": "t", "value": "v"}
    kept = scan(frame, roles=roles, signals=Signals(negative_value_cancels=True)).collect()
    left: dict[tuple[int, int], int] = defaultdict(int)
    for user, item, _, units in sorted(frame.rows(), key=lambda line: (line[2], line[3] < 0)):
        left[user, item] = max(0, left[user, item] + units)
    sums = kept.group_by("u", "i").agg(pl.col("v").sum())
    assert {(u, i): v for u, i, v in sums.rows()} == {
        pair: units for pair, units in left.items() if units > 0
    }


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.sampled_from([None, 1.0, 2.0])), max_size=12),
    st.integers(0, 10),
    st.integers(1, 5),
)
@settings(max_examples=60, deadline=None)
def test_a_table_before_a_moment_is_the_table_of_the_earlier_events(
    rows: list[tuple[int, int, float | None]], before: int, size: int
) -> None:
    numbered = [(0, *row, place) for place, row in enumerate([*rows, (0, 0, 1.0)])]
    frame = pl.DataFrame(numbered, schema=["u", "i", "t", "p", "n"], orient="row")
    frame = frame.with_columns(pl.col("p").cast(pl.Float64), pl.col("t").cast(pl.Datetime("us")))
    data = scan(frame, roles={"user": "u", "item": "i", "time": "t"}, partition_rows=size).tag("p", "item")
    expected: dict[int, float | None] = {}
    for _, item, time, price, _ in sorted(numbered, key=lambda row: row[2]):
        if time < before:
            expected[item] = price if price is not None else expected.get(item)
    table = item_table(data, before=before).select(["i", "p"])
    assert dict(table.collect().rows()) == expected
    assert (
        item_table(data.filter(pl.col("t").to_physical() < before))
        .select(["i", "p"])
        .collect()
        .equals(table.collect())
    )


TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=6)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))
FRAMES = st.lists(
    st.lists(
        st.tuples(
            st.none() | TEXTS,
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | MOMENTS | MOMENTS.map(lambda t: t.replace(hour=0, minute=0, second=0, microsecond=0)),
            st.none() | st.booleans(),
        ),
        max_size=6,
    ),
    min_size=1,
    max_size=3,
)


@given(FRAMES, st.lists(st.sampled_from(["s", "n", "t", "b"]), unique=True))
@settings(max_examples=25, deadline=None)
def test_a_written_data_set_is_read_back_partition_by_partition(
    parts: list[list[tuple[object, ...]]], partition_by: list[str]
) -> None:
    types = {"s": pl.String, "n": pl.Int64, "t": pl.Datetime("us"), "b": pl.Boolean}
    frames = [pl.DataFrame(rows, schema=types, orient="row").with_row_index("row") for rows in parts]
    with TemporaryDirectory() as root:
        write_parquet(Dataset.of(frames), root, partition_by=tuple(partition_by))
        back = [part.collect() for part in read_parquet(root).partitions]
    for frame, other in zip(back, frames, strict=True):
        assert frame.sort("row").equals(other)
    if not partition_by:
        assert [frame["row"].to_list() for frame in back] == [frame["row"].to_list() for frame in frames]


@given(st.lists(st.lists(st.integers(), max_size=9), min_size=1, max_size=4), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_a_cut_changes_neither_the_rows_nor_their_order(parts: list[list[int]], rows: int) -> None:
    small = [[value % 100 for value in part] for part in parts]
    data = concat(Dataset.of(pl.DataFrame({"a": part}, schema={"a": pl.Int64})) for part in small)
    cut = data.cut(rows)
    assert cut.collect().equals(data.collect())
    sizes = [part.collect().height for part in cut.partitions]
    assert max(sizes) <= rows
    assert all(one + other > rows for one, other in pairwise(sizes))
