import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.data import Ragged
from shortlist.metrics import (
    auc,
    debiased_truth,
    ece,
    hits,
    hits_at,
    parse,
    rank_pessimistic,
    read_name,
    recall,
    sampled_hits,
    top_k,
    top_products,
)
from shortlist.testing import _metrics as suite

METRICS = sorted(suite.REFERENCES)
ITEMS = 8
Case = tuple[list[list[int]], list[list[int]], int]
Scored = tuple[np.ndarray, list[list[int]], int]


@st.composite
def queries(draw: st.DrawFn) -> Case:
    """Lists with repeated and missing items beside sorted truth, and a cut that may exceed both."""
    count = draw(st.integers(0, 5))
    width = draw(st.integers(0, 6))
    item = st.integers(-1, ITEMS - 1)
    recommended = [draw(st.lists(item, min_size=width, max_size=width)) for _ in range(count)]
    relevant = [sorted(draw(st.sets(st.integers(0, ITEMS - 1)))) for _ in range(count)]
    return recommended, relevant, draw(st.integers(1, 9))


@st.composite
def score_tables(draw: st.DrawFn) -> Scored:
    """Few distinct scores, so that ties are common, with NaN and infinities among them."""
    count = draw(st.integers(1, 4))
    value = st.sampled_from([0.0, -0.0, 1.0, 0.5, -2.0, float("nan"), float("-inf")])
    scores = [draw(st.lists(value, min_size=ITEMS, max_size=ITEMS)) for _ in range(count)]
    relevant = [sorted(draw(st.sets(st.integers(0, ITEMS - 1)))) for _ in range(count)]
    return np.array(scores), relevant, draw(st.integers(1, ITEMS + 2))


def _truth(relevant: list[list[int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    items = np.array([item for row in relevant for item in row], dtype=np.int64)
    offsets = np.cumsum([0, *map(len, relevant)])
    return offsets, items, np.diff(offsets)


@pytest.mark.parametrize("name", METRICS)
@given(case=queries())
@settings(max_examples=60, deadline=None)
def test_equal_to_the_reference_and_within_bounds(name: str, case: Case) -> None:
    recommended, relevant, k = case
    metric = parse(f"{name}@{k}")[0]
    suite.check_equals_reference(metric, suite.REFERENCES[name], recommended, relevant, k)
    suite.check_bounds(metric, recommended, relevant, k)


@pytest.mark.parametrize("name", METRICS)
@given(case=queries(), data=st.data())
@settings(max_examples=25, deadline=None)
def test_queries_do_not_know_each_other(name: str, case: Case, data: st.DataObject) -> None:
    recommended, relevant, k = case
    order = data.draw(st.permutations(range(len(recommended))))
    suite.check_ignores_order_of_queries(parse(f"{name}@{k}")[0], recommended, relevant, k, order)


@pytest.mark.parametrize("name", METRICS)
@given(case=queries())
@settings(max_examples=25, deadline=None)
def test_the_perfect_list_is_perfect(name: str, case: Case) -> None:
    _, relevant, k = case
    suite.check_perfect(parse(f"{name}@{k}")[0], relevant, k)


@given(case=queries())
@settings(max_examples=50, deadline=None)
def test_recall_never_falls_with_k(case: Case) -> None:
    recommended, relevant, _ = case
    by_k = np.stack([suite.metric_values(recall, recommended, relevant, k) for k in range(1, 9)])
    answered = ~np.isnan(by_k[0])
    assert (np.diff(by_k[:, answered], axis=0) >= 0).all()


@pytest.mark.parametrize("name", METRICS)
@given(case=queries(), shift=st.integers(0, 2**40), data=st.data())
@settings(max_examples=25, deadline=None)
def test_renaming_the_items_changes_nothing(name: str, case: Case, shift: int, data: st.DataObject) -> None:
    recommended, relevant, k = case
    names = dict(enumerate(data.draw(st.permutations(range(ITEMS))))) | {-1: -1 - shift}
    renamed = [[names[item] + shift for item in row] for row in recommended]
    truth = [sorted(names[item] + shift for item in row) for row in relevant]
    metric = parse(f"{name}@{k}")[0]
    values = suite.metric_values(metric, recommended, relevant, k)
    np.testing.assert_array_equal(suite.metric_values(metric, renamed, truth, k), values)


@pytest.mark.parametrize("name", METRICS)
@given(case=score_tables())
@settings(max_examples=40, deadline=None)
def test_pessimistic_ties_are_the_worst_of_all_orders(name: str, case: Scored) -> None:
    """No way of breaking the ties scores below the pessimistic one."""
    scores, relevant, k = case
    offsets, items, counts = _truth(relevant)
    metric = parse(f"{name}@{k}")[0]
    worst = metric(hits_at(rank_pessimistic(scores, offsets, items), offsets, k), counts, k)
    for seed in range(3):
        drawn = metric(hits(top_k(scores, k, seed=seed), offsets, items), counts, k)
        assert (worst <= drawn + 1e-12)[counts > 0].all()


@pytest.mark.parametrize("name", METRICS)
@given(case=score_tables())
@settings(max_examples=25, deadline=None)
def test_without_ties_both_ways_of_ranking_agree(name: str, case: Scored) -> None:
    _, relevant, k = case
    offsets, items, counts = _truth(relevant)
    scores = (
        np.random.default_rng(k).permuted(np.tile(np.arange(ITEMS), (len(relevant), 1)), axis=1).astype(float)
    )
    ranked = hits_at(rank_pessimistic(scores, offsets, items), offsets, k)
    np.testing.assert_array_equal(hits(top_k(scores, k), offsets, items), ranked)
    assert np.isfinite(parse(f"{name}@{k}")[0](ranked, counts, k)[counts > 0]).all()


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("constant", [0.0, 7.5, np.nan])
def test_constant_scores_are_no_better_than_a_random_list(name: str, constant: float) -> None:
    """Mean over 4000 queries of 20 items, 3 of them relevant, at k = 5, against random lists."""
    rng = np.random.default_rng(0)
    relevant = np.sort(rng.permuted(np.tile(np.arange(20), (4000, 1)), axis=1)[:, :3], axis=1)
    # A catalogue in which the relevant items come first would reward ties broken by position.
    relevant[:2000] = [0, 1, 2]
    offsets, items, counts = np.arange(4001) * 3, relevant.ravel(), np.full(4000, 3)
    metric, k = parse(f"{name}@5")
    random = metric(hits(rng.permuted(np.tile(np.arange(20), (4000, 1)), axis=1), offsets, items), counts, k)
    scores = np.full((4000, 20), constant)
    drawn = metric(hits(top_k(scores, k), offsets, items), counts, k)
    worst = metric(hits_at(rank_pessimistic(scores, offsets, items), offsets, k), counts, k)
    deviation = random.std() * np.sqrt(2 / 4000)
    assert drawn.mean() <= random.mean() + 4 * deviation
    assert np.isnan(constant) or drawn.mean() >= random.mean() - 4 * deviation
    assert worst.mean() == 0


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.25, 0.5, 0.9])), min_size=1, max_size=30
    ),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_binary_metrics_ignore_the_order_of_rows(rows: list[tuple[int, float]], data: st.DataObject) -> None:
    labels, predicted = (np.array(column) for column in zip(*rows, strict=True))
    order = np.array(data.draw(st.permutations(range(len(rows)))))
    np.testing.assert_allclose(auc(labels[order], predicted[order]), auc(labels, predicted))
    np.testing.assert_allclose(ece(labels[order], predicted[order]), ece(labels, predicted), atol=1e-12)
    np.testing.assert_allclose(auc(labels, np.log(predicted)), auc(labels, predicted))
    np.testing.assert_allclose(auc(1 - labels, -predicted), auc(labels, predicted))


@pytest.mark.parametrize("constant", [0.0, 3.0, np.nan])
def test_constant_vectors_rank_like_a_random_list(constant: float) -> None:
    """A ranking of permuted items: equal products are no better than chance, NaN is worse."""
    rng = np.random.default_rng(0)
    hits_at_ten = []
    for _ in range(200):
        order = rng.permutation(50)
        queries, items = np.full((1, 4), constant, np.float32), np.ones((50, 4), np.float32)
        places, _scores = top_products(queries, items, 10)
        best = np.where(places < 0, -1, order[places])
        hits_at_ten.append(recall(hits(best, np.array([0, 3]), np.array([0, 1, 2])), np.array([3]), 10)[0])
    # 10 of 50 are shown: a fifth of the three is found, +- four standard errors.
    expected = 0.0 if np.isnan(constant) else 0.2
    assert np.mean(hits_at_ten) == pytest.approx(expected, abs=4 * np.sqrt(0.2 * 0.8 / 3 / 200))


@given(case=queries())
@settings(max_examples=60, deadline=None)
def test_no_value_exceeds_one_under_any_variant(case: Case) -> None:
    recommended, relevant, k = case
    offsets, items, counts = _truth(relevant)
    own = [sorted({item for item in row if item >= 0}) for row in recommended]
    lists = np.full((len(own), 8), -1, dtype=np.int64)
    for query, row in enumerate(own):
        lists[query, : len(row)] = row
    kept = Ragged(items, offsets).keep(debiased_truth(items, 0.0))
    name = read_name(f"ndcg@{k}(sampled:3,uniform)")
    sampled = sampled_hits(name, lists, Ragged(items, offsets), np.ones(ITEMS))
    for metric in ("ndcg", "mrr", "map", "recall", "precision", "capped_recall", "r_precision", "hit_rate"):
        function = parse(f"{metric}@{k}")[0]
        thinned = function(hits(lists, kept.offsets, kept.values), kept.lengths, k)
        for values in (thinned, function(sampled, counts, k)):
            assert ((values >= 0) & (values <= 1 + 1e-12) | np.isnan(values)).all()
