import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.errors import ArgumentError
from shortlist.metrics import ndcg_within


def test_values_by_hand():
    labels = np.array([0, 2, 1, 0, 0, 0])
    scores = np.array([0.9, 0.5, 0.1, 0.3, 0.2, 0.1])
    groups = np.array([7, 7, 7, 3, 3, 3])
    reached = (2**2 - 1) / np.log2(3) + (2**1 - 1) / np.log2(4)
    ideal = (2**2 - 1) / np.log2(2) + (2**1 - 1) / np.log2(3)
    np.testing.assert_allclose(ndcg_within(labels, scores, groups), [np.nan, reached / ideal])
    np.testing.assert_allclose(
        ndcg_within(labels, scores, groups, 2), [np.nan, (3 / np.log2(3)) / ideal], equal_nan=True
    )
    np.testing.assert_allclose(ndcg_within(labels, scores, groups, None)[1], reached / ideal)
    assert ndcg_within(labels[:0], scores[:0], groups[:0]).shape == (0,)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 4)), min_size=1, max_size=30))
def test_the_order_of_rows_says_nothing_and_ties_never_help(rows):
    labels, groups, scores = (np.array(column) for column in zip(*rows, strict=True))
    values = ndcg_within(labels, scores, groups, 3)
    back = ndcg_within(labels[::-1], scores[::-1], groups[::-1], 3)
    np.testing.assert_allclose(values, back)
    rng = np.random.default_rng(0)
    for _ in range(3):
        broken = ndcg_within(labels, scores + rng.random(len(scores)) / 2, groups, 3)
        known = ~np.isnan(values)
        assert (values[known] <= broken[known] + 1e-12).all()
    assert ((values[~np.isnan(values)] >= 0) & (values[~np.isnan(values)] <= 1)).all()


def test_wrong_arguments():
    with pytest.raises(ArgumentError, match="of one length"):
        ndcg_within(np.ones(2), np.ones(3), np.ones(2))
    with pytest.raises(ArgumentError, match="labels below 0"):
        ndcg_within(-np.ones(2), np.ones(2), np.ones(2))
    with pytest.raises(ArgumentError, match="k=0"):
        ndcg_within(np.ones(2), np.ones(2), np.ones(2), 0)
