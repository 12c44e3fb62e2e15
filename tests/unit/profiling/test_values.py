"""Counts of distinct values: exact up to a bound, then a sample of the values."""

import numpy as np
import polars as pl
import pytest

from shortlist.profiling._curve import curve
from shortlist.profiling._values import Values, count_rows, count_values


def counted(parts: list[pl.Series], bound: int) -> Values:
    total = count_values(parts[0], bound)
    for part in parts[1:]:
        total = total.merge(count_values(part, bound))
    return total


def test_counts_are_exact_up_to_the_bound() -> None:
    found = counted([pl.Series([3, 1, 3]), pl.Series([3, None, 2])], bound=3)
    assert (found.exact, found.distinct, found.total) == (True, 3, 5)
    assert found.most(2) == [(3, 3), (1, 1)]
    counts, weights = found.weighted()
    assert (counts.tolist(), weights.tolist()) == ([3, 1, 1], [1.0, 1.0, 1.0])


def test_beyond_it_the_number_of_values_is_estimated() -> None:
    parts = [pl.int_range(start, start + 20_000, eager=True) for start in range(0, 100_000, 10_000)]
    found = counted(parts, bound=10_000)
    assert not found.exact
    assert found.counts.height <= 10_000
    assert found.distinct == pytest.approx(110_000, rel=0.05)  # sd 1 / sqrt(5_000) = 1.4 %
    counts, weights = found.weighted()
    assert float((counts * weights).sum()) == pytest.approx(200_000, rel=0.05)


def test_the_sample_does_not_depend_on_the_partitions() -> None:
    values = pl.int_range(0, 50_000, eager=True) % 20_000
    whole, cut = counted([values], 1000), counted([values[:7], values[7:30_000], values[30_000:]], 1000)
    assert whole.level == cut.level
    assert whole.counts.sort("hash").equals(cut.counts.sort("hash"))


def test_the_most_frequent_values_are_known_beyond_the_bound() -> None:
    rare = pl.int_range(1000, 31_000, eager=True)
    often = pl.Series([7] * 900 + [8] * 800)
    found = counted([pl.concat([rare[n::3], often]) for n in range(3)], bound=500)
    assert found.most(2) == [(7, 2700), (8, 2400)]
    ids = curve("item", found)
    # Top 1 % are some 300 items, 7 and 8 among them: (5100 + 298) of 35100 events.
    assert ids.shares[0.01] == pytest.approx(5398 / 35_100, rel=0.1)
    assert ids.once == pytest.approx(30_000 / 30_002, rel=0.01)


def test_long_text_is_shown_by_its_beginning_and_counted_as_a_whole() -> None:
    found = count_values(pl.Series(["x" * 200 + "a", "x" * 200 + "b", "x" * 200 + "b"]))
    assert found.distinct == 2
    assert found.most(1) == [("x" * 80, 2)]


def test_whole_rows_are_values_too() -> None:
    rows = pl.DataFrame({"a": [1, 1, 2, 1], "b": ["x", "x", "x", None]})
    found = count_rows(rows, bound=10)
    assert (found.distinct, found.total, found.most(3)) == (3, 4, [])


@pytest.mark.parametrize("dtype", [pl.Int64, pl.String, pl.Float64, pl.Datetime("us"), pl.Boolean])
def test_no_values_at_all(dtype: pl.DataType) -> None:
    found = count_values(pl.Series([None, None], dtype=dtype)).merge(count_values(pl.Series([], dtype=dtype)))
    assert (found.distinct, found.total, found.most(3)) == (0, 0, [])


def test_the_curve_of_even_events_is_the_diagonal() -> None:
    even = curve("item", count_values(pl.Series(list(range(100)) * 3)))
    assert even.gini == pytest.approx(0.0, abs=1e-12)
    assert even.shares == pytest.approx({0.01: 0.01, 0.1: 0.1, 0.5: 0.5})
    assert (even.mean, even.once, even.quantiles[0.5]) == (3.0, 0.0, 3)
    assert even.points[0] == (0.0, 0.0)
    assert even.points[-1] == pytest.approx((1.0, 1.0))


def test_the_curve_as_arithmetic() -> None:
    # Four items with 6, 2, 1, 1 of 10 events.
    items = curve("item", count_values(pl.Series(list("aaaaaabbcd"))))
    assert items.shares[0.5] == pytest.approx(0.8)
    assert items.shares[0.1] == pytest.approx(0.6 * 0.4)  # 0.4 of the first item
    # Area between the curve and the diagonal, twice: trapezoids 0.6, 1.4, 1.7, 1.9 of width 1/4.
    assert items.gini == pytest.approx((0.6 + 1.4 + 1.7 + 1.9) / 4 - 1)
    assert items.once == 0.5
    assert items.quantiles == {0.0: 1, 0.25: 1, 0.5: 1, 0.75: 2, 0.9: 6, 0.99: 6, 1.0: 6}


def test_the_curve_of_nothing() -> None:
    nothing = curve("item", count_values(pl.Series([], dtype=pl.String)))
    assert (nothing.distinct, nothing.events, nothing.gini, nothing.points) == (0, 0, 0.0, ())
    assert np.isfinite(list(nothing.shares.values())).all()
