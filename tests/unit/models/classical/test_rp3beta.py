import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical import RP3beta
from shortlist.models.classical import _compiled as module

X = np.random.default_rng(0).integers(0, 3, (15, 9)) * np.random.default_rng(1).integers(0, 2, (15, 9))
X[:, 3] = 0


@pytest.mark.parametrize(("alpha", "beta", "k"), [(1.0, 0.6, 100), (1.4, 0.0, 3), (0.5, 1.0, 1)])
@pytest.mark.parametrize("steps", [0, 1 << 60], ids=["compiled", "SciPy"])
def test_weights_equal_the_definition(
    alpha: float, beta: float, k: int, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STEPS", steps)
    users, items = np.maximum(X.sum(axis=1), 1), np.maximum(X.sum(axis=0), 1)
    walks = ((X / items) ** alpha).T @ (X / users[:, None]) ** alpha / items**beta
    np.fill_diagonal(walks, 0)
    for row in walks:
        row[np.argsort(-row, kind="stable")[k:]] = 0
    fitted = RP3beta(alpha, beta, k).fit(csr_array(X)).similarity.toarray()
    np.testing.assert_allclose(fitted, walks, rtol=1e-5)


def test_every_option_changes_the_scores() -> None:
    options = [{}, {"alpha": 2.0}, {"beta": 0.0}, {"k": 1}]
    scores = [RP3beta(**one).fit(csr_array(X)).scores(csr_array(X)) for one in options]
    for place, one in enumerate(scores):
        assert not any(np.allclose(one, other) for other in scores[:place]), options[place]


@pytest.mark.parametrize("options", [{"alpha": 0.0}, {"beta": -1.0}, {"k": 0}])
def test_options_out_of_range(options: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=r"expected alpha > 0, beta >= 0, k >= 1"):
        RP3beta(**options)
