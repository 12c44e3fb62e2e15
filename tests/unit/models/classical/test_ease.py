import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical import EASE


@pytest.mark.parametrize("items", [1, 7, 128, 300])
def test_weights_equal_the_definition(items: int) -> None:
    X = np.random.default_rng(0).integers(0, 3, (50, items)).astype(float)
    P = np.linalg.inv(X.T @ X + 5.0 * np.eye(items))
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    np.testing.assert_allclose(EASE(l2=5.0).fit(csr_array(X)).weights, B, atol=1e-6)


def test_no_item_explains_itself() -> None:
    weights = (
        EASE(l2=1.0).fit(csr_array(np.random.default_rng(0).integers(0, 2, (30, 9)).astype(float))).weights
    )
    assert not weights.diagonal().any()


def test_weights_solve_the_constrained_regression() -> None:
    """B minimises |X - X B|^2 + l2 |B|^2 with a zero diagonal: the gradient vanishes off the diagonal."""
    X = np.random.default_rng(3).integers(0, 2, (40, 8)).astype(float)
    B = EASE(l2=2.0).fit(csr_array(X)).weights.astype(np.float64)
    gradient = -X.T @ (X - X @ B) + 2.0 * B
    np.testing.assert_allclose(gradient[~np.eye(8, dtype=bool)], 0, atol=1e-5)


def test_more_regularisation_gives_smaller_weights() -> None:
    X = csr_array(np.random.default_rng(0).integers(0, 2, (30, 9)).astype(float))
    sizes = [np.abs(EASE(l2=l2).fit(X).weights).sum() for l2 in (1.0, 10.0, 100.0)]
    assert sizes == sorted(sizes, reverse=True)


def test_a_large_catalogue_is_refused_with_its_memory() -> None:
    with pytest.raises(ArgumentError, match=r"30000 items, a fit of 10.8 GB.*use ItemKNN or IALS") as raised:
        EASE().fit(csr_array((2, 30_000)))
    assert raised.value.expected == "at most 20000 items (4.8 GB)"
    with pytest.raises(ArgumentError, match="at most 2 items"):
        EASE(max_items=2).fit(csr_array((2, 3)))


def test_memory_rule() -> None:
    assert EASE.memory_bytes(10_000) == (8 + 4) * 10_000**2


def test_l2_must_be_positive_and_large_enough() -> None:
    with pytest.raises(ArgumentError, match=r"EASE.l2: expected a number > 0"):
        EASE(l2=0.0)
    with pytest.raises(ArgumentError, match="l2 large enough to invert it"):
        EASE(l2=1e-300).fit(csr_array(np.ones((4, 3))))
