import math

import numpy as np
import pytest

from shortlist.errors import ArgumentError
from shortlist.metrics import Mean, mean, mean_interval, paired_bootstrap

VALUES = np.array([0.0, 1.0, 0.5, np.nan, 0.25])


def test_mean_leaves_out_and_counts_nan() -> None:
    assert mean(VALUES) == Mean(value=1.75 / 4, queries=4, excluded=1)
    nothing = mean(np.array([np.nan]))
    assert math.isnan(nothing.value)
    assert nothing[1:] == (0, 1)


def test_interval_is_that_of_the_normal_law_for_many_queries() -> None:
    values = np.random.default_rng(0).random(2000)
    interval = mean_interval(values, seed=1, level=0.9, resamples=4000)
    half = 1.645 * values.std() / math.sqrt(2000)
    assert interval.mean == values.mean()
    assert interval.low == pytest.approx(values.mean() - half, abs=half / 10)
    assert interval.high == pytest.approx(values.mean() + half, abs=half / 10)


def test_interval_counts_what_it_left_out_and_repeats_by_seed() -> None:
    first = mean_interval(VALUES, seed=0)
    assert (first.mean, first.queries, first.excluded) == (1.75 / 4, 4, 1)
    assert mean_interval(VALUES, seed=0) == first
    many = np.random.default_rng(0).random(50)
    assert mean_interval(many, seed=1) != mean_interval(many, seed=0)
    assert mean_interval(VALUES, seed=0, level=0.5).low > first.low


def test_no_queries_have_no_interval() -> None:
    for values in (np.empty(0), np.array([np.nan])):
        interval = mean_interval(values)
        assert all(math.isnan(value) for value in interval[:3])
        assert all(math.isnan(value) for value in paired_bootstrap(values, values))


def test_a_real_difference_is_found_where_single_means_overlap() -> None:
    rng = np.random.default_rng(0)
    b = rng.random(300)
    a = b + rng.normal(0.02, 0.05, 300)
    result = paired_bootstrap(a, b, seed=0)
    assert result.difference == pytest.approx((a - b).mean())
    assert result.low > 0
    assert result.p == pytest.approx(2 / 1001)
    assert mean_interval(a).low < mean_interval(b).high


def test_swapping_the_models_turns_the_sign() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random(50), rng.random(50)
    forth, back = paired_bootstrap(a, b, seed=2), paired_bootstrap(b, a, seed=2)
    assert back == pytest.approx((-forth.difference, -forth.high, -forth.low, forth.p))


def test_equal_models_do_not_differ() -> None:
    assert paired_bootstrap(VALUES, VALUES) == (0.0, 0.0, 0.0, 1.0)


def test_p_is_uniform_when_there_is_no_difference() -> None:
    rng = np.random.default_rng(5)
    p = [paired_bootstrap(*rng.random((2, 60)), seed=trial, resamples=200).p for trial in range(200)]
    # 200 trials at 10 %: 20, standard deviation 4.2.
    assert abs(sum(value < 0.1 for value in p) - 20) < 4 * 4.2


def test_queries_that_are_nan_in_either_are_left_out() -> None:
    a, b = np.array([1.0, np.nan, 0.5]), np.array([0.5, 0.5, np.nan])
    assert paired_bootstrap(a, b).difference == 0.5


def test_wrong_arguments() -> None:
    with pytest.raises(ArgumentError, match="expected the same queries"):
        paired_bootstrap(VALUES, VALUES[:2])
    with pytest.raises(ArgumentError, match=r"metrics.mean_interval: expected a level between 0 and 1"):
        mean_interval(VALUES, level=1.0)
    with pytest.raises(ArgumentError, match=r"metrics.paired_bootstrap: expected resamples >= 1"):
        paired_bootstrap(VALUES, VALUES, resamples=0)
