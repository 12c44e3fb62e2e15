import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.scorers import PairFactors

RNG = np.random.default_rng(0)
MODEL = PairFactors(*(RNG.normal(size=shape).astype(np.float32) for shape in ((3, 4), (9, 4), (9,))), l2=0.2)


def loss(w: np.ndarray, x: np.ndarray) -> float:
    """The objective of a new user, pair by pair."""
    s = MODEL.item_factors.astype(float) @ w + MODEL.bias
    pairs = np.log1p(np.exp(s[None, :] - s[:, None])).mean(axis=1)
    return float(x @ pairs / x.sum() + 0.2 / 2 * w @ w)


def quadratic(w: np.ndarray, x: np.ndarray) -> float:
    """log(1 + e^-d) to the second order in d, at 0."""
    s = MODEL.item_factors.astype(float) @ w + MODEL.bias
    lead = s[:, None] - s[None, :]
    pairs = (np.log(2) - lead / 2 + lead**2 / 8).mean(axis=1)
    return float(x @ pairs / x.sum() + 0.2 / 2 * w @ w)


def test_a_new_user_is_where_the_second_order_objective_is_least() -> None:
    x = np.array([1.0, 0, 2, 0, 0, 1, 0, 0, 0])
    w = MODEL.factors(csr_array(x[None]))[0].astype(float)
    np.testing.assert_allclose(approx_fprime(w, quadratic, 1e-6, x), 0, atol=1e-4)
    assert loss(w, x) < loss(np.zeros(4), x)


def test_known_users_have_their_factors_and_others_are_folded_in() -> None:
    rows = csr_array(np.eye(9)[:4])
    scores = MODEL.scores(rows, np.array([2, -1, 7, 0]))
    new = MODEL.scores(rows)
    H = MODEL.item_factors
    np.testing.assert_allclose(scores[0], MODEL.user_factors[2] @ H.T + MODEL.bias, rtol=1e-5)
    np.testing.assert_allclose(scores[[1, 2]], new[[1, 2]], rtol=1e-5)
    np.testing.assert_allclose(new[1], MODEL.factors(rows)[1] @ H.T + MODEL.bias, rtol=1e-4)


def test_nobody_is_scored_by_the_bias() -> None:
    np.testing.assert_array_equal(MODEL.scores(csr_array((1, 9)))[0], MODEL.bias)


def test_one_user_a_query() -> None:
    with pytest.raises(ArgumentError, match=r"expected 2 users, -1 for a new one; received users of shape"):
        MODEL.scores(csr_array((2, 9)), np.array([0]))
