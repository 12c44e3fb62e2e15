import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.scorers import ItemPopularity, ItemWeights, recommend
from shortlist.scorers import _recommend as module


def test_lists_equal_a_sort(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    model = ItemWeights(rng.integers(-2, 3, (30, 30)).astype(np.float32))
    rows = csr_array(rng.integers(0, 2, (40, 30)).astype(float))
    scores = model.scores(rows)
    for drop_seen in (False, True):
        masked = np.where(rows.toarray() > 0, -np.inf, scores) if drop_seen else scores
        expected = np.argsort(-masked, axis=1, kind="stable")[:, :12]
        values = np.take_along_axis(masked, expected, axis=1)
        for cells in (1, 100, 1 << 24):
            monkeypatch.setattr(module, "_CELLS", cells)
            items, best = recommend(model, rows, 12, drop_seen=drop_seen)
            np.testing.assert_array_equal(items, np.where(np.isneginf(values), -1, expected))
            np.testing.assert_array_equal(best, values)


def test_no_queries_no_items_and_short_catalogues() -> None:
    model = ItemPopularity(np.array([2.0, 5.0]))
    items, scores = recommend(model, csr_array((0, 2)), 3)
    assert items.shape == scores.shape == (0, 3)
    assert recommend(model, csr_array((1, 2)), 3)[0].tolist() == [[1, 0, -1]]
    assert recommend(ItemPopularity(np.empty(0)), csr_array((1, 0)), 2)[0].tolist() == [[-1, -1]]


def test_k_must_be_at_least_1() -> None:
    with pytest.raises(ArgumentError, match=r"recommend.k: expected k >= 1; received 0"):
        recommend(ItemPopularity(np.ones(2)), csr_array((1, 2)), 0)
