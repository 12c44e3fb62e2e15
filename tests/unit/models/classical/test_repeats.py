import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical import Events, OwnItems, Repeats


def _model() -> OwnItems:
    """User 0 took item 3 twice, then items 0 (time 1) and 1 (time 5); user 1 took item 2 three times."""
    users = np.array([0, 0, 0, 0, 1, 1, 1])
    items = np.array([3, 3, 0, 1, 2, 2, 2])
    times = np.array([0, 0, 1, 5, 2, 2, 2])
    return Repeats().fit_events(Events(users, items, times, np.ones(7), (2, 5)))


HISTORY = csr_array(np.array([[1, 1, 0, 2, 0]]))


def test_own_items_by_count_then_recency_then_the_rest_by_popularity() -> None:
    scores = _model().scores(HISTORY, np.array([0]))[0]
    # Item 2 is the most popular of all (3 of at most 3): 3 / (3 + 1); item 4 was never taken.
    assert scores.tolist() == [2.0, 3.0, 0.75, 4.0, 0.0]


def test_a_new_user_has_no_times_and_own_items_of_one_count_tie() -> None:
    expected = [2.0, 2.0, 0.75, 3.0, 0.0]
    assert _model().scores(HISTORY, np.array([-1]))[0].tolist() == expected
    assert _model().scores(HISTORY)[0].tolist() == expected


def test_without_times_popularity_decides_between_own_items_of_one_count() -> None:
    model = Repeats().fit(csr_array(np.array([[1, 1, 0], [0, 1, 1]])))
    assert model.scores(csr_array(np.array([[1, 1, 0]])), np.array([0]))[0].tolist() == [
        2.0,
        3.0,
        np.float32(1 / 3),
    ]


def test_a_batch_mixes_known_and_new_users() -> None:
    histories = csr_array(np.vstack([HISTORY.toarray(), np.zeros((1, 5)), HISTORY.toarray()]))
    scores = _model().scores(histories, np.array([-1, 1, 0]))
    assert scores[0].tolist() == [2.0, 2.0, 0.75, 3.0, 0.0]
    assert scores[1].tolist() == [0.25, 0.25, 0.75, 0.5, 0.0]
    assert scores[2].tolist() == [2.0, 3.0, 0.75, 4.0, 0.0]


def test_an_item_taken_after_the_fit_has_no_time_and_stands_below_those_that_have() -> None:
    history = csr_array(np.array([[1, 0, 1, 0, 1]]))
    # Of user 0's items only item 0 has a time; items 2 (popularity 3) and 4 (popularity 0) have none.
    assert _model().scores(history, np.array([0]))[0].tolist() == [4.0, 0.25, 3.0, 0.5, 2.0]


def test_a_query_has_one_user() -> None:
    with pytest.raises(ArgumentError, match=r"OwnItems.scores: expected 1 users, -1 for a new one"):
        _model().scores(HISTORY, np.array([0, 1]))


def test_a_user_who_joined_since_the_fit_is_new() -> None:
    joined, new = (_model().scores(HISTORY, np.array([user])) for user in (2, -1))
    np.testing.assert_array_equal(joined, new)
