import numpy as np
import pytest

from shortlist.errors import ArgumentError
from shortlist.metrics import hits_at, ndcg, rank_pessimistic

NEVER = np.iinfo(np.int64).max


def _ranks(scores: list[list[float]], relevant: list[list[int]], **options: np.ndarray) -> list[int]:
    offsets = np.cumsum([0, *map(len, relevant)])
    items = np.array([item for row in relevant for item in row], dtype=np.int64)
    return rank_pessimistic(np.array(scores), offsets, items, **options).tolist()


def test_irrelevant_items_of_equal_score_stand_above() -> None:
    # One irrelevant item above, two tied with it.
    assert _ranks([[0.5, 0.9, 0.5, 0.5, 0.1]], [[0]]) == [1 + 1 + 2]


def test_relevant_items_do_not_push_each_other_below_themselves() -> None:
    assert _ranks([[1.0, 1.0, 1.0]], [[0, 1, 2]]) == [1, 2, 3]
    # Item 2 leads; items 0 and 3 tie with the irrelevant item 1, which stands above both.
    assert _ranks([[0.5, 0.5, 0.9, 0.5]], [[0, 2, 3]]) == [3, 1, 4]


def test_constant_scores_put_the_relevant_last() -> None:
    assert _ranks([[0.0] * 5, [0.0] * 5], [[1], [0, 4]]) == [5, 4, 5]


def test_nan_minus_infinity_and_seen_items_are_never_reached() -> None:
    seen = np.array([[False, False, False, True]])
    assert _ranks([[np.nan, 1.0, -np.inf, 5.0]], [[0, 1, 2, 3]], seen=seen) == [NEVER, 1, NEVER, NEVER]
    assert _ranks([[np.nan] * 3], [[1]]) == [NEVER]


def test_seen_and_nan_items_stand_above_nobody() -> None:
    seen = np.array([[True, False, False]])
    assert _ranks([[9.0, 1.0, np.nan]], [[1]], seen=seen) == [1]


def test_scores_equal_in_float32_are_ties() -> None:
    assert _ranks([[1.0, 1.0 + 1e-12]], [[1]]) == [2]
    assert _ranks([[0.0, -0.0]], [[0]]) == [2]


def test_no_queries_no_truth() -> None:
    assert _ranks([[1.0, 2.0]], [[]]) == []
    none = np.empty(0, dtype=np.int64)
    assert rank_pessimistic(np.empty((0, 4)), np.array([0]), none).shape == (0,)
    assert hits_at(none, np.array([0]), 3).shape == (0, 3)


def test_hits_at_marks_the_ranks_within_the_cut() -> None:
    ranks = np.array([2, 4, 1, NEVER])
    found = hits_at(ranks, np.array([0, 2, 2, 4]), 3)
    assert found.tolist() == [[False, True, False], [False] * 3, [True, False, False]]
    assert ndcg(found, np.array([2, 0, 2]), 3)[2] == 1 / (1 + 1 / np.log2(3))


def test_many_queries_equal_counting() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, (700, 500)).astype(float)
    relevant = [sorted(rng.choice(500, size=3, replace=False).tolist()) for _ in range(700)]
    expected = []
    for row, truth in zip(scores, relevant, strict=True):
        rest = np.delete(row, truth)
        order = sorted(truth, key=lambda item: (-row[item], item))
        expected += [1 + int((rest >= row[item]).sum()) + order.index(item) for item in truth]
    assert _ranks(scores.tolist(), relevant) == expected


def test_wrong_arguments() -> None:
    with pytest.raises(ArgumentError, match=r"expected positions in 0 \.\. 1; received items from 2 to 2"):
        _ranks([[0.0, 1.0]], [[2]])
    with pytest.raises(ArgumentError, match=r"metrics.rank_pessimistic: expected strictly ascending"):
        _ranks([[0.0, 1.0]], [[1, 0]])
    with pytest.raises(ArgumentError, match=r"metrics.rank_pessimistic: expected scores \[Q, N\]"):
        _ranks([0.0, 1.0], [[1], [0]])
    with pytest.raises(ArgumentError, match=r"metrics.hits_at: expected k >= 1"):
        hits_at(np.array([1]), np.array([0, 1]), 0)
