from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError, DataError
from shortlist.models.classical import (
    EASE,
    IALS,
    Events,
    ItemFactors,
    ItemKNN,
    ItemNeighbours,
    ItemPopularity,
    ItemWeights,
    OwnItems,
    Popularity,
    RecentPopularity,
    Repeats,
)
from shortlist.testing import _recommenders as suite

Fit = Callable[[csr_array], Any]


def _events(X: csr_array) -> Events:
    pairs = csr_array(X).tocoo()
    return Events(pairs.row, pairs.col, np.zeros(pairs.nnz), pairs.data, pairs.shape)


LEARNERS: dict[str, Fit] = {
    "Popularity": Popularity().fit,
    "RecentPopularity": lambda X: RecentPopularity(window=1).fit_events(_events(X)),
    "Repeats": Repeats().fit,
    "Repeats with times": lambda X: Repeats().fit_events(_events(X)),
    "ItemKNN": ItemKNN(k=5).fit,
    "EASE": EASE(l2=1.0).fit,
    "IALS": IALS(dim=4).fit,
}
PERSONAL = ("ItemKNN", "EASE", "IALS")


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize(
    "check",
    [
        suite.check_finds_planted_item,
        suite.check_empty_histories,
        suite.check_no_queries,
        suite.check_no_users,
        suite.check_unseen_item,
        suite.check_short_catalogue,
        suite.check_one_user_is_many_users,
        suite.check_saved_scores_the_same,
        suite.check_leaves_input_alone,
    ],
    ids=lambda check: check.__name__,
)
def test_every_learner_keeps_the_rules(check: Callable[[Fit], None], name: str) -> None:
    check(LEARNERS[name])


@pytest.mark.parametrize("name", PERSONAL)
def test_personal_learners_find_the_own_group(name: str) -> None:
    suite.check_finds_own_group(LEARNERS[name])


def test_popularity_does_not_find_the_own_group() -> None:
    with pytest.raises(AssertionError):
        suite.check_finds_own_group(LEARNERS["Popularity"])


@pytest.mark.parametrize("name", LEARNERS)
def test_histories_over_another_catalogue_are_refused(name: str) -> None:
    model = LEARNERS[name](csr_array(np.eye(3)))
    with pytest.raises(ArgumentError, match=r"expected the 3 items the model was fitted on; .* over 4 items"):
        model.scores(csr_array((1, 4)))


@pytest.mark.parametrize("learner", [Popularity(), Repeats(), ItemKNN(), EASE(), IALS()], ids=repr)
def test_matrices_that_hold_no_weights_are_refused(learner: Any) -> None:
    with pytest.raises(ArgumentError, match=r"expected a SciPy sparse matrix \[users, items\]; .*'ndarray'"):
        learner.fit(np.eye(2))
    for bad in (-1.0, np.nan, np.inf):
        with pytest.raises(ArgumentError, match=r"finite weights >= 0"):
            learner.fit(csr_array(np.array([[bad, 1.0]])))


@pytest.mark.parametrize("kind", [ItemPopularity, OwnItems, ItemNeighbours, ItemWeights, ItemFactors])
def test_arrays_of_something_else_are_refused(kind: Any) -> None:
    with pytest.raises(DataError, match=r"from_arrays: expected an array '.*known: 'other'"):
        kind.from_arrays({"other": np.zeros(1)})


def test_learners_say_what_they_need() -> None:
    learners = [Popularity(), RecentPopularity(1), Repeats(), ItemKNN(), EASE(), IALS()]
    assert [learner.needs for learner in learners] == ["matrix", "events", "events", *["matrix"] * 3]
