"""Recall of an index against a scan of its vectors."""

import numpy as np
import pytest

from shortlist.index import IndexOptions, build
from shortlist.monitor import live_recall


def cloud(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, 8)).astype(np.float32)


def test_an_exact_index_recalls_all() -> None:
    index = build(cloud(500, 0), np.arange(500))
    assert live_recall(index, cloud(5, 1), 20).tolist() == [1.0] * 5


def test_a_coarse_index_recalls_what_a_plain_count_says() -> None:
    vectors, queries = cloud(3000, 0), cloud(20, 1)
    index = build(vectors, np.arange(3000), kind="ivf", options=IndexOptions(lists=64, effort=2))
    exact = np.argsort(-(queries @ vectors.T), axis=1)[:, :30]
    rows, _ = index.search(queries, 30)
    expected = [len(set(a) & set(b)) / 30 for a, b in zip(exact.tolist(), rows.tolist(), strict=True)]
    found = live_recall(index, queries, 30)
    assert found == pytest.approx(expected)
    assert 0.1 < found.mean() < 0.95


def test_only_what_is_allowed_counts_and_nothing_to_find_is_no_recall() -> None:
    index = build(cloud(100, 0), np.arange(100))
    allowed = np.zeros(100, np.bool_)
    assert np.isnan(live_recall(index, cloud(2, 1), 5, allowed)).all()
    allowed[:3] = True
    assert live_recall(index, cloud(2, 1), 5, allowed).tolist() == [1.0, 1.0]
    assert live_recall(index, cloud(0, 1), 5).tolist() == []


def test_equal_items_stand_for_one_another_and_it_rests_between_blocks() -> None:
    index = build(np.ones((40_000, 4), np.float32), np.arange(40_000))
    rests: list[int] = []
    found = live_recall(index, np.ones((1, 4), np.float32), 3, rest=lambda: rests.append(1))
    assert found.tolist() == [1.0]
    assert len(rests) == -(-40_000 // 16_384)
