"""What every fitted recommender over a matrix must satisfy, on a data set with one right answer.

Each check takes ``fit``, which turns a matrix of ones [users, items] into a fitted model.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from shortlist.metrics import top_k
from shortlist.scorers import Model, recommend

__all__ = [
    "Planted",
    "check_duplicates_add_up",
    "check_empty_histories",
    "check_finds_own_group",
    "check_finds_planted_item",
    "check_leaves_input_alone",
    "check_new_user",
    "check_no_queries",
    "check_no_users",
    "check_one_user_is_many_users",
    "check_recommend_is_recommend_all",
    "check_same_fit_twice",
    "check_saved_scores_the_same",
    "check_short_catalogue",
    "check_unseen_item",
    "planted",
]


Fit = Callable[[csr_array], Model]


@dataclass(frozen=True, eq=False)
class Planted:
    """Two groups of users and two of items; nobody takes an item of the other group.

    Group A has 12 users and items 0 .. 5, group B has 6 users and items 6 .. 11; item 12 is never taken.
    Every user has all items of the group but one: the last user of a group lacks its first item, the others
    lack one of the other items.

    Attributes:
        matrix: ones [18, 13].
        query: the last user of group A [1, 13], who lacks item 0 only.
        answer: 0, the most popular item of all and the only one of the group that the query lacks.
        minority: the last user of group B [1, 13], who lacks item 6 only.
        minority_answer: 6; less popular than every item of group A.
        unseen: 12.
    """

    matrix: csr_array
    query: csr_array
    answer: int
    minority: csr_array
    minority_answer: int
    unseen: int


def planted() -> Planted:
    """Build the data set.

    >>> data = planted()
    >>> data.matrix.sum(axis=0).astype(int).tolist()
    [11, 9, 10, 10, 10, 10, 5, 4, 5, 5, 5, 6, 0]
    """
    dense = np.zeros((18, 13))
    dense[:12, :6] = dense[12:, 6:12] = 1
    for user in range(11):
        dense[user, 1 + user % 5] = 0
    for user in range(12, 17):
        dense[user, 7 + user % 4] = 0
    dense[11, 0] = dense[17, 6] = 0
    matrix = csr_array(dense)
    return Planted(matrix, matrix[[11]], 0, matrix[[17]], 6, 12)


def check_finds_planted_item(fit: Fit) -> None:
    """The best item that the query has not got is the planted one."""
    data = planted()
    assert _best_unseen(fit(data.matrix), data.query) == data.answer


def check_finds_own_group(fit: Fit) -> None:
    """The minority is given its own group's item, not the more popular items of the others."""
    data = planted()
    assert _best_unseen(fit(data.matrix), data.minority) == data.minority_answer


def check_new_user(fit: Fit) -> None:
    """Somebody who was not there when the model was fitted is given items of the own group."""
    history = csr_array((np.ones(2), ([0, 0], [7, 8])), shape=(1, 13))
    best = _best_unseen(fit(planted().matrix), history)
    assert best in (6, 9, 10, 11)


def check_empty_histories(fit: Fit) -> None:
    """A user without a history gets finite scores, the same for all such users."""
    data = planted()
    scores = fit(data.matrix).scores(csr_array((3, 13)))
    assert scores.shape == (3, 13)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert (scores == scores[0]).all()


def check_no_queries(fit: Fit) -> None:
    """No histories, no scores, no error."""
    assert fit(planted().matrix).scores(csr_array((0, 13)), np.empty(0, dtype=np.int64)).shape == (0, 13)


def check_no_users(fit: Fit) -> None:
    """A matrix without users or without items can be fitted; all its items score alike."""
    scores = fit(csr_array((0, 4))).scores(csr_array(np.array([[1.0, 0.0, 0.0, 0.0]])))
    assert np.isfinite(scores).all()
    assert np.ptp(scores[0, 1:]) == 0
    assert fit(csr_array((2, 0))).scores(csr_array((2, 0))).shape == (2, 0)


def check_unseen_item(fit: Fit) -> None:
    """An item nobody has taken scores no higher than any item that the query should be given."""
    data = planted()
    scores = fit(data.matrix).scores(data.query)[0]
    assert np.isfinite(scores).all()
    assert scores[data.unseen] < scores[data.answer]


def check_short_catalogue(fit: Fit) -> None:
    """Asking for more items than there are gives them all, then nothing."""
    data = planted()
    best = top_k(fit(data.matrix).scores(data.query), 20)[0]
    assert sorted(best[:13].tolist()) == list(range(13))
    assert (best[13:] == -1).all()


def check_one_user_is_many_users(fit: Fit) -> None:
    """Scoring all histories at once equals scoring them one by one."""
    data = planted()
    model = fit(data.matrix)
    users = np.arange(18)
    single = [model.scores(data.matrix[[user]], users[[user]])[0] for user in users]
    np.testing.assert_allclose(model.scores(data.matrix, users), np.stack(single), rtol=1e-5, atol=1e-6)


def check_saved_scores_the_same(fit: Fit) -> None:
    """A model built from the arrays of another scores exactly as it does, and has the same arrays."""
    data = planted()
    model = fit(data.matrix)
    arrays = {name: array.copy() for name, array in model.arrays().items()}
    again = type(model).from_arrays(arrays)
    users = np.arange(18)
    np.testing.assert_array_equal(again.scores(data.matrix, users), model.scores(data.matrix, users))
    assert list(again.arrays()) == list(arrays)


def check_same_fit_twice(fit: Fit) -> None:
    """The same data and options give the same arrays, to the bit."""
    first, second = (fit(planted().matrix).arrays() for _ in range(2))
    for name, array in first.items():
        np.testing.assert_array_equal(second[name], array)


def check_duplicates_add_up(fit: Fit) -> None:
    """A pair that stands twice counts as one of the summed weight, in fitting and in histories."""
    twice = csr_array((np.ones(4), ([0, 0, 0, 1], [1, 1, 2, 2])), shape=(2, 4))
    summed = csr_array(np.array([[0.0, 2.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0]]))
    pieces = csr_array((np.ones(3), np.array([1, 1, 2]), np.array([0, 3])), shape=(1, 4))
    found = fit(twice).scores(pieces)
    np.testing.assert_allclose(found, fit(summed).scores(summed[[0]]), rtol=1e-5, atol=1e-6)


def check_recommend_is_recommend_all(fit: Fit) -> None:
    """The lists of all users at once are the lists of one user after the other; seen items are left out."""
    data = planted()
    model = fit(data.matrix)
    users = np.arange(18)
    items, scores = recommend(model, data.matrix, 20, users=users)
    assert items.shape == scores.shape == (18, 20)
    for user in users:
        one, _ = recommend(model, data.matrix[[user]], 20, users=users[[user]])
        known = data.matrix[[user]].indices
        assert sorted([*one[0][one[0] >= 0].tolist(), *known.tolist()]) == list(range(13))
        near = np.isclose(scores[user, :-1], scores[user, 1:], rtol=1e-4, atol=1e-5) | (items[user, 1:] < 0)
        clear = ~(np.append(near, False) | np.append(False, near))
        np.testing.assert_array_equal(items[user][clear], one[0][clear])


def check_leaves_input_alone(fit: Fit) -> None:
    """Fitting and scoring change neither the matrix nor the histories, even where they are not canonical."""
    data, indices = np.array([1.0, 0.0, 1.0, 1.0]), np.array([2, 0, 1, 1])
    messy = csr_array((data.copy(), indices.copy(), np.array([0, 4])), shape=(1, 3))
    scores = fit(messy).scores(messy)
    np.testing.assert_array_equal(messy.data, data)
    np.testing.assert_array_equal(messy.indices, indices)
    clean = csr_array(np.array([[0.0, 2.0, 1.0]]))
    np.testing.assert_allclose(scores, fit(clean).scores(clean), rtol=1e-6)


def _best_unseen(model: Model, history: csr_array) -> int:
    return int(top_k(model.scores(history), 1, seen=history.toarray() > 0)[0, 0])
