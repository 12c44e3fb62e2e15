import numpy as np
import pytest
import torch

from shortlist.data import Ragged
from shortlist.train import _products
from shortlist.train._products import top_products

DEVICES = ["cpu", "blocks", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.mark.parametrize("device", DEVICES)
def test_products_on_a_device(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of a GPU runs here too, on the processor's tensors."""
    monkeypatch.setattr(_products, "_SCORES", 40)
    monkeypatch.setattr(_products, "_ITEMS", 8)
    rng = np.random.default_rng(0)
    queries, items = rng.standard_normal((13, 4)), rng.standard_normal((30, 4))
    seen = Ragged.of([rng.permutation(30)[: 2 * row] for row in range(13)])
    scores = queries @ items.T
    scores[seen.row_of, seen.values] = -np.inf
    expected = np.argsort(-scores, axis=1)[:, :9]
    expected[np.isneginf(np.take_along_axis(scores, expected, axis=1))] = -1
    if device == "blocks":
        hidden = _products._cells(seen)
        value, place = _products._best(torch.tensor(queries), torch.tensor(items), 9, hidden)
        found = np.where(np.isneginf(value.numpy()), -1, place.numpy())
    else:
        given = (torch.tensor(each, device=device) for each in (queries, items))
        found, values = top_products(*given, 9, seen=seen)
        assert (np.isneginf(values) == (found < 0)).all()
    np.testing.assert_array_equal(found, expected)


def test_products_of_narrow_types() -> None:
    half = torch.eye(3, dtype=torch.bfloat16, requires_grad=True)
    assert top_products(half, half, 5)[0].tolist() == [
        [0, 1, 2, -1, -1],
        [1, 0, 2, -1, -1],
        [2, 0, 1, -1, -1],
    ]
