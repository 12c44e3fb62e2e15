"""The k best of blocks and of products, against sorting the whole table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.data import Ragged
from shortlist.errors import ArgumentError
from shortlist.metrics import BestK, _best_k, _flat, _products, top_products


def by_sorting(scores: np.ndarray, k: int) -> np.ndarray:
    """Best first, equal scores by position, -1 for none."""
    known = np.where(np.isnan(scores), -np.inf, scores)
    order = np.argsort(-known, axis=1, kind="stable")[:, :k]
    found = np.where(np.isneginf(np.take_along_axis(known, order, axis=1)), -1, order)
    return np.pad(found, ((0, 0), (0, k - found.shape[1])), constant_values=-1)


@given(
    rows=st.integers(0, 4),
    columns=st.integers(0, 60),
    k=st.integers(1, 9),
    cuts=st.lists(st.integers(1, 30), min_size=1, max_size=4),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=150, deadline=None)
def test_blocks_give_what_sorting_gives(rows: int, columns: int, k: int, cuts: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.array([0.0, -0.0, 1.0, 2.0, -1.0, np.nan, -np.inf, np.inf, *rng.random(8)], np.float32)
    scores = rng.choice(values, (rows, columns))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_best_k, "_FIRST", 4)
        best, start = BestK(rows, k), 0
        for cut in cuts * (columns + 1):
            if start < columns:
                best.add(scores[:, start : start + cut], start)
                start += cut
        items, found = best.finish()
    np.testing.assert_array_equal(items, by_sorting(scores, k))
    taken = np.take_along_axis(scores, np.maximum(items, 0), axis=1) if columns else np.zeros(items.shape)
    np.testing.assert_array_equal(found, np.where(items < 0, -np.inf, taken))


@pytest.mark.parametrize("order", ["rising", "falling", "constant"])
def test_the_order_of_the_scores_does_not_matter(order: str) -> None:
    line = {"rising": np.arange(3000.0), "falling": -np.arange(3000.0), "constant": np.ones(3000)}[order]
    scores = np.tile(line.astype(np.float32), (5, 1))
    best = BestK(5, 7)
    for start in range(0, 3000, 700):
        best.add(scores[:, start : start + 700], start)
    np.testing.assert_array_equal(best.finish()[0], by_sorting(scores, 7))


def test_blocks_must_fit() -> None:
    with pytest.raises(ArgumentError, match=r"metrics\.BestK: expected k >= 1; received 0"):
        BestK(1, 0)
    best = BestK(2, 1)
    best.add(np.zeros((2, 3), np.float32), 4)
    for scores, start in ((np.zeros((2, 1)), 6), (np.zeros((1, 1)), 7), (np.zeros(2), 7)):
        with pytest.raises(ArgumentError, match=r"expected \[2, N\] from position 7 on"):
            best.add(scores, start)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("users", "items", "k"), [(0, 5, 2), (5, 0, 2), (70, 90, 4), (3, 2, 5)])
def test_products_give_what_sorting_gives(
    users: int, items: int, k: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_products, "_QUERIES", 16)
    monkeypatch.setattr(_products, "_ITEMS", 20)
    rng = np.random.default_rng(users)
    # Small whole numbers: many ties, and no rounding whatever the blocks.
    queries, vectors = (rng.integers(-2, 3, (size, 3)).astype(np.float32) for size in (users, items))
    seen = Ragged.of([rng.permutation(items)[: row % 5 * items // 8] for row in range(users)])
    scores = queries @ vectors.T
    for hidden in (None, seen):
        if hidden is not None:
            scores[seen.row_of, seen.values] = -np.inf
        found, values = top_products(queries, vectors, k, seen=hidden, threads=threads)
        np.testing.assert_array_equal(found, by_sorting(scores, k))
        assert (values[:, 1:] <= values[:, :-1]).all()


@pytest.fixture
def always_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_flat, "_FEWEST", 1)
    monkeypatch.setattr(_flat, "_QUERIES", 16)
    monkeypatch.setattr(_flat, "_CELLS", 200)
    monkeypatch.setattr(_flat, "_MOST_SEEN", 12)


@pytest.mark.usefixtures("always_searched")
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("users", "items", "k"), [(0, 5, 2), (5, 0, 2), (70, 90, 4), (40, 30, 30), (3, 2, 5)]
)
def test_a_search_settles_what_sorting_gives(users: int, items: int, k: int, threads: int) -> None:
    rng = np.random.default_rng(users)
    queries, vectors = (rng.integers(-9, 10, (size, 4)).astype(np.float32) for size in (users, items))
    seen = Ragged.of([rng.permutation(items)[: row % 5 * items // 8] for row in range(users)])
    scores = queries @ vectors.T
    for hidden in (None, seen):
        if hidden is not None:
            scores[seen.row_of, seen.values] = -np.inf
        expected = by_sorting(scores, k)
        found, values, left = _flat.settled(queries, vectors, k, hidden, threads)
        sure = np.setdiff1d(np.arange(users), left)
        np.testing.assert_array_equal(found[sure], expected[sure])
        taken = np.take_along_axis(scores, np.maximum(expected, 0), axis=1) if items else values
        np.testing.assert_array_equal(values[sure], np.where(expected < 0, -np.inf, taken)[sure])
        assert (found[left] == -1).all()
        # Ties at the end of the list, and very many seen items, are for the blocks.
        if users == 70:
            assert 0 < len(left) < users
            assert hidden is None or set(np.flatnonzero(seen.lengths > 12)) <= set(left)
        np.testing.assert_array_equal(top_products(queries, vectors, k, seen=hidden)[0], expected)


@pytest.mark.usefixtures("always_searched")
def test_a_search_knows_what_is_no_candidate() -> None:
    queries = np.array([[np.nan, 0], [1, 0], [0, 0]], np.float32)
    vectors = np.array([[1, 0], [-np.inf, 0], [np.nan, 1], [np.inf, 1], [2, 0]], np.float32)
    with np.errstate(invalid="ignore"):
        expected = by_sorting(queries @ vectors.T, 3)
    np.testing.assert_array_equal(top_products(queries, vectors, 3)[0], expected)
    assert expected[1].tolist() == [3, 4, 0]


def test_enough_queries_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    queries, vectors = rng.standard_normal((2100, 64), np.float32), rng.standard_normal((300, 64), np.float32)
    seen = Ragged(rng.integers(0, 300, 4200), np.arange(2101) * 2)
    expected = top_products(queries[:1000], vectors, 5, seen=seen.take(np.arange(1000)))[0]
    monkeypatch.setattr(_products, "_in_blocks", None)
    np.testing.assert_array_equal(top_products(queries, vectors, 5, seen=seen)[0][:1000], expected)


def test_a_query_that_is_no_number_is_answered_empty() -> None:
    queries = np.array([[np.nan, 0], [1, 0]], np.float32)
    assert top_products(queries, np.eye(2, dtype=np.float32), 1)[0].tolist() == [[-1], [0]]


def test_products_check_their_arguments() -> None:
    two = np.eye(2, dtype=np.float32)
    with pytest.raises(ArgumentError, match="expected k >= 1"):
        top_products(two, two, 0)
    with pytest.raises(ArgumentError, match=r"expected queries \[Q, D\] and items \[N, D\]"):
        top_products(two, np.eye(3, dtype=np.float32), 1)
    for seen in (Ragged.empty(1), Ragged.of([[2], []]), Ragged.of([[-1], []])):
        with pytest.raises(ArgumentError, match=r"expected 2 lists of positions in 0 \.\. 1"):
            top_products(two, two, 1, seen=seen)


def test_threads_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, meant in (("3", 3), ("99", 8)):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        assert _products._threads() == meant
    for odd in ("", "none", "0"):
        monkeypatch.setenv("OMP_NUM_THREADS", odd)
        assert 1 <= _products._threads() <= 8
