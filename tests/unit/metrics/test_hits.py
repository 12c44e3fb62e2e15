import numpy as np
import pytest

from shortlist.errors import ArgumentError
from shortlist.metrics import hits


def _hits(recommended: list[list[int]], relevant: list[list[int]]) -> list[list[bool]]:
    offsets = np.cumsum([0, *map(len, relevant)])
    items = np.array([item for row in relevant for item in row], dtype=np.int64)
    return hits(np.array(recommended, dtype=np.int64).reshape(len(relevant), -1), offsets, items).tolist()


def test_hits_are_looked_for_in_the_own_row_only() -> None:
    assert _hits([[1, 2, 3], [1, 2, 3]], [[2], [1, 3]]) == [[False, True, False], [True, False, True]]


def test_no_item_is_never_a_hit_even_when_the_truth_holds_that_number() -> None:
    assert _hits([[-1, 4]], [[-1, 4]]) == [[False, True]]


def test_a_repeated_item_counts_once_at_its_better_place() -> None:
    assert _hits([[7, 7, 8, 7]], [[7, 8]]) == [[True, False, True, False]]


def test_ids_of_any_size() -> None:
    large = 2**62
    assert _hits([[large, -1], [0, large + 1]], [[large], [large + 1]]) == [[True, False], [False, True]]


def test_empty_rows_empty_truth_no_queries_and_no_ranks() -> None:
    assert _hits([[1, 2], [1, 2], [1, 2]], [[], [1], []]) == [[False] * 2, [True, False], [False] * 2]
    assert _hits([[1, 2]], [[]]) == [[False, False]]
    none = np.empty(0, dtype=np.int64)
    assert hits(np.empty((0, 5), dtype=np.int64), np.array([0]), none).shape == (0, 5)
    assert hits(np.empty((2, 0), dtype=np.int64), np.array([0, 1, 1]), np.array([3])).shape == (2, 0)


def test_many_queries_equal_sets() -> None:
    rng = np.random.default_rng(0)
    relevant = [
        sorted(rng.choice(50, size=rng.integers(0, 9), replace=False).tolist()) for _ in range(40_000)
    ]
    recommended = np.stack([rng.permutation(50)[:10] for _ in range(100)])[np.arange(40_000) % 100]
    expected = [
        [item in row for item in shown] for row, shown in zip(relevant, recommended.tolist(), strict=True)
    ]
    assert _hits(recommended.tolist(), relevant) == expected


@pytest.mark.parametrize("offsets", [[0, 1], [0, 1, 3], [1, 1, 2], [0, 2, 1]])
def test_offsets_must_fit(offsets: list[int]) -> None:
    with pytest.raises(ArgumentError, match=r"metrics.hits: expected offsets \[Q \+ 1\] that start at 0"):
        hits(np.zeros((2, 1), dtype=np.int64), np.array(offsets), np.array([1, 2]))


@pytest.mark.parametrize("items", [[2, 1], [1, 1]])
def test_truth_must_ascend_within_a_query(items: list[int]) -> None:
    with pytest.raises(ArgumentError, match=r"Remedy: sort the items of each query and drop duplicates"):
        hits(np.zeros((1, 1), dtype=np.int64), np.array([0, 2]), np.array(items))
    assert _hits([[2], [1]], [[2], [1]]) == [[True], [True]]


def test_lists_must_be_a_table() -> None:
    with pytest.raises(ArgumentError, match=r"expected item ids \[Q, K\]"):
        hits(np.zeros(3, dtype=np.int64), np.array([0]), np.array([], dtype=np.int64))
