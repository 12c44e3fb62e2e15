import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical import ItemKNN
from shortlist.models.classical import _item_knn as module


def _reference(X: np.ndarray, k: int, shrink: float) -> np.ndarray:
    """Column j holds the k items most like j."""
    n = X.shape[1]
    kept = np.zeros((n, n))
    for j in range(n):
        product = [float(X[:, i] @ X[:, j]) for i in range(n)]
        size = [float(np.linalg.norm(X[:, i]) * np.linalg.norm(X[:, j])) + shrink for i in range(n)]
        alike = [product[i] / size[i] if size[i] and i != j else 0.0 for i in range(n)]
        for i in sorted(range(n), key=lambda i: (-alike[i], i))[:k]:
            kept[i, j] = alike[i]
    return kept


@pytest.mark.parametrize(("k", "shrink"), [(1, 0.0), (3, 0.0), (3, 10.0), (100, 2.5)])
def test_similarities_equal_the_reference(k: int, shrink: float) -> None:
    X = np.random.default_rng(0).integers(0, 3, (20, 9)).astype(float)
    X[:, 4] = 0
    fitted = ItemKNN(k=k, shrink=shrink).fit(csr_array(X)).similarity.toarray()
    np.testing.assert_allclose(fitted, _reference(X, k, shrink), rtol=1e-6)


def test_result_does_not_depend_on_how_it_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    X = csr_array(np.random.default_rng(1).integers(0, 2, (15, 11)).astype(float))
    whole = ItemKNN(k=4).fit(X).similarity.toarray()
    monkeypatch.setattr(module, "_CELLS", 22)
    np.testing.assert_array_equal(ItemKNN(k=4).fit(X).similarity.toarray(), whole)


def test_scores_add_the_similarities_of_the_history() -> None:
    X = csr_array(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]))
    scores = ItemKNN().fit(X).scores(csr_array(np.array([[1.0, 2.0, 0.0]])))
    # s_01 = 2 / (sqrt 2 sqrt 2) = 1, s_02 = s_12 = 1 / sqrt 2
    np.testing.assert_allclose(scores, [[2 * 1, 1 * 1, (1 + 2) / np.sqrt(2)]], rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "match"), [({"k": 0}, "ItemKNN.k"), ({"shrink": -1.0}, "ItemKNN.shrink")]
)
def test_options_out_of_range(options: dict[str, float], match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        ItemKNN(**options)
