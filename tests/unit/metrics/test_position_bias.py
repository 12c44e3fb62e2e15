import numpy as np
import pytest

from shortlist.errors import ArgumentError
from shortlist.metrics import PositionBias, inverse_propensity, position_bias

LOOKED = np.array([1.0, 0.6, 0.3, 0.1])


def planted(rows, *, random):
    """Clicks of what is looked at and liked; a good item stands above, unless positions are dealt out."""
    rng = np.random.default_rng(0)
    item = rng.integers(0, 20, rows)
    liked = np.linspace(0.05, 0.6, 20)
    wanted = rng.integers(0, 4, rows) if random else np.clip(3 - item // 5 + rng.integers(-1, 2, rows), 0, 3)
    clicks = rng.random(rows) < LOOKED[wanted] * liked[item]
    return clicks.astype(int), wanted + 1, item


def test_positions_that_were_dealt_out_show_their_rates():
    clicks, positions, _ = planted(60_000, random=True)
    found = position_bias(clicks, positions)
    assert found.positions.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(found.propensities, LOOKED, atol=0.04)


def test_what_stands_above_for_being_good_is_told_apart():
    clicks, positions, item = planted(60_000, random=False)
    naive = position_bias(clicks, positions).propensities
    found = position_bias(clicks, positions, item).propensities
    np.testing.assert_allclose(found, LOOKED, atol=0.06)
    assert np.abs(naive - LOOKED).max() > 2 * np.abs(found - LOOKED).max()
    few = position_bias(clicks, positions, item, rounds=1).propensities
    assert not np.allclose(few, found)


def test_weights_make_clicks_count_alike():
    clicks, positions, _ = planted(60_000, random=True)
    weights = inverse_propensity(clicks, position_bias(clicks, positions).of(positions), most=100)
    rates = [(clicks * weights)[positions == place].mean() for place in (1, 2, 3, 4)]
    assert max(rates) / min(rates) < 1.02
    assert (weights[clicks == 0] == 1).all()


def test_wrong_arguments():
    with pytest.raises(ArgumentError, match="at least one click"):
        position_bias(np.zeros(3), np.ones(3))
    with pytest.raises(ArgumentError, match="a position for each"):
        position_bias(np.ones(3), np.ones(2))
    with pytest.raises(ArgumentError, match="not in the log"):
        PositionBias(np.array([1, 2]), np.array([1.0, 0.5])).of(np.array([3]))
    with pytest.raises(ArgumentError, match="one above 0"):
        inverse_propensity(np.ones(2), np.array([0.5, 0.0]))
