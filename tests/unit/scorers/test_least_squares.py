import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.scorers import Penalty, half_step
from shortlist.scorers import _least_squares as module


def data(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, (12, 9)) * rng.integers(0, 2, (12, 9)) * 0.5
    X[3] = 0
    return X, rng.normal(size=(9, 4))


def solved(X: np.ndarray, H: np.ndarray, penalty: Penalty) -> np.ndarray:
    """Every pair by itself: its confidence, what it is to be, and the least squares of them all."""
    rows = []
    for x in X:
        if penalty.alpha is None:
            pull, aim = penalty.alpha0 + x, x
        else:
            pull = penalty.alpha0 + penalty.alpha * x
            aim = np.where(x > 0, pull, 0)
        ridge = penalty.l2 * (x.sum() + penalty.alpha0 * len(H)) ** penalty.nu
        normal = H.T @ (pull[:, None] * H) + ridge * np.eye(H.shape[1])
        rows.append(np.linalg.solve(normal, H.T @ aim) if x.any() else np.zeros(H.shape[1]))
    return np.stack(rows)


PENALTIES = [
    Penalty(0.3, 0.01, 1.0),
    Penalty(0.0, 2.0, 0.0),
    Penalty(1.0, 0.1, 0.5),
    Penalty(1.0, 0.1, 0.0, alpha=40.0),
    Penalty(0.2, 0.1, 1.0, alpha=2.0),
]


@pytest.mark.parametrize("penalty", PENALTIES)
def test_half_step_equals_the_definition(penalty: Penalty) -> None:
    X, H = data()
    np.testing.assert_allclose(
        half_step(csr_array(X), H, H.T @ H, penalty), solved(X, H, penalty), rtol=1e-9, atol=1e-12
    )


def test_half_step_does_not_depend_on_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    X, H = data(1)
    whole = half_step(csr_array(X), H, H.T @ H, Penalty(0.3, 0.01, 1.0))
    monkeypatch.setattr(module, "_FLOATS", 1)
    single = half_step(csr_array(X), H, H.T @ H, Penalty(0.3, 0.01, 1.0))
    np.testing.assert_allclose(single, whole, rtol=1e-10)


def test_a_singular_system_is_an_error() -> None:
    H = np.ones((1, 2))
    with pytest.raises(ArgumentError, match="a singular system"):
        half_step(csr_array(np.ones((1, 1))), H, H.T @ H, Penalty(0.0, 1e-300, 0.0))


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan")])
def test_alpha_is_none_or_above_0(alpha: float) -> None:
    with pytest.raises(ArgumentError, match=r"Penalty.alpha: expected None or a number > 0"):
        Penalty(1.0, 0.1, 0.0, alpha)
