import numpy as np
import pytest

from shortlist.errors import ArgumentError
from shortlist.metrics import top_k

NEVER = -np.inf


def test_best_first_without_what_was_seen() -> None:
    scores = np.array([[0.1, 0.9, 0.5, 0.7], [4.0, 3.0, 2.0, 1.0]])
    seen = np.array([[False, True, False, False], [True, True, False, False]])
    assert top_k(scores, 2).tolist() == [[1, 3], [0, 1]]
    assert top_k(scores, 3, seen=seen).tolist() == [[3, 2, 0], [2, 3, -1]]


def test_negative_zero_infinity_and_the_smallest_scores_keep_their_order() -> None:
    scores = np.array([[-1e-45, np.inf, -3.0, 1e-45, 0.0, -1e30, 2.0]], dtype=np.float32)
    assert top_k(scores, 7).tolist() == [[1, 6, 3, 4, 0, 2, 5]]
    ties = {tuple(top_k(np.array([[0.0, -0.0]]), 2, seed=seed)[0].tolist()) for seed in range(20)}
    assert ties == {(0, 1), (1, 0)}


def test_nan_and_minus_infinity_are_never_recommended() -> None:
    assert top_k(np.array([[np.nan, 1.0, NEVER], [np.nan] * 3]), 3).tolist() == [[1, -1, -1], [-1] * 3]


def test_scores_beyond_float32_are_the_largest() -> None:
    assert top_k(np.array([[1e300, 1.0, -1e300]]), 3).tolist() == [[0, 1, -1]]


def test_k_beyond_the_catalogue_no_queries_and_no_items() -> None:
    assert top_k(np.array([[1.0, 2.0]]), 4).tolist() == [[1, 0, -1, -1]]
    assert top_k(np.empty((0, 3)), 2).shape == (0, 2)
    assert top_k(np.empty((2, 0)), 2).tolist() == [[-1, -1]] * 2


def test_ties_are_a_uniform_draw_for_every_query() -> None:
    """Every item stands first in 1/8 of 8000 queries: 1000, standard deviation sqrt(8000 x 7/64) = 29.6."""
    best = top_k(np.zeros((8000, 8)), 8)
    assert (np.sort(best, axis=1) == np.arange(8)).all()
    for rank in range(8):
        counts = np.bincount(best[:, rank], minlength=8)
        assert (np.abs(counts - 1000) < 5 * 29.6).all(), counts
    pairs = np.bincount(best[:, 0] * 8 + best[:, 1], minlength=64).reshape(8, 8)
    assert (np.diag(pairs) == 0).all()
    assert pairs[~np.eye(8, dtype=bool)].min() > 8000 / 56 - 5 * 12


def test_ties_at_the_cut_are_drawn_too() -> None:
    scores = np.tile([5.0, 1.0, 1.0, 1.0], (3000, 1))
    best = top_k(scores, 2)
    assert (best[:, 0] == 0).all()
    assert (np.bincount(best[:, 1], minlength=4)[1:] > 1000 - 5 * 26).all()


def test_ties_depend_on_seed_and_query_number_only() -> None:
    scores = np.zeros((50, 20))
    whole = top_k(scores, 5, seed=3)
    np.testing.assert_array_equal(top_k(scores, 5, seed=3), whole)
    assert (top_k(scores, 5, seed=4) != whole).any()
    assert (whole[0] != whole[1]).any()
    part = top_k(scores[30:], 5, seed=3, queries=np.arange(30, 50))
    np.testing.assert_array_equal(part, whole[30:])


def test_large_tables_are_cut_into_blocks_without_a_trace() -> None:
    scores = np.random.default_rng(0).integers(0, 9, (1500, 400)).astype(np.float32)
    whole = top_k(scores, 7)
    rows = [top_k(scores[[q]], 7, queries=np.array([q]))[0] for q in range(0, 1500, 99)]
    np.testing.assert_array_equal(whole[::99], rows)


def test_input_is_left_alone() -> None:
    scores = np.array([[1.0, np.nan]], dtype=np.float32)
    top_k(scores, 1, seen=np.array([[True, False]]))
    np.testing.assert_array_equal(scores, np.array([[1.0, np.nan]], dtype=np.float32))


def test_wrong_arguments() -> None:
    with pytest.raises(ArgumentError, match=r"metrics.top_k: expected k >= 1; received 0"):
        top_k(np.zeros((1, 2)), 0)
    with pytest.raises(ArgumentError, match=r"expected scores \[Q, N\] and seen of the same shape"):
        top_k(np.zeros((1, 2)), 1, seen=np.zeros((1, 3), dtype=bool))
    with pytest.raises(ArgumentError, match=r"expected scores \[Q, N\]"):
        top_k(np.zeros(2), 1)
    with pytest.raises(ArgumentError, match="one number for each of the 2 queries"):
        top_k(np.zeros((2, 2)), 1, queries=np.array([1]))
