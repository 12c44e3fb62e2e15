import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical import IALS
from shortlist.scorers import ItemFactors, Penalty, half_step

X = csr_array(np.random.default_rng(0).integers(0, 2, (20, 12)).astype(float))


@pytest.mark.parametrize("options", [{}, {"alpha0": 1.0, "nu": 0.0, "alpha": 10.0}])
def test_a_new_user_is_folded_in_by_one_half_step_of_the_training(options: dict[str, float]) -> None:
    """What training would give the users of a matrix, given the items' factors."""
    model = IALS(dim=4, epochs=3, **options).fit(X)
    H = model.item_factors.astype(np.float64)
    expected = half_step(X, H, H.T @ H, model.penalty)
    np.testing.assert_allclose(model.factors(X), expected, rtol=1e-5)
    np.testing.assert_allclose(model.factors(X[[7]])[0], expected[7], rtol=1e-5)


def test_the_users_of_the_fit_are_those_folded_in() -> None:
    model = IALS(dim=4, epochs=3).fit(X)
    W = model.factors(X).astype(np.float64)
    np.testing.assert_allclose(model.user_gram, W.T @ W, rtol=1e-4)
    assert model.users == 20


@pytest.mark.parametrize("options", [{}, {"alpha0": 1.0, "nu": 0.0, "alpha": 10.0}])
def test_a_new_item_is_folded_in_by_one_half_step_of_the_training(options: dict[str, float]) -> None:
    model = IALS(dim=4, epochs=3, **options).fit(X)
    new = csr_array(np.random.default_rng(1).integers(0, 2, (20, 3)).astype(float))
    W = model.factors(X).astype(np.float64)
    expected = half_step(new.T.tocsr(), W, model.user_gram, model.penalty)
    more = model.with_items(X, new)
    np.testing.assert_allclose(more.item_factors[12:], expected, rtol=1e-4)
    np.testing.assert_array_equal(more.item_factors[:12], model.item_factors)
    wide = more.item_factors.astype(np.float64)
    np.testing.assert_allclose(more.gram, wide.T @ wide, rtol=1e-5)


def test_only_the_users_who_took_a_new_item_need_be_given() -> None:
    model = IALS(dim=4, epochs=3).fit(X)
    taken = np.zeros((20, 1))
    taken[[2, 5]] = 1
    whole = model.with_items(X, csr_array(taken))
    some = model.with_items(X[[2, 5]], csr_array(taken[[2, 5]]))
    np.testing.assert_allclose(some.item_factors, whole.item_factors, rtol=1e-5)


def test_a_new_item_like_an_old_one_is_placed_like_it() -> None:
    model = IALS(dim=6, epochs=40, l2=0.001).fit(X)
    more = model.with_items(X, X[:, [4]])
    np.testing.assert_allclose(more.item_factors[12], model.item_factors[4], atol=0.02)


def test_users_of_histories_and_new_items_must_be_the_same() -> None:
    model = IALS(dim=2).fit(X)
    with pytest.raises(ArgumentError, match=r"histories of 20 users, new items of 3"):
        model.with_items(X, csr_array((3, 1)))


@pytest.mark.parametrize("alpha", [None, 2.5])
def test_saved_arrays_name_the_penalty(alpha: float | None) -> None:
    model = IALS(dim=2, alpha0=0.2, l2=0.03, nu=0.5, alpha=alpha).fit(csr_array(np.eye(3)))
    assert model.arrays()["penalty"].tolist()[:3] == [0.2, 0.03, 0.5]
    assert ItemFactors.from_arrays(model.arrays()).penalty == Penalty(0.2, 0.03, 0.5, alpha)
