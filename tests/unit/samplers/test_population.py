"""The counts of a training log."""

import pytest

from shortlist.errors import ArgumentError
from shortlist.samplers import Population


def test_counts_repeat_and_known_positives_do_not() -> None:
    log = Population.from_log([2, 0, 2, 2], [3, 1, 3, 0], users_total=4, items_total=5)
    assert log.counts.tolist() == [1, 1, 0, 2, 0]
    assert log.total == 1 + 1 + 2
    assert log.known_starts.tolist() == [0, 1, 1, 3, 3]
    assert log.known_items.tolist() == [1, 0, 3]
    assert log.catalogue.tolist() == [0, 1, 2, 3, 4]


def test_an_empty_log_is_a_population() -> None:
    log = Population.from_log([], [], users_total=2, items_total=0)
    assert log.known_starts.tolist() == [0, 0, 0]
    assert len(log.counts) == len(log.known_items) == len(log.catalogue) == 0


def test_wrong_logs_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"expected users and items of one length; received \(2, 1\)"):
        Population.from_log([0, 0], [0], users_total=1, items_total=1)
    with pytest.raises(
        ArgumentError, match=r"Population.from_log.items: .*from 0 to 2; received codes from 0 to 3"
    ):
        Population.from_log([0, 3], [0, 3], users_total=4, items_total=3)
    with pytest.raises(ArgumentError, match=r"Population.from_log.users: .*received shape \(1, 2\)"):
        Population.from_log([[0, 3]], [0, 3], users_total=3, items_total=4)
    with pytest.raises(ArgumentError, match=r"Population.from_log.catalogue: .* received codes from -1 to 3"):
        Population.from_log([0, 3], [0, 3], users_total=4, items_total=4, catalogue=[-1, 3])
