from collections.abc import Callable

import numpy as np
import pytest

from shortlist.errors import ArgumentError
from shortlist.metrics import average_popularity, coverage, gini

LISTS = np.array([[0, 1, -1], [1, 1, 3]])


def test_coverage_counts_each_item_once() -> None:
    assert coverage(LISTS, 6) == 3 / 6
    assert coverage(np.full((2, 3), -1), 6) == 0
    assert np.isnan(coverage(np.empty((0, 3), dtype=np.int64), 0))


def test_gini_by_arithmetic() -> None:
    # Shown 1, 3, 0, 1 times; ascending 0, 1, 1, 3 against 2 i - n - 1 = -3, -1, 1, 3.
    assert gini(LISTS, 4) == pytest.approx((-1 * 1 + 1 * 1 + 3 * 3) / (4 * 5))
    assert np.isnan(gini(np.full((1, 2), -1), 4))


def test_average_popularity_leaves_out_the_empty_places() -> None:
    np.testing.assert_allclose(
        average_popularity(LISTS, np.array([5.0, 2.0, 9.0, 8.0])), [(5 + 2) / 2, (2 + 2 + 8) / 3]
    )
    assert np.isnan(average_popularity(np.array([[-1]]), np.array([1.0]))).all()
    assert average_popularity(np.empty((0, 3), dtype=np.int64), np.empty(0)).shape == (0,)


@pytest.mark.parametrize(
    "measure",
    [
        lambda lists: coverage(lists, 3),
        lambda lists: gini(lists, 3),
        lambda lists: average_popularity(lists, np.ones(3)),
    ],
)
def test_items_outside_the_catalogue(measure: Callable[[np.ndarray], object]) -> None:
    with pytest.raises(
        ArgumentError, match=r"expected positions below the catalogue size 3; received item 3"
    ):
        measure(LISTS)
