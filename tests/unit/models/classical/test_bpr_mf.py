import sys

import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError, MissingExtraError
from shortlist.models.classical import BPRMF
from shortlist.models.classical import _pair_steps as module


def planted(users: int = 60, items: int = 40) -> csr_array:
    """Even users take even items, odd users odd ones; half of them each."""
    rng = np.random.default_rng(0)
    same = (np.arange(users)[:, None] + np.arange(items)) % 2 == 0
    return csr_array((same & (rng.random((users, items)) < 0.5)).astype(float))


def ordered(X: csr_array, options: BPRMF) -> float:
    """Share of pairs of an item of the own kind and one of the other kind that are put right."""
    scores = options.fit(X).scores(X, np.arange(X.shape[0]))
    same = (np.arange(X.shape[0])[:, None] + np.arange(X.shape[1])) % 2 == 0
    rows = [(row[own][:, None] > row[~own]).mean() for row, own in zip(scores, same, strict=True)]
    return float(np.mean(rows))


def test_one_step_is_the_gradient_of_the_pair() -> None:
    """One user, one item taken, one not: a step along -d/dtheta [log(1 + e^-s) + l2/2 theta^2]."""
    X = csr_array(np.array([[1.0, 0.0]]))
    start, once = (BPRMF(dim=3, lr=lr, l2=0.2, epochs=1).fit(X) for lr in (1e-30, 0.1))
    w, (up, down) = start.user_factors[0].astype(float), start.item_factors.astype(float)
    pull = 1 / (1 + np.exp(w @ up - w @ down))
    np.testing.assert_allclose(once.user_factors[0], w + 0.1 * (pull * (up - down) - 0.2 * w), rtol=1e-5)
    np.testing.assert_allclose(once.item_factors[0], up + 0.1 * (pull * w - 0.2 * up), rtol=1e-5)
    np.testing.assert_allclose(once.item_factors[1], down + 0.1 * (-pull * w - 0.2 * down), rtol=1e-5)
    np.testing.assert_allclose(once.bias, [0.1 * pull, -0.1 * pull], rtol=1e-5)


def test_pairs_are_put_right() -> None:
    assert ordered(planted(), BPRMF(dim=4, epochs=1)) < 0.8
    assert ordered(planted(), BPRMF(dim=4, epochs=60)) > 0.99


def test_new_users_are_folded_in() -> None:
    X = planted()
    model = BPRMF(dim=4, epochs=60).fit(X)
    scores = model.scores(X)
    same = (np.arange(60)[:, None] + np.arange(40)) % 2 == 0
    assert (
        np.mean([(row[own][:, None] > row[~own]).mean() for row, own in zip(scores, same, strict=True)])
        > 0.99
    )


def test_parts_cover_every_pair_once_and_do_not_depend_on_the_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_ITEMS", 8)
    X = planted()
    one, two = (BPRMF(dim=4, epochs=30).fit(X, threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(one.item_factors, two.item_factors)
    np.testing.assert_array_equal(one.user_factors, two.user_factors)
    assert ordered(X, BPRMF(dim=4, epochs=60)) > 0.99


def test_what_a_user_took_is_never_a_negative() -> None:
    """Nothing is left to compare with: no step is taken."""
    X = csr_array(np.ones((3, 4)))
    assert not BPRMF(dim=2).fit(X).bias.any()


def test_heavier_pairs_are_drawn_more_often() -> None:
    """Item 0 and item 1 are each taken by one user, item 0 with nine times the weight."""
    X = csr_array(np.array([[9.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    bias = BPRMF(dim=1, epochs=400, lr=0.01, l2=1e-6, init_std=1e-6).fit(X).bias
    assert bias[0] > bias[1]


def test_same_seed_same_model_and_every_option_changes_it() -> None:
    X = planted(20, 10)

    def scores(**options: float) -> np.ndarray:
        return BPRMF(**{"dim": 3, "epochs": 2, **options}).fit(X).scores(X)

    plain = scores()
    np.testing.assert_array_equal(scores(), plain)
    changes = [{"dim": 4}, {"lr": 0.1}, {"l2": 0.5}, {"epochs": 3}, {"init_std": 0.1}, {"seed": 1}]
    for change in changes:
        assert not np.allclose(scores(**change), plain, rtol=1e-6), change


@pytest.mark.parametrize("options", [{"dim": 0}, {"epochs": 0}, {"lr": 0.0}, {"l2": 0.0}, {"init_std": -1.0}])
def test_options_out_of_range(options: dict[str, float]) -> None:
    (name,) = options
    with pytest.raises(ArgumentError, match=rf"BPRMF.{name}: expected (an integer >= 1|a number > 0)"):
        BPRMF(**options)


def test_numba_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(MissingExtraError, match=r"BPRMF.fit.*'numba'.*shortlist\[train\]"):
        BPRMF().fit(planted())
