import numpy as np
import pytest

import shortlist as sl
from shortlist import ops
from shortlist.errors import ArgumentError
from shortlist.evaluation import evaluate_ranker, off_policy, ranker_quality, ranker_slices


def test_quality_within_requests():
    labels, scores = np.array([1, 0, 0, 1, 0]), np.array([0.9, 0.1, 0.8, 0.2, 0.3])
    got = ranker_quality(labels, scores, requests=np.array([1, 1, 2, 2, 3]), recall=0.5)
    assert got.gauc == pytest.approx((1 + 0) / 2)
    assert got.ndcg == pytest.approx((1 + 1 / np.log2(3)) / 2)
    assert got.ratio == pytest.approx((0.9 + 0.1 + 0.8 + 0.2 + 0.3) / 2)
    assert "recall at input" in str(got)
    assert "AUC in requests" not in str(ranker_quality(labels, scores))
    weighted = ranker_quality(labels, scores, weights=np.array([1, 1, 0, 0, 0]))
    assert (weighted.auc, weighted.positives) == (1.0, 0.5)


def test_of_scores_that_are_no_probabilities_the_order_counts():
    got = ranker_quality(np.array([1, 0]), np.array([7.0, -2.0]), requests=np.array([1, 1]))
    assert (got.auc, got.ndcg) == (1.0, 1.0)
    assert np.isnan(got.logloss)
    assert got.to_json()["logloss"] is None
    assert np.isnan(ranker_quality(np.zeros(2), np.zeros(2), requests=np.zeros(2)).ndcg)


def test_slices_of_numbers_are_quarters():
    values = np.arange(100.0)
    values[0] = np.nan
    table = ranker_slices(np.arange(100) % 2, np.full(100, 0.5), values)
    assert [row[0] for row in table.rows] == ["none", "quarter 1", "quarter 2", "quarter 3", "quarter 4"]
    assert sum(row[1] for row in table.rows) == 100
    few = ranker_slices(np.ones(2), np.full(2, 0.5), [3, 4])
    assert few.rows[0][:2] == ("3", 1)
    assert few.rows[0][5] is None
    with pytest.raises(ArgumentError, match="one for each row"):
        ranker_slices(np.ones(2), np.ones(2), [1])


def test_a_ranker_is_measured_where_it_is_served(tmp_path):
    log = sl.datasets.planted(users=60, items=30, events=2_000, groups=3)
    events = log.events.join_tables(log.items, log.users)
    early, window, test = sl.split.by_time(events, valid="10d", test="10d")
    state = sl.State(sl.concat([early, window, test]), items=log.items, users=log.users)
    sources = [sl.Merge(sl.Repeats(10), sl.Popular(10))]
    counts = [ops.AsOf("pair"), ops.AsOf("item")]
    days = 10 * 86_400_000_000
    examples = sl.ranking_examples(
        sl.Pipeline(sources, state=state), window, histories=counts, negatives=2, window_us=days
    )
    flow = sl.Workflow(counts).fit(examples)
    trees = sl.LightGBM(flow.schema, options=sl.TreeOptions(trees=20, threads=1))
    sl.fit(trees, flow.transform(examples))
    pipe = sl.Pipeline([*sources, sl.Score(trees, flow=flow), sl.Take(5)], state=state)
    found = evaluate_ranker(pipe, test, window_us=days, by=["category"])
    quality = found.quality
    assert 0 < quality.recall < 1
    assert quality.auc > 0.6
    assert 0 < quality.ndcg < 1
    assert "category" in str(found)
    # Two negatives a request were kept, all are asked: the chances are too high until they are mended.
    assert quality.ratio > 1.3
    calibrated = sl.calibrate(pipe, window, window_us=days, by="category", min_rows=10**6)
    mended = evaluate_ranker(calibrated, test, window_us=days).quality
    loaded = sl.load(sl.save(calibrated, tmp_path / "bundle"))
    assert loaded.recommend([0, 1]).equals(calibrated.recommend([0, 1]))
    assert abs(mended.ratio - 1) < abs(quality.ratio - 1) / 2
    assert mended.auc == pytest.approx(quality.auc, abs=1e-4)
    assert mended.rows == quality.rows


def test_off_policy_estimates_agree_with_the_truth():
    rng = np.random.default_rng(0)
    shown = rng.integers(0, 4, 8000)
    rates = np.array([0.05, 0.1, 0.2, 0.4])
    rewards = (rng.random(8000) < rates[shown]).astype(float)
    policy = np.array([0.0, 0.1, 0.2, 0.7])
    truth = float(policy @ rates)
    table = off_policy(
        rewards,
        policy[shown],
        np.full(8000, 0.25),
        predicted=rates[shown],
        expected=np.full(8000, truth),
    )
    assert [row[0] for row in table.rows] == ["as logged", "IPS", "SNIPS", "DR"]
    for _, mean, low, high, _ in table.rows[1:]:
        assert low < truth < high
        assert mean == pytest.approx(truth, abs=0.03)
    widths = [row[3] - row[2] for row in table.rows[1:]]
    assert widths[2] < widths[0]
    assert table.rows[1][4] == pytest.approx(8000 / (4 * float(policy @ policy)), rel=0.02)
    bounded = off_policy(rewards, policy[shown], np.full(8000, 0.25), most=1.0)
    assert bounded.rows[1][1] < table.rows[1][1]
    with pytest.raises(ArgumentError, match="both, or neither"):
        off_policy(rewards, policy[shown], np.full(8000, 0.25), predicted=rates[shown])
