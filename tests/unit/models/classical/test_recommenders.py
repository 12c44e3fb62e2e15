from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError, DataError
from shortlist.models.classical import (
    BM25,
    BPRMF,
    EASE,
    IALS,
    SLIM,
    TFIDF,
    ConjugateGradient,
    Events,
    ItemFactors,
    ItemKNN,
    ItemNeighbours,
    ItemPopularity,
    ItemProjection,
    ItemWeights,
    OwnItems,
    PairFactors,
    Popularity,
    PureSVD,
    RecentPopularity,
    Repeats,
    RP3beta,
    Subspace,
)
from shortlist.models.classical import _compiled as compiled
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
    "ItemKNN, TF-IDF": ItemKNN(k=5, weighting=TFIDF()).fit,
    "ItemKNN, BM25": ItemKNN(k=5, weighting=BM25(b=0.1)).fit,
    "RP3beta": RP3beta(k=5, beta=0.2).fit,
    "SLIM": SLIM(l1=0.1, l2=1.0).fit,
    "PureSVD": PureSVD(dim=2).fit,
    "IALS": IALS(dim=4).fit,
    "IALS, conjugate gradient": IALS(dim=4, solver=ConjugateGradient()).fit,
    "IALS, subspace": IALS(dim=4, solver=Subspace(2)).fit,
    "IALS of Hu": IALS(dim=4, alpha0=1.0, nu=0.0, alpha=4.0, l2=0.1).fit,
    "BPRMF": BPRMF(dim=4, epochs=200, lr=0.1).fit,
}
PERSONAL = [name for name in LEARNERS if name[:4] not in ("Popu", "Rece", "Repe")]


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
        suite.check_duplicates_add_up,
        suite.check_same_fit_twice,
        suite.check_recommend_is_recommend_all,
        suite.check_leaves_input_alone,
    ],
    ids=lambda check: check.__name__,
)
def test_every_learner_keeps_the_rules(check: Callable[[Fit], None], name: str) -> None:
    check(LEARNERS[name])


@pytest.mark.parametrize("name", PERSONAL)
def test_personal_learners_find_the_own_group(name: str) -> None:
    suite.check_finds_own_group(LEARNERS[name])
    suite.check_new_user(LEARNERS[name])


def test_popularity_does_not_find_the_own_group() -> None:
    with pytest.raises(AssertionError):
        suite.check_finds_own_group(LEARNERS["Popularity"])


@pytest.mark.parametrize("name", LEARNERS)
def test_histories_over_another_catalogue_are_refused(name: str) -> None:
    model = LEARNERS[name](csr_array(np.eye(3)))
    with pytest.raises(ArgumentError, match=r"expected the 3 items the model was fitted on; .* over 4 items"):
        model.scores(csr_array((1, 4)))


@pytest.mark.parametrize(
    "learner",
    [Popularity(), Repeats(), ItemKNN(), EASE(), IALS(), SLIM(), RP3beta(), BPRMF(), PureSVD()],
    ids=lambda one: type(one).__name__,
)
def test_matrices_that_hold_no_weights_are_refused(learner: Any) -> None:
    with pytest.raises(ArgumentError, match=r"expected a SciPy sparse matrix \[users, items\]; .*'ndarray'"):
        learner.fit(np.eye(2))
    for bad in (-1.0, np.nan, np.inf):
        with pytest.raises(ArgumentError, match=r"finite weights >= 0"):
            learner.fit(csr_array(np.array([[bad, 1.0]])))


@pytest.mark.parametrize(
    "kind", [ItemPopularity, OwnItems, ItemNeighbours, ItemWeights, ItemFactors, ItemProjection, PairFactors]
)
def test_arrays_of_something_else_are_refused(kind: Any) -> None:
    with pytest.raises(DataError, match=r"from_arrays: expected an array '.*known: 'other'"):
        kind.from_arrays({"other": np.zeros(1)})


def test_learners_say_what_they_need() -> None:
    learners = [RecentPopularity(1), Repeats(), Popularity(), ItemKNN(), EASE(), IALS(), SLIM(), BPRMF()]
    assert [learner.needs for learner in learners] == ["events", "events", *["matrix"] * 6]
    assert (RP3beta().needs, PureSVD().needs) == ("matrix", "matrix")


@pytest.mark.parametrize(
    "learner",
    [ItemKNN(), IALS(dim=2), SLIM(), RP3beta(), BPRMF(epochs=1)],
    ids=lambda one: type(one).__name__,
)
@pytest.mark.parametrize("steps", [0, 1 << 60], ids=["compiled", "NumPy"])
def test_threads_change_nothing(learner: Any, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_STEPS", steps)
    X = suite.planted().matrix
    one, three = (learner.fit(X, threads=threads).arrays() for threads in (1, 3))
    for name in one:
        np.testing.assert_array_equal(one[name], three[name])
    with pytest.raises(ArgumentError, match=r"\.threads: expected a number >= 1"):
        learner.fit(X, threads=0)
