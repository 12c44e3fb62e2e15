import math
from collections.abc import Callable

import numpy as np
import pytest

from shortlist.errors import ArgumentError
from shortlist.metrics import auc, ece, logloss, normalised_entropy

Metric = Callable[..., float]

LABELS = np.array([1, 0, 1, 0, 0])
SCORES = np.array([0.9, 0.8, 0.5, 0.5, 0.1])


def test_auc_counts_pairs_and_halves_ties() -> None:
    # 0.9 beats three; 0.5 loses to 0.8, ties with 0.5 and beats 0.1.
    assert auc(LABELS, SCORES) == pytest.approx((3 + 0 + 0.5 + 1) / 6)
    assert auc(LABELS, np.zeros(5)) == 0.5
    assert auc(LABELS, -SCORES) == pytest.approx(1 - 4.5 / 6)


def test_auc_weighs_pairs_by_the_product_of_their_weights() -> None:
    weights = np.array([2.0, 1.0, 1.0, 3.0, 0.0])
    assert auc(LABELS, SCORES, weights) == pytest.approx((2 * 1 + 2 * 3 + 0.5 * 1 * 3) / (3 * 4))
    doubled = np.concatenate([LABELS, LABELS[:1]]), np.concatenate([SCORES, SCORES[:1]])
    assert auc(LABELS, SCORES, np.array([2, 1, 1, 1, 1])) == pytest.approx(auc(*doubled))


def test_auc_equals_all_pairs() -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 200), rng.integers(0, 30, 200)
    positive, negative = scores[labels == 1][:, None], scores[labels == 0]
    assert auc(labels, scores) == pytest.approx(np.mean((positive > negative) + 0.5 * (positive == negative)))


@pytest.mark.parametrize("labels", [[1, 1], [0, 0], []])
def test_one_class_has_no_auc_and_no_entropy(labels: list[int]) -> None:
    assert math.isnan(auc(np.array(labels), np.full(len(labels), 0.5)))
    assert math.isnan(normalised_entropy(np.array(labels), np.full(len(labels), 0.5)))


def test_logloss_by_arithmetic() -> None:
    labels, predicted = np.array([1, 0, 1]), np.array([0.8, 0.4, 0.5])
    expected = [-math.log(0.8), -math.log(0.6), -math.log(0.5)]
    assert logloss(labels, predicted) == pytest.approx(sum(expected) / 3)
    assert logloss(labels, predicted, np.array([1.0, 0.0, 3.0])) == pytest.approx(
        (expected[0] + 3 * expected[2]) / 4
    )


def test_certain_and_wrong_is_finite() -> None:
    assert logloss(np.array([1]), np.array([0.0])) == pytest.approx(-math.log(1e-15))
    assert logloss(np.array([0]), np.array([1.0], dtype=np.float32)) == pytest.approx(
        -math.log(1e-15), rel=1e-2
    )
    assert logloss(np.array([1]), np.array([1.0])) == pytest.approx(0, abs=1e-14)


def test_normalised_entropy_is_the_loss_against_the_base_rate() -> None:
    predicted = np.array([0.9, 0.2, 0.6, 0.4, 0.1])
    base = -(2 / 5 * math.log(2 / 5) + 3 / 5 * math.log(3 / 5))
    assert normalised_entropy(LABELS, predicted) == pytest.approx(logloss(LABELS, predicted) / base)
    assert normalised_entropy(LABELS, np.full(5, 0.4)) == pytest.approx(1)


def test_ece_by_arithmetic() -> None:
    labels = np.array([0, 0, 1, 1])
    predicted = np.array([0.2, 0.4, 0.5, 0.9])
    # Two bins of two rows: |0 - 0.6| / 4 and |2 - 1.4| / 4.
    assert ece(labels, predicted, bins=2) == pytest.approx((0.6 + 0.6) / 4)
    # One bin: |2 - 2.0| / 4.
    assert ece(labels, predicted, bins=1) == pytest.approx(0)
    # Weight 3 on the first row: it fills the first bin and the others fill the second.
    weighted = ece(labels, predicted, np.array([3.0, 1.0, 1.0, 1.0]), bins=2)
    assert weighted == pytest.approx((3 * 0.2 + abs(2 - 1.8)) / 6)


def test_ece_does_not_part_equal_predictions() -> None:
    labels = np.array([1, 1, 0, 0])
    assert ece(labels, np.full(4, 0.5), bins=2) == 0
    assert ece(labels[::-1], np.full(4, 0.5), bins=2) == 0


def test_no_rows_or_no_weight_is_nan() -> None:
    none = np.empty(0)
    for metric in (auc, logloss, ece, normalised_entropy):
        assert math.isnan(metric(none, none))
        assert math.isnan(metric(LABELS, SCORES, np.zeros(5)))


@pytest.mark.parametrize("metric", [auc, logloss, ece, normalised_entropy])
def test_wrong_arguments(metric: Metric) -> None:
    where = f"metrics.{metric.__name__}"
    with pytest.raises(ArgumentError, match=rf"{where}: expected labels, predictions and weights \[B\]"):
        metric(LABELS, SCORES[:3])
    with pytest.raises(ArgumentError, match=f"{where}: expected labels 0 and 1"):
        metric(LABELS * 2, SCORES)
    with pytest.raises(ArgumentError, match=f"{where}: expected .*NaN or predictions out of range"):
        metric(LABELS, np.where(LABELS == 1, np.nan, 0.5))
    with pytest.raises(ArgumentError, match=f"{where}: expected finite weights >= 0"):
        metric(LABELS, SCORES, -np.ones(5))


@pytest.mark.parametrize("metric", [logloss, ece, normalised_entropy])
def test_probabilities_lie_between_0_and_1(metric: Metric) -> None:
    with pytest.raises(ArgumentError, match=r"expected probabilities in \[0, 1\]"):
        metric(LABELS, SCORES + 1)


def test_bins_must_be_positive() -> None:
    with pytest.raises(ArgumentError, match=r"metrics.ece: expected bins >= 1"):
        ece(LABELS, SCORES, bins=0)
