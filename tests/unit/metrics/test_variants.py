"""Names with variants, ranks among drawn items, thinned truth, paired signs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist import metrics as m
from shortlist.data import Ragged
from shortlist.errors import ArgumentError


def test_names_say_what_they_ask_for() -> None:
    plain = m.read_name("ndcg@7")
    assert (plain.metric, plain.k, plain.negatives, plain.debiased) == (m.ndcg, 7, None, None)
    drawn = m.read_name("recall@5(sampled:99,popularity,corrected)")
    assert (drawn.negatives, drawn.draw, drawn.corrected) == (99, "popularity", True)
    assert m.read_name("mrr@1(debiased)").debiased == 1.5
    assert m.read_name("mrr@1(debiased:0.5)").debiased == 0.5
    for wrong in (
        "()",
        "(sampled)",
        "(sampled:0,uniform)",
        "(sampled:9,other)",
        "(debiased:x)",
        "(debiased",
        "(x)",
    ):
        with pytest.raises(ArgumentError, match=r"write 'recall@5' for the whole catalogue"):
            m.read_name(f"recall@5{wrong}")
    with pytest.raises(ArgumentError, match="did you mean 'recall'"):
        m.read_name("recal@5(debiased)")


def found(
    name: str, lists: list[list[int]], truth: list[list[int]], items: int, **options: object
) -> np.ndarray:
    weights = np.ones(items)
    return m.sampled_hits(m.read_name(name), np.array(lists), Ragged.of(truth), weights, **options)  # type: ignore[arg-type]


def test_with_every_item_drawn_a_sampled_metric_is_the_full_one() -> None:
    rng = np.random.default_rng(0)
    lists = rng.permuted(np.tile(np.arange(9), (30, 1)), axis=1)
    truth = Ragged.of([np.sort(rng.permutation(9)[: 1 + n % 4]) for n in range(30)])
    full = m.hits(lists[:, :4], truth.offsets, truth.values)
    name = m.read_name("ndcg@4(sampled:9,uniform)")
    for kind in ("uniform", "popularity"):
        named = m.read_name(f"ndcg@4(sampled:9,{kind})")
        np.testing.assert_array_equal(m.sampled_hits(named, lists, truth, np.arange(1.0, 10.0)), full)
    corrected = m.read_name("ndcg@4(sampled:9,uniform,corrected)")
    assert m.sampled_hits(corrected, lists, truth, np.ones(9)).shape == (30, 4)
    with pytest.raises(ArgumentError, match="a sampled metric, and a list for each"):
        m.sampled_hits(m.read_name("ndcg@4"), lists, truth, np.ones(9))
    with pytest.raises(ArgumentError, match="29 lists"):
        m.sampled_hits(name, lists[1:], truth, np.ones(9))


def test_what_the_list_lacks_stands_last_and_the_truth_behind_it() -> None:
    assert found("recall@3(sampled:2,uniform)", [[5, 1, 0]], [[0]], 6).any()
    assert not found("recall@9(sampled:2,uniform)", [[5, 1, -1]], [[0]], 6).any()
    # No item but the truth can be drawn: it comes first. An item past the catalogue is never found.
    assert found("recall@1(sampled:2,uniform)", [[1, 0]], [[0]], 2, excluded=Ragged.of([[1]])).all()
    assert not found("recall@1(sampled:2,uniform)", [[1, 0]], [[7]], 2).any()


def test_sampled_ranks_are_those_among_so_many() -> None:
    """The truth stands at rank 51 of 1,000: of 100 others drawn, 50 / 999 of them stand above, on average."""
    order = np.arange(1000)
    lists, truth = np.tile(order, (400, 1)), Ragged.of([[50]] * 400)
    one = m.sampled_hits(m.read_name("recall@101(sampled:100,uniform)"), lists, truth, np.ones(1000))
    ranks = one.argmax(axis=1)
    assert ranks.mean() == pytest.approx(100 * 50 / 999, abs=3 * np.sqrt(100 * 0.05 * 0.95 / 400))
    corrected = m.read_name("recall@999(sampled:100,uniform,corrected)")
    scaled = m.sampled_hits(corrected, lists, truth, np.ones(1000)).argmax(axis=1)
    np.testing.assert_array_equal(scaled, 999 * ranks // 100)
    # Drawn by popularity: only the items of even position are.
    even = np.where(order % 2 == 0, 1.0, 0.0)
    named = m.read_name("recall@999(sampled:499,popularity)")
    assert m.sampled_hits(named, lists[:1], truth.take(np.array([0])), even).argmax() == 25
    again = m.sampled_hits(
        m.read_name("recall@101(sampled:100,uniform)"), lists, truth, np.ones(1000), seed=1
    )
    assert (again.argmax(axis=1) != ranks).any()


@given(items=st.lists(st.integers(0, 6), max_size=60), reach=st.sampled_from([0.0, 0.5, 1.5, 100.0]))
@settings(max_examples=60, deadline=None)
def test_thinned_truth_keeps_every_item_up_to_the_border(items: list[int], reach: float) -> None:
    given_items = np.array(items, dtype=np.int64)
    kept = m.debiased_truth(given_items, reach, seed=3)
    before, after = (np.bincount(part, minlength=7) for part in (given_items, given_items[kept]))
    counts = before[before > 0]
    if len(counts):
        low, high = np.quantile(counts, [0.25, 0.75])
        np.testing.assert_array_equal(after, np.minimum(before, max(1, int(high + reach * (high - low)))))


def test_thinned_truth_is_drawn_by_seed() -> None:
    items = np.array([1] * 50 + [2, 3, 4])
    assert (m.debiased_truth(items, seed=1) != m.debiased_truth(items, seed=2)).any()
    with pytest.raises(ArgumentError, match="reach >= 0"):
        m.debiased_truth(items, -1.0)


def test_signs_that_are_flipped() -> None:
    rng = np.random.default_rng(0)
    same = np.array(
        [m.sign_flip(rng.random(30), rng.random(30), seed, resamples=200).p for seed in range(200)]
    )
    assert 0.01 < (same <= 0.05).mean() < 0.1  # a true null is rejected at its level
    values = rng.random(100)
    assert m.sign_flip(values + 0.05, values, resamples=400).p == 1 / 401
    both = m.sign_flip(values, values[::-1], 7)
    assert both[:3] == m.paired_bootstrap(values, values[::-1], 7)[:3]
    assert np.isnan(m.sign_flip(np.array([np.nan]), np.array([1.0])).p)
    with pytest.raises(ArgumentError, match="the same queries"):
        m.sign_flip(values, values[1:])


def test_the_interval_of_many_queries_is_the_bootstraps() -> None:
    values = np.random.default_rng(0).random(20_001)
    many, fewer = m.mean_interval(values), m.mean_interval(values[:20_000])
    assert many.high - many.low == pytest.approx(fewer.high - fewer.low, rel=0.1)
    assert many.low < many.mean < many.high


def test_groups_rates_and_ratios() -> None:
    labels, predicted = np.array([1, 0, 1, 0, 1]), np.array([0.9, 0.1, 0.2, 0.3, 0.5])
    groups = np.array(["a", "a", "b", "b", "c"])
    assert m.gauc(labels, predicted, groups) == (2 * 1.0 + 2 * 0.0) / 4
    assert m.gauc(labels, predicted, groups, np.array([3.0, 1, 1, 1, 1])) == (4 * 1.0 + 2 * 0.0) / 6
    assert np.isnan(m.gauc(labels[4:], predicted[4:], groups[4:]))
    with pytest.raises(ArgumentError, match="one for each row"):
        m.gauc(labels, predicted, groups[1:])
    assert m.predicted_ratio(labels, predicted) == pytest.approx(2.0 / 3)
    assert np.isnan(m.predicted_ratio(np.zeros(2), np.ones(2) / 2))
    # A tenth of the negatives was kept: the odds were ten times too high.
    right = m.undersampled(np.array([0.5, 0.9]), 0.1)
    np.testing.assert_allclose(right / (1 - right), np.array([1.0, 9.0]) / 10)
    with pytest.raises(ArgumentError, match="a share of negatives"):
        m.undersampled(np.array([0.5]), 0.0)
