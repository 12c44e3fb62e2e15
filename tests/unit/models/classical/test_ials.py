import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical import IALS, Cholesky, ConjugateGradient, Penalty, Solver, Subspace, half_step
from shortlist.models.classical import _compiled as module
from shortlist.models.classical._solvers import renew

SOLVERS = [Cholesky(), ConjugateGradient(steps=3), Subspace(size=2), Subspace(size=3)]
RENDLE, HU = {"alpha0": 0.1, "l2": 0.01}, {"alpha0": 1.0, "nu": 0.0, "alpha": 5.0, "l2": 0.1}


def data(seed: int = 0, users: int = 12, items: int = 9) -> np.ndarray:
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, (users, items)) * rng.integers(0, 2, (users, items)) * 0.5
    X[3] = 0
    return X


def objective(X: np.ndarray, W: np.ndarray, H: np.ndarray, options: IALS) -> float:
    predicted = W @ H.T
    users = (X.sum(axis=1) + options.alpha0 * X.shape[1]) ** options.nu
    items = (X.sum(axis=0) + options.alpha0 * X.shape[0]) ** options.nu
    ridge = options.l2 * (users @ (W**2).sum(axis=1) + items @ (H**2).sum(axis=1))
    if options.alpha is None:
        pairs = (X * (predicted - 1) ** 2).sum() + options.alpha0 * (predicted**2).sum()
    else:
        pairs = ((options.alpha0 + options.alpha * X) * (predicted - (X > 0)) ** 2).sum()
    return float(pairs + ridge)


@pytest.mark.parametrize("form", [RENDLE, HU], ids=["Rendle", "Hu"])
@pytest.mark.parametrize("solver", SOLVERS, ids=repr)
def test_every_epoch_lowers_the_objective_to_the_same_value(solver: Solver, form: dict[str, float]) -> None:
    X = data(2)
    losses = []
    for epochs in (1, 2, 4, 8, 300):
        options = IALS(dim=3, epochs=epochs, solver=solver, **form)
        model = options.fit(csr_array(X))
        losses.append(objective(X, model.factors(csr_array(X)), model.item_factors, options))
    exact = IALS(dim=3, epochs=300, **form)
    model = exact.fit(csr_array(X))
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > losses[-1]
    best = objective(X, model.factors(csr_array(X)), model.item_factors, exact)
    np.testing.assert_allclose(losses[-1], best, rtol=2e-3)


@pytest.mark.parametrize("solver", [ConjugateGradient(steps=40), Subspace(size=4), Cholesky()], ids=repr)
@pytest.mark.parametrize("penalty", [Penalty(0.3, 0.01, 1.0), Penalty(1.0, 0.1, 0.0, alpha=40.0)])
@pytest.mark.parametrize("steps", [0, 1 << 60], ids=["compiled", "NumPy"])
def test_enough_work_of_any_solver_is_the_exact_half_step(
    solver: Solver, penalty: Penalty, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STEPS", steps)
    X, rng = csr_array(data()), np.random.default_rng(0)
    H, out = (rng.normal(size=(rows, 4)).astype(np.float32) for rows in (9, 12))
    renew(out, X, H, penalty, solver, 2)
    wide = H.astype(np.float64)
    np.testing.assert_allclose(out, half_step(X, wide, wide.T @ wide, penalty), rtol=2e-3, atol=1e-4)
    assert not out[3].any()


@pytest.mark.parametrize("solver", SOLVERS, ids=repr)
@pytest.mark.parametrize("form", [RENDLE, HU], ids=["Rendle", "Hu"])
def test_compiled_and_plain_fits_agree(
    solver: Solver, form: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    X = csr_array(data(5, 40, 25))
    found = []
    for steps in (0, 1 << 60):
        monkeypatch.setattr(module, "_STEPS", steps)
        found.append(IALS(dim=5, epochs=3, solver=solver, **form).fit(X).scores(X))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("solver", [Cholesky(), Subspace(1)], ids=repr)
@pytest.mark.parametrize("steps", [0, 1 << 60], ids=["compiled", "NumPy"])
def test_a_singular_system_is_an_error(solver: Solver, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STEPS", steps)
    options = IALS(dim=2, alpha0=0.0, l2=1e-300, nu=0.0, init_std=1e-60, solver=solver)
    with pytest.raises(ArgumentError, match="a singular system"):
        options.fit(csr_array(np.ones((1, 1))))


def test_same_seed_same_model_and_every_option_changes_it() -> None:
    X = csr_array(data(4))

    def scores(**options: object) -> np.ndarray:
        return IALS(**{"dim": 3, "epochs": 2, **options}).fit(X).scores(X)

    plain = scores()
    np.testing.assert_array_equal(scores(), plain)
    changes = [
        {"dim": 4},
        {"alpha0": 0.9},
        {"l2": 0.5},
        {"nu": 0.5},
        {"alpha": 3.0},
        {"epochs": 3},
        {"init_std": 1.0},
        {"seed": 1},
        {"solver": ConjugateGradient(1)},
        {"solver": Subspace(1)},
    ]
    for change in changes:
        assert not np.allclose(scores(**change), plain, rtol=1e-6), change
    for one, other in [(ConjugateGradient(1), ConjugateGradient(2)), (Subspace(1), Subspace(2))]:
        assert not np.allclose(scores(solver=one), scores(solver=other), rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"dim": 0}, "IALS.dim"),
        ({"epochs": 0}, "IALS.epochs"),
        ({"init_std": 0.0}, "IALS.init_std"),
        ({"alpha0": -0.1}, "alpha0 >= 0"),
        ({"l2": 0.0}, "l2 > 0"),
        ({"nu": float("nan")}, "finite nu"),
        ({"alpha": 0.0}, "Penalty.alpha"),
    ],
)
def test_options_out_of_range(options: dict[str, float], match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        IALS(**options)


def test_solvers_out_of_range() -> None:
    with pytest.raises(ArgumentError, match=r"ConjugateGradient.steps: expected an integer >= 1"):
        ConjugateGradient(0)
    with pytest.raises(ArgumentError, match=r"Subspace.size: expected an integer >= 1"):
        Subspace(0)
