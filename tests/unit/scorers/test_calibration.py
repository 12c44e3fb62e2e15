import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.errors import ArgumentError, BundleError, DataError
from shortlist.metrics import auc, ece
from shortlist.scorers import Isotonic, Platt, Sliced, calibration_of, read_calibration


def _planted(rows=20_000, seed=0):
    """Labels by chance, and scores that are surer than they should be."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-2, 1, rows)
    labels = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    return labels, 1 / (1 + np.exp(-(2 * odds + 1))), odds


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_scores_become_what_they_say_and_keep_their_order(method):
    labels, scores, _ = _planted()
    fitted = calibration_of(labels, scores, method=method)
    later, others, _ = _planted(seed=1)
    chances = fitted.apply(others)
    assert ece(later, others, bins=20) > 0.05
    assert ece(later, chances, bins=20) < 0.01
    assert auc(later, chances) == pytest.approx(auc(later, others), abs=1e-6)
    assert chances.dtype == np.float32


def test_platt_undoes_a_known_distortion():
    labels, scores, odds = _planted(200_000)
    fitted = calibration_of(labels, scores)
    assert isinstance(fitted, Platt)
    assert fitted.odds
    assert fitted.slope == pytest.approx(0.5, abs=0.02)
    assert fitted.intercept == pytest.approx(-0.5, abs=0.03)
    raw = calibration_of(labels, 1000 + 7 * odds)
    assert not raw.odds
    assert raw.slope == pytest.approx(1 / 7, rel=0.02)
    np.testing.assert_allclose(raw.apply(1000 + 7 * odds), fitted.apply(scores), atol=0.01)


def test_platt_without_mistakes_stays_finite():
    fitted = calibration_of(np.array([0, 0, 1, 1]), np.array([-2.0, -1.0, 1.0, 2.0]))
    low, high = fitted.apply(np.array([-2.0, 2.0]))
    # Platt's targets: (2 + 1) / (2 + 2) of the positives, 1 / 4 of the negatives.
    assert 0.2 < low < 0.3
    assert 0.7 < high < 0.8


def test_isotonic_by_hand():
    labels, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.4, 0.8])
    fitted = calibration_of(labels, scores, method="isotonic", weights=np.array([1.0, 1.0, 3.0, 1.0]))
    # The second and third fall: together (1 + 3 * 0) / 4 at (0.2 + 3 * 0.4) / 4.
    assert isinstance(fitted, Isotonic)
    np.testing.assert_allclose(fitted.scores, [0.1, 0.35, 0.8])
    np.testing.assert_allclose(fitted.chances, [0, 0.25, 1])
    np.testing.assert_allclose(fitted.apply(np.array([0.35])), [(1 - 1e-4) * 0.25 + 1e-4 * 0.35])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-20, 20)), min_size=4, max_size=60))
def test_any_fit_rises(rows):
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    for method in ("platt", "isotonic"):
        try:
            fitted = calibration_of(labels, scores / 4, method=method)
        except DataError:
            continue
        grid = np.linspace(-5, 5, 21)
        chances = fitted.apply(grid)
        assert (np.diff(chances.astype(np.float64)) >= 0).all()
        assert ((chances >= 0) & (chances <= 1)).all()
        again = read_calibration(json.loads(json.dumps(fitted.to_json())))
        np.testing.assert_array_equal(again.apply(grid), chances)


def test_values_of_a_column_have_maps_of_their_own():
    labels, scores, _ = _planted()
    shop = np.where(np.arange(len(labels)) % 2, 7.0, np.nan)
    shop[:30] = 8.0
    changed = np.where(shop == 7.0, scores, scores**3)
    fitted = calibration_of(labels, changed, by="shop", slices=shop)
    assert isinstance(fitted, Sliced)
    assert list(fitted.parts) == ["7"]
    seven = shop == 7.0
    assert ece(labels[seven], fitted.apply(changed, shop)[seven], bins=20) < 0.02
    few = calibration_of(labels, changed, by="shop", slices=shop, min_rows=20)
    assert {"7", "8"} >= set(few.parts) > {"7"} or set(few.parts) == {"7"}
    whole = calibration_of(labels, changed)
    rest = ~np.isin(shop, (7.0,))
    np.testing.assert_array_equal(fitted.apply(changed, shop)[rest], whole.apply(changed)[rest])
    again = read_calibration(json.loads(json.dumps(fitted.to_json())))
    assert again == fitted
    with pytest.raises(ArgumentError, match="the value of 'shop'"):
        fitted.apply(changed)


def test_wrong_rows_are_refused():
    labels, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.4, 0.8])
    with pytest.raises(DataError, match="do not rise"):
        calibration_of(labels, -scores)
    with pytest.raises(DataError, match="do not rise"):
        calibration_of(np.zeros(4), scores)
    with pytest.raises(DataError, match="do not rise"):
        calibration_of(1 - np.sort(labels), np.arange(4), method="isotonic")
    with pytest.raises(ArgumentError, match="'platt' or 'isotonic'"):
        calibration_of(labels, scores, method="beta")
    with pytest.raises(ArgumentError, match="or neither"):
        calibration_of(labels, scores, by="shop")
    with pytest.raises(ArgumentError, match="of one length"):
        calibration_of(labels, scores[:2])
    with pytest.raises(ArgumentError, match="finite scores"):
        calibration_of(labels, scores * np.nan)
    for plain, words in (({"kind": "bet"}, "one of this version"), ({"kind": "platt"}, "platt with")):
        with pytest.raises(BundleError, match=words):
            read_calibration(plain)
