import math

import numpy as np
import pytest

from shortlist.errors import ArgumentError
from shortlist.metrics import RankingMetric, average_precision, hit_rate, mrr, ndcg, parse, precision, recall

HITS = np.array([[False, True, True, False], [True, False, False, False], [False] * 4])
RELEVANT = np.array([3, 1, 2])
# Ranks 2 and 3 hit for the first query, which has three relevant items.
IDEAL_3 = 1 + 1 / math.log2(3) + 1 / 2


def _log(rank: int) -> float:
    return 1 / math.log2(rank + 1)


@pytest.mark.parametrize(
    ("metric", "k", "expected"),
    [
        (recall, 4, [2 / 3, 1 / 1, 0]),
        (recall, 2, [1 / 3, 1 / 1, 0]),
        (precision, 4, [2 / 4, 1 / 4, 0]),
        (precision, 2, [1 / 2, 1 / 2, 0]),
        (ndcg, 4, [(_log(2) + _log(3)) / IDEAL_3, 1, 0]),
        (ndcg, 2, [_log(2) / (1 + _log(2)), 1, 0]),
        (ndcg, 1, [0, 1, 0]),
        (mrr, 4, [1 / 2, 1, 0]),
        (mrr, 1, [0, 1, 0]),
        (average_precision, 4, [(1 / 2 + 2 / 3) / 3, 1, 0]),
        (average_precision, 2, [(1 / 2) / 2, 1, 0]),
        (hit_rate, 4, [1, 1, 0]),
        (hit_rate, 1, [0, 1, 0]),
    ],
)
def test_values_by_arithmetic(metric: RankingMetric, k: int, expected: list[float]) -> None:
    np.testing.assert_allclose(metric(HITS, RELEVANT, k), expected, rtol=1e-12)


@pytest.mark.parametrize("metric", [recall, precision, ndcg, mrr, average_precision, hit_rate])
def test_lists_shorter_than_k_are_lists_with_nothing_at_the_end(metric: RankingMetric) -> None:
    longer = np.hstack([HITS, np.zeros((3, 6), dtype=bool)])
    np.testing.assert_array_equal(metric(HITS, RELEVANT, 10), metric(longer, RELEVANT, 10))
    assert metric(np.zeros((2, 0), dtype=bool), np.array([1, 0]), 5)[0] == 0


@pytest.mark.parametrize("metric", [recall, precision, ndcg, mrr, average_precision, hit_rate])
def test_nothing_relevant_is_nan_and_no_queries_are_no_values(metric: RankingMetric) -> None:
    values = metric(np.zeros((2, 3), dtype=bool), np.array([0, 1]), 3)
    assert np.isnan(values).tolist() == [True, False]
    assert values.dtype == np.float64
    assert metric(np.zeros((0, 3), dtype=bool), np.array([], dtype=np.int64), 3).shape == (0,)


@pytest.mark.parametrize("metric", [recall, precision, ndcg, mrr, average_precision, hit_rate])
def test_wrong_arguments(metric: RankingMetric) -> None:
    with pytest.raises(ArgumentError, match="expected a cut k >= 1; received 0"):
        metric(HITS, RELEVANT, 0)
    with pytest.raises(ArgumentError, match=r"expected hits \[Q, K\] and relevant \[Q\]"):
        metric(HITS, RELEVANT[:2], 3)
    with pytest.raises(ArgumentError, match=r"expected hits \[Q, K\] and relevant \[Q\]"):
        metric(HITS[0], RELEVANT, 3)


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("recall@1", recall),
        ("precision@5", precision),
        ("ndcg@10", ndcg),
        ("mrr@20", mrr),
        ("map@50", average_precision),
        ("hit_rate@100", hit_rate),
    ],
)
def test_parse(name: str, metric: RankingMetric) -> None:
    assert parse(name) == (metric, int(name.split("@")[1]))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ndgc@10", "did you mean 'ndcg'"),
        ("recal@10", "did you mean 'recall'"),
        ("", "known: 'capped_recall', 'hit_rate', 'map'"),
        ("NDCG@10", "known: 'capped_recall'"),
        ("ndcg", "write 'ndcg@10'"),
        ("ndcg@", "write 'ndcg@10'"),
        ("ndcg@0", "expected a cut k >= 1"),
        ("ndcg@-3", "expected a cut k >= 1"),
        ("ndcg@ten", "expected a cut k >= 1"),
        ("ndcg@10@20", "expected a cut k >= 1"),
        ("ndcg@²", "expected a cut k >= 1"),
    ],
)
def test_parse_names_the_remedy(name: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        parse(name)
