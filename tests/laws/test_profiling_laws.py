"""What a profile says does not depend on how the rows were cut, and its parts merge in any grouping."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.features.engine import Local
from shortlist.io import RawSlice
from shortlist.profiling import _make, profile
from shortlist.profiling._measured import Measure, Part, merge
from shortlist.profiling._values import count_values

ROWS = st.lists(
    st.tuples(
        st.integers(0, 5) | st.none(),
        st.sampled_from(["a", "b", " ", "long text"]) | st.none(),
        st.floats(-100, 100) | st.none() | st.just(float("nan")),
        st.integers(0, 10**6),
    ),
    max_size=40,
)
TYPES = {"user_id": pl.Int64, "item_id": pl.String, "x": pl.Float64, "ts": pl.Int64}


def framed(rows: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=TYPES, orient="row")


@settings(max_examples=12, deadline=None)
@given(rows=ROWS, cells=st.integers(12, 80))
def test_a_profile_does_not_depend_on_the_slices(rows: list[Any], cells: int) -> None:
    frame = framed(rows)
    with pytest.MonkeyPatch.context() as patch:
        whole = profile(frame)
        patch.setattr(_make, "_CELLS", cells)
        cut = profile(frame, engine=Local(threads=1))
    for one, other in zip(whole.columns, cut.columns, strict=True):
        assert (one.mean is None) == (other.mean is None)
        for mine, others in ((one.mean, other.mean), (one.deviation, other.deviation)):
            assert mine == (others if others is None else pytest.approx(others, rel=1e-9, abs=1e-9))
        assert (one.nulls, one.blanks, one.distinct, one.most) == (
            other.nulls,
            other.blanks,
            other.distinct,
            other.most,
        )
        assert (one.low, one.high, one.rising, one.quantiles) == (
            other.low,
            other.high,
            other.rising,
            other.quantiles,
        )
    assert (whole.items, whole.users, whole.timing) == (cut.items, cut.users, cut.timing)
    assert (whole.repeats, whole.suspects, whole.schema) == (cut.repeats, cut.suspects, cut.schema)


@settings(max_examples=25, deadline=None)
@given(rows=ROWS, first=st.integers(0, 40), second=st.integers(0, 40))
def test_parts_merge_in_any_grouping(rows: list[Any], first: int, second: int) -> None:
    frame = framed(rows)
    low, high = sorted((min(first, len(rows)), min(second, len(rows))))
    measure = Measure(ids=("user_id", "item_id"), time=("ts", pl.col("ts").cast(pl.Datetime("us"))))
    ends = ((0, low), (low, high), (high, len(rows)))
    a, b, c = (measure(RawSlice(frame[s:e].lazy(), s, e - s, "rows")) for s, e in ends)
    left, right = merge(merge(a, b), c), merge(a, merge(b, c))
    assert _plain(left) == _plain(right) == _plain(measure(RawSlice(frame.lazy(), 0, len(rows), "rows")))


def _plain(part: Part) -> tuple[Any, ...]:
    columns = {
        name: (
            c.nulls,
            c.blanks,
            c.numbers,
            c.low,
            c.high,
            c.ends,
            c.rising,
            c.values.counts.sort("hash").rows(),
        )
        for name, c in part.columns.items()
    }
    assert part.pairs is not None
    kept = (part.lines, part.pairs)
    return (
        part.rows,
        columns,
        tuple((values.total, sorted(values.counts.rows())) for values in kept),
        sorted(part.hours.rows()),
        (part.period, part.in_order, part.unread),
        part.sample.fill_nan(None).rows(),
    )


@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.integers(0, 300), max_size=200), cut=st.integers(0, 200), bound=st.integers(1, 80))
def test_a_sample_of_values_counts_each_of_them_exactly(values: list[int], cut: int, bound: int) -> None:
    series = pl.Series(values, dtype=pl.Int64)
    found = count_values(series[:cut], bound).merge(count_values(series[cut:], bound))
    truth = dict(series.to_frame("v").group_by(pl.col("v").hash(seed=0)).len().rows())
    assert found.counts.height <= bound
    assert all(truth[value] == count for value, count in found.counts.rows())
    assert found.total == len(values)
    if len(truth) <= bound:
        assert (found.exact, found.distinct) == (True, len(truth))
