import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical import PureSVD

X = np.random.default_rng(0).integers(0, 3, (15, 9)).astype(float)


@pytest.mark.parametrize("dim", [1, 4, 8, 9, 50])
def test_scores_are_the_projection_on_the_strongest_directions(dim: int) -> None:
    V = np.linalg.svd(X)[2][:dim].T
    np.testing.assert_allclose(PureSVD(dim).fit(csr_array(X)).scores(csr_array(X)), X @ V @ V.T, atol=1e-4)


def test_seed_and_dim_change_the_model() -> None:
    first, again, other = (PureSVD(3, seed).fit(csr_array(X)).basis for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert PureSVD(2).fit(csr_array(X)).basis.shape == (9, 2)


def test_dim_must_be_at_least_1() -> None:
    with pytest.raises(ArgumentError, match=r"PureSVD.dim: expected an integer >= 1"):
        PureSVD(0)
