import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical import IALS, ItemFactors, Penalty, half_step
from shortlist.models.classical import _least_squares as module


def _data(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, (12, 9)) * rng.integers(0, 2, (12, 9)) * 0.5
    X[3] = 0
    return X, rng.normal(size=(9, 4))


def _reference(X: np.ndarray, H: np.ndarray, penalty: Penalty) -> np.ndarray:
    rows = []
    for x in X:
        ridge = penalty.l2 * (x.sum() + penalty.alpha0 * len(H)) ** penalty.nu
        normal = penalty.alpha0 * H.T @ H + ridge * np.eye(H.shape[1])
        normal += sum(x[i] * np.outer(H[i], H[i]) for i in range(len(H)))
        rows.append(np.linalg.solve(normal, sum(x[i] * H[i] for i in range(len(H)))))
    return np.stack(rows)


@pytest.mark.parametrize("penalty", [Penalty(0.3, 0.01, 1.0), Penalty(0.0, 2.0, 0.0), Penalty(1.0, 0.1, 0.5)])
def test_half_step_equals_the_definition(penalty: Penalty) -> None:
    X, H = _data()
    np.testing.assert_allclose(
        half_step(csr_array(X), H, H.T @ H, penalty), _reference(X, H, penalty), rtol=1e-9, atol=1e-12
    )


def test_half_step_does_not_depend_on_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    X, H = _data(1)
    whole = half_step(csr_array(X), H, H.T @ H, Penalty(0.3, 0.01, 1.0))
    monkeypatch.setattr(module, "_FLOATS", 1)
    single = half_step(csr_array(X), H, H.T @ H, Penalty(0.3, 0.01, 1.0))
    np.testing.assert_allclose(single, whole, rtol=1e-10)


def _objective(X: np.ndarray, W: np.ndarray, H: np.ndarray, options: IALS) -> float:
    predicted = W @ H.T
    users = (X.sum(axis=1) + options.alpha0 * X.shape[1]) ** options.nu
    items = (X.sum(axis=0) + options.alpha0 * X.shape[0]) ** options.nu
    seen = (X * (predicted - 1) ** 2).sum() + options.alpha0 * (predicted**2).sum()
    return float(seen + options.l2 * (users @ (W**2).sum(axis=1) + items @ (H**2).sum(axis=1)))


def test_every_epoch_lowers_the_objective() -> None:
    X, _ = _data(2)
    losses = []
    for epochs in (1, 2, 4, 8):
        options = IALS(dim=3, alpha0=0.1, l2=0.01, epochs=epochs)
        model = options.fit(csr_array(X))
        losses.append(_objective(X, model.factors(csr_array(X)), model.item_factors, options))
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > losses[-1]


def test_fold_in_is_one_half_step_of_the_training() -> None:
    X, _ = _data(3)
    model = IALS(dim=4, epochs=3).fit(csr_array(X))
    H = model.item_factors.astype(np.float64)
    np.testing.assert_allclose(
        model.factors(csr_array(X)), _reference(X, H, Penalty(0.3, 0.01, 1.0)), rtol=1e-5
    )


def test_same_seed_same_model_and_every_option_changes_it() -> None:
    X = csr_array(_data(4)[0])

    def scores(**options: float) -> np.ndarray:
        return IALS(**{"dim": 3, "epochs": 2, **options}).fit(X).scores(X)

    plain = scores()
    np.testing.assert_array_equal(scores(), plain)
    changes = [
        {"dim": 4},
        {"alpha0": 0.9},
        {"l2": 0.5},
        {"nu": 0.5},
        {"epochs": 3},
        {"init_std": 1.0},
        {"seed": 1},
    ]
    for change in changes:
        assert not np.allclose(scores(**change), plain, rtol=1e-6), change


def test_saved_arrays_name_the_penalty() -> None:
    model = IALS(dim=2, alpha0=0.2, l2=0.03, nu=0.5).fit(csr_array(np.eye(3)))
    assert model.arrays()["penalty"].tolist() == [0.2, 0.03, 0.5]
    assert ItemFactors.from_arrays(model.arrays()).penalty == Penalty(0.2, 0.03, 0.5)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"dim": 0}, "IALS.dim"),
        ({"epochs": 0}, "IALS.epochs"),
        ({"init_std": 0.0}, "IALS.init_std"),
        ({"alpha0": -0.1}, "alpha0 >= 0"),
        ({"l2": 0.0}, "l2 > 0"),
        ({"nu": float("nan")}, "finite nu"),
    ],
)
def test_options_out_of_range(options: dict[str, float], match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        IALS(**options)


def test_a_singular_system_is_an_error() -> None:
    H = np.ones((1, 2))
    with pytest.raises(ArgumentError, match="a singular system"):
        half_step(csr_array(np.ones((1, 1))), H, H.T @ H, Penalty(0.0, 1e-300, 0.0))
