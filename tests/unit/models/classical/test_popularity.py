import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical import Events, Popularity, RecentPopularity


def _events(items: list[int], times: list[float], weights: list[float]) -> Events:
    return Events(np.zeros(len(items), int), np.array(items), np.array(times), np.array(weights), (1, 3))


def test_popularity_sums_weights_and_ignores_the_history() -> None:
    model = Popularity().fit(csr_array(np.array([[1.0, 0.0, 2.0], [1.0, 0.0, 0.5]])))
    assert model.scores(csr_array(np.array([[0, 1, 0], [0, 0, 0]]))).tolist() == [[2.0, 0.0, 2.5]] * 2


def test_recent_popularity_counts_within_the_window_only() -> None:
    events = _events([0, 0, 1, 2], [0.0, 4.0, 5.0, 9.0], [1.0, 1.0, 3.0, 0.5])
    assert RecentPopularity(window=5.0).fit_events(events).popularity.tolist() == [0.0, 3.0, 0.5]
    assert RecentPopularity(window=4.0).fit_events(events).popularity.tolist() == [0.0, 0.0, 0.5]
    assert RecentPopularity(window=100).fit_events(events).popularity.tolist() == [2.0, 3.0, 0.5]


@pytest.mark.parametrize("window", [0, -1.0, float("nan")])
def test_window_must_be_a_length(window: float) -> None:
    with pytest.raises(ArgumentError, match=r"RecentPopularity.window: expected a length > 0"):
        RecentPopularity(window=window)
