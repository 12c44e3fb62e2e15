import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.scorers import PairFactors

RNG = np.random.default_rng(0)
H, BIAS = (RNG.normal(size=shape).astype(np.float32) for shape in ((9, 4), (9,)))
X = csr_array(RNG.integers(0, 3, (50, 9)).astype(float))


def features(x: np.ndarray) -> np.ndarray:
    return np.append(x @ (H - H.mean(axis=0)) / np.sqrt(x.sum()), 1)


def test_new_users_get_what_a_linear_law_of_the_known_ones_says() -> None:
    """The users' factors are a linear function of their histories: new ones follow it, up to the ridge."""
    A = RNG.normal(size=(5, 4))
    W = np.stack([features(x) @ A for x in X.toarray()]).astype(np.float32)
    model = PairFactors.of(W, H, BIAS, X)
    np.testing.assert_allclose(model.fold, A, atol=0.05)
    x = np.array([[1.0, 0, 2, 0, 0, 1, 0, 0, 0]])
    np.testing.assert_allclose(model.factors(csr_array(x))[0], features(x[0]) @ model.fold, rtol=1e-5)


def test_known_users_have_their_factors_and_others_are_folded_in() -> None:
    model = PairFactors.of(RNG.normal(size=(50, 4)).astype(np.float32), H, BIAS, X)
    rows = csr_array(np.eye(9)[:4])
    scores = model.scores(rows, np.array([2, -1, 70, 0]))
    new = model.scores(rows)
    np.testing.assert_allclose(scores[0], model.user_factors[2] @ H.T + BIAS, rtol=1e-5)
    np.testing.assert_allclose(scores[[1, 2]], new[[1, 2]], rtol=1e-5)
    np.testing.assert_allclose(new[1], model.factors(rows)[1] @ H.T + BIAS, rtol=1e-4)


def test_a_user_without_a_history_is_the_average_one() -> None:
    model = PairFactors.of(np.ones((50, 4), dtype=np.float32), H, BIAS, X)
    np.testing.assert_allclose(model.factors(csr_array((1, 9)))[0], np.ones(4), atol=0.01)


def test_one_user_a_query() -> None:
    model = PairFactors.of(np.ones((50, 4), dtype=np.float32), H, BIAS, X)
    with pytest.raises(ArgumentError, match=r"expected 2 users, -1 for a new one; received users of shape"):
        model.scores(csr_array((2, 9)), np.array([0]))
