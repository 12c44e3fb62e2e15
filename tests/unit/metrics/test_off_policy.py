"""Off-policy estimates find what a policy earns, from the log of another."""

import numpy as np
import pytest

from shortlist import metrics as m
from shortlist.errors import ArgumentError

CHANCES = np.array([0.1, 0.2, 0.6])
LOGGED = np.array([0.6, 0.3, 0.1])
TARGET = np.array([0.2, 0.2, 0.6])


def test_what_is_estimated_is_what_the_policy_earns() -> None:
    rng = np.random.default_rng(0)
    shown = rng.choice(3, 200_000, p=LOGGED)
    rewards = rng.random(len(shown)) < CHANCES[shown]
    truth = TARGET @ CHANCES  # 0.02 + 0.04 + 0.36
    wrong = np.full(3, 0.3)  # a model of the rewards that knows nothing
    columns = rewards, TARGET[shown], LOGGED[shown]
    found = [
        m.ips(*columns),
        m.snips(*columns),
        m.doubly_robust(*columns, wrong[shown], np.full(len(shown), TARGET @ wrong)),
    ]
    for values in found:
        assert values.mean() == pytest.approx(truth, abs=0.01)
        interval = m.mean_interval(values, level=0.999)
        assert interval.low < truth < interval.high
    assert rewards.mean() == pytest.approx(LOGGED @ CHANCES, abs=0.01)
    # With the right model the weights may be as wrong as they like.
    halved = rewards, TARGET[shown] / 2, LOGGED[shown]
    right = m.doubly_robust(*halved, CHANCES[shown], np.full(len(shown), truth))
    assert right.mean() == pytest.approx(truth, abs=0.01)
    assert m.ips(*halved).mean() == pytest.approx(truth / 2, abs=0.01)


def test_weights_are_bounded() -> None:
    columns = np.array([1.0, 1.0]), np.array([0.9, 0.1]), np.array([0.1, 0.5])
    assert m.ips(*columns).tolist() == pytest.approx([9.0, 0.2])
    assert m.ips(*columns, most=2.0).tolist() == pytest.approx([2.0, 0.2])
    assert m.snips(*columns, most=2.0).mean() == 1.0
    assert np.isnan(m.snips(np.ones(2), np.zeros(2), np.ones(2))).all()


def test_they_check_what_they_get() -> None:
    one = np.ones(1)
    with pytest.raises(ArgumentError, match=r"metrics\.ips: expected rewards and two probabilities"):
        m.ips(one, np.ones(2), one)
    for target, logged, most in ((2 * one, one, 1.0), (one, 0 * one, 1.0), (one, one, 0.0)):
        with pytest.raises(ArgumentError, match="logged above 0"):
            m.snips(one, target, logged, most=most)
    with pytest.raises(ArgumentError, match="one for each of the 1 rows"):
        m.doubly_robust(one, one, one, one, np.ones(2))
