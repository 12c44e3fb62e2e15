"""Distances between distributions, and what chance alone makes of them."""

from math import inf, isnan, log

import numpy as np
import pytest

from shortlist.monitor import Bins, ks, psi, psi_by_chance
from shortlist.monitor._distance import psi_of


def test_psi_is_its_formula() -> None:
    before, now = np.array([60, 40]), np.array([20, 30])
    p, q = 60.5 / 101, 20.5 / 51
    expected = (q - p) * log(q / p) + ((1 - q) - (1 - p)) * log((1 - q) / (1 - p))
    assert psi(before, now) == pytest.approx(expected, rel=1e-12)
    assert psi(before, 7 * before) == pytest.approx(0.0, abs=1e-4)


def test_psi_of_an_empty_bin_is_no_infinity() -> None:
    assert 5 < psi(np.array([1000, 0]), np.array([0, 1000])) < 20


@pytest.mark.parametrize(("before", "now"), [(1000, 200), (300, 300), (2000, 1000)])
def test_psi_without_drift_stays_within_what_chance_gives(before: int, now: int) -> None:
    rng = np.random.default_rng(0)
    shares = np.full(10, 0.1)
    found = [psi(rng.multinomial(before, shares), rng.multinomial(now, shares)) for _ in range(2000)]
    mean, limit = psi_by_chance(10, before, now)
    assert mean == 9 * (1 / before + 1 / now)
    assert np.mean(found) == pytest.approx(mean, rel=0.08)
    assert np.mean(np.array(found) > limit) <= 0.004


def test_chance_of_nothing_is_everything() -> None:
    assert psi_by_chance(10, 0, 100) == (inf, inf)
    assert psi_by_chance(1, 10, 10) == (0.0, 0.0)


def test_bins_split_no_value_and_hold_null_last() -> None:
    values = np.array([0.0] * 90 + [1.0, 2.0, 3.0, 4.0, 5.0] + [np.nan] * 5)
    bins = Bins.of_numbers(values, 10)
    assert bins.counts.sum() == 100
    assert bins.counts[0] == 90
    assert bins.null == 5
    assert bins.count_numbers(np.array([np.inf, -np.inf, 0.0, np.nan]))[[0, -2, -1]].tolist() == [2, 1, 1]


def test_categories_are_the_most_frequent_the_rest_and_null() -> None:
    bins = Bins.of_categories(["a", "b", "b", 7, None, float("nan")], most=2)
    assert bins.values == ("b", "7")
    assert bins.counts.tolist() == [2, 1, 1, 2]
    assert bins.count_categories(["7", 7, "new", None]).tolist() == [0, 2, 1, 1]
    assert [bins.name_of(place, place) for place in range(4)] == ["b", "7", "other values", "null"]


@pytest.mark.parametrize("values", [np.arange(7.0), np.zeros(3), np.array([np.nan]), np.zeros(0)])
def test_bins_come_back_from_plain_data(values: np.ndarray) -> None:
    bins = Bins.of_numbers(values)
    again = Bins.of_plain(bins.to_plain())
    assert again.counts.tolist() == bins.counts.tolist()
    assert again.count_numbers(values).tolist() == bins.counts.tolist()
    assert psi_of(again, bins.counts)[0] == pytest.approx(0.0, abs=1e-12)


def test_bins_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        Bins.of_plain({"edges": [1.0], "counts": [1]})


def test_ks_is_the_largest_difference_of_shares_below() -> None:
    bins = Bins.of_numbers(np.arange(100.0), 10)
    assert ks(bins, bins.count_numbers(np.arange(100.0))) == 0.0
    assert ks(bins, bins.count_numbers(np.arange(50.0, 150.0))) == pytest.approx(0.5, abs=0.02)
    assert isnan(ks(Bins.of_categories("ab"), np.array([1, 1, 0, 0])))
    assert isnan(ks(bins, np.zeros_like(bins.counts)))


def test_coarse_bins_are_tenths() -> None:
    bins = Bins.of_numbers(np.random.default_rng(0).normal(size=5000))
    counts = np.bincount(bins.groups(), bins.counts)
    assert len(counts) == 11
    assert counts[:10].min() > 400
    assert counts[10] == 0
