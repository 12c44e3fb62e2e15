import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical import SLIM
from shortlist.models.classical import _compiled as module

X = np.random.default_rng(0).integers(0, 2, (40, 9)).astype(float)
X[:, 1] = X[:, 0]
X[:, 2] = 1 - X[:, 0]


@pytest.mark.parametrize("steps", [0, 1 << 60], ids=["compiled", "NumPy"])
@pytest.mark.parametrize("non_negative", [True, False])
@pytest.mark.parametrize(("l1", "l2"), [(1.0, 2.0), (0.0, 5.0)])
def test_weights_are_the_optimum(
    l1: float, l2: float, non_negative: bool, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the optimum the slope is -l1 times the sign of a weight, and within l1 of 0 where it is 0."""
    monkeypatch.setattr(module, "_STEPS", steps)
    learner = SLIM(l1=l1, l2=l2, non_negative=non_negative, tolerance=1e-7, sweeps=10_000)
    W = learner.fit(csr_array(X)).similarity.toarray()
    slope = -X.T @ (X - X @ W) + l2 * W
    rest = ~np.eye(9, dtype=bool)
    np.testing.assert_allclose(slope[rest & (W > 0)], -l1, atol=1e-3)
    np.testing.assert_allclose(slope[rest & (W < 0)], l1, atol=1e-3)
    assert (slope[rest & (W == 0)] >= -l1 - 1e-3).all()
    assert not W.diagonal().any()
    assert (W >= 0).all() == non_negative
    if not non_negative:
        assert (slope[rest & (W == 0)] <= l1 + 1e-3).all()


@pytest.mark.parametrize("steps", [0, 1 << 60], ids=["compiled", "NumPy"])
def test_only_the_nearest_may_explain_an_item(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STEPS", steps)
    W = SLIM(l1=0.0, l2=1.0, neighbours=2).fit(csr_array(X)).similarity.toarray()
    gram = X.T @ X
    alike = gram / np.sqrt(np.outer(gram.diagonal(), gram.diagonal())) - np.eye(9)
    for item in range(9):
        assert set(np.flatnonzero(W[:, item])) <= set(np.argsort(-alike[item], kind="stable")[:2].tolist())
    assert W.any()


def test_every_option_changes_the_weights() -> None:
    options = [{}, {"l1": 4.0}, {"l2": 20.0}, {"non_negative": False}, {"neighbours": 2}]
    options += [{"tolerance": 0.5}, {"sweeps": 1, "tolerance": 1e-9}]
    found = [SLIM(**{"l1": 0.5, "l2": 1.0, **one}).fit(csr_array(X)).similarity.toarray() for one in options]
    for place, one in enumerate(found):
        assert not any(np.allclose(one, other, rtol=1e-7) for other in found[:place]), options[place]


def test_a_large_catalogue_is_refused_with_its_memory() -> None:
    with pytest.raises(ArgumentError, match=r"30000 items, 3.6 GB.*use ItemKNN or IALS"):
        SLIM().fit(csr_array((2, 30_000)))
    with pytest.raises(ArgumentError, match="at most 2 items"):
        SLIM(max_items=2).fit(csr_array((2, 3)))


@pytest.mark.parametrize(
    "options", [{"l1": -1.0}, {"l2": 0.0}, {"tolerance": 0.0}, {"sweeps": 0}, {"neighbours": 0}]
)
def test_options_out_of_range(options: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=r"SLIM: expected (l1 >= 0, l2 > 0|sweeps >= 1, neighbours)"):
        SLIM(**options)
