import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical import BM25, TFIDF, ItemKNN
from shortlist.models.classical import _compiled as compiled
from shortlist.models.classical import _top_products as module


def reference(X: np.ndarray, k: int, shrink: float, *, normalized: bool = True) -> np.ndarray:
    """Column j holds the k items most like j."""
    n = X.shape[1]
    kept = np.zeros((n, n))
    for j in range(n):
        product = [float(X[:, i] @ X[:, j]) for i in range(n)]
        size = [float(np.linalg.norm(X[:, i]) * np.linalg.norm(X[:, j])) + shrink for i in range(n)]
        size = size if normalized else [1.0] * n
        alike = [product[i] / size[i] if size[i] and i != j else 0.0 for i in range(n)]
        for i in sorted(range(n), key=lambda i: (-np.float32(alike[i]), i))[:k]:
            kept[i, j] = alike[i]
    return kept


@pytest.mark.parametrize(("k", "shrink"), [(1, 0.0), (3, 0.0), (3, 10.0), (100, 2.5)])
@pytest.mark.parametrize("steps", [0, 1 << 60], ids=["compiled", "SciPy"])
def test_similarities_equal_the_reference(
    k: int, shrink: float, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "_STEPS", steps)
    X = np.random.default_rng(0).integers(0, 3, (20, 9)).astype(float)
    X[:, 4] = 0
    fitted = ItemKNN(k=k, shrink=shrink).fit(csr_array(X)).similarity.toarray()
    np.testing.assert_allclose(fitted, reference(X, k, shrink), rtol=1e-6)


@pytest.mark.parametrize("k", [1, 7, 300])
def test_compiled_and_plain_fits_agree_over_many_groups(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    X = csr_array(np.random.default_rng(0).random((150, 500)) < 0.1).astype(float)
    found = []
    for steps in (0, 1 << 60):
        monkeypatch.setattr(compiled, "_STEPS", steps)
        found.append(ItemKNN(k=k).fit(X, threads=2).similarity.toarray())
    np.testing.assert_allclose(np.sort(found[0], axis=0), np.sort(found[1], axis=0), rtol=1e-6)
    # Quotients that are equal on paper may round apart, and then another of them is kept.
    assert ((found[0] > 0) != (found[1] > 0)).mean() < 0.001


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


WEIGHED = np.random.default_rng(2).integers(0, 4, (12, 8)) * np.random.default_rng(3).integers(0, 2, (12, 8))


def test_tf_idf_is_the_cosine_of_weighted_columns() -> None:
    rarity = np.log(8 / (1 + (WEIGHED > 0).sum(axis=1)))
    expected = np.sqrt(WEIGHED) * np.maximum(rarity, 0)[:, None]
    fitted = ItemKNN(k=3, shrink=0.5, weighting=TFIDF()).fit(csr_array(WEIGHED))
    np.testing.assert_allclose(fitted.similarity.toarray(), reference(expected, 3, 0.5), rtol=1e-5)


def test_bm25_is_the_inner_product_of_weighted_columns() -> None:
    rarity = np.maximum(np.log(8 / (1 + (WEIGHED > 0).sum(axis=1))), 0)
    sizes = WEIGHED.sum(axis=0)
    length = 1 - 0.4 + 0.4 * sizes / sizes.mean()
    expected = WEIGHED * (1.5 + 1) / (WEIGHED + 1.5 * length) * rarity[:, None]
    fitted = ItemKNN(k=3, weighting=BM25(k1=1.5, b=0.4)).fit(csr_array(WEIGHED))
    np.testing.assert_allclose(
        fitted.similarity.toarray(), reference(expected, 3, 0, normalized=False), rtol=1e-5
    )


def test_every_option_changes_the_scores() -> None:
    X = csr_array(WEIGHED)
    options = [{}, {"k": 1}, {"shrink": 3.0}, {"weighting": TFIDF()}, {"weighting": BM25()}]
    options += [{"weighting": BM25(k1=0.1)}, {"weighting": BM25(b=0.1)}]
    scores = [ItemKNN(**one).fit(X).scores(X) for one in options]
    for place, one in enumerate(scores):
        assert not any(np.allclose(one, other) for other in scores[:place]), options[place]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"k": 0}, "ItemKNN.k"),
        ({"shrink": -1.0}, "ItemKNN.shrink"),
        ({"shrink": 1.0, "weighting": BM25()}, r"ItemKNN.shrink: expected 0 with BM25"),
    ],
)
def test_options_out_of_range(options: dict[str, float], match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        ItemKNN(**options)


@pytest.mark.parametrize("options", [{"k1": -1.0}, {"b": 1.5}, {"b": -0.1}])
def test_bm25_out_of_range(options: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=r"BM25: expected k1 >= 0, b in 0 \.\. 1"):
        BM25(**options)
