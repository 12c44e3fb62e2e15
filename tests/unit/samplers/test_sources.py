"""Where negatives come from."""

import numpy as np
import pytest

from shortlist.errors import ArgumentError
from shortlist.samplers import InBatch, Mixed, Population, Uniform

LOG = Population.from_log([0, 0, 0, 1], [1, 2, 2, 2], users_total=2, items_total=4, catalogue=[1, 2, 3])


def test_in_batch_expects_the_train_share() -> None:
    assert InBatch().expected(LOG, np.array([1, 2]), batch_size=8).tolist() == [8 * 1 / 4, 8 * 3 / 4]


def test_an_item_never_seen_counts_as_seen_once() -> None:
    assert InBatch().expected(LOG, np.array([3]), batch_size=8).tolist() == [8 * 1 / 4]


def test_uniform_expects_the_same_of_every_item() -> None:
    assert Uniform(6).expected(LOG, np.array([1, 3]), batch_size=8).tolist() == [6 / 3, 6 / 3]


def test_a_sum_of_sources_adds_expectations_and_draws() -> None:
    mixed = InBatch() + Uniform(6) + Uniform(3)
    assert mixed == Mixed((InBatch(), Uniform(6), Uniform(3)))
    assert mixed.in_batch
    assert not (Uniform(6) + Uniform(3)).in_batch
    assert mixed.expected(LOG, np.array([2]), batch_size=8).tolist() == [8 * 3 / 4 + 6 / 3 + 3 / 3]
    assert len(mixed.draw(LOG, np.random.default_rng(0))) == 6 + 3


def test_sums_are_flat_whichever_side_comes_first() -> None:
    assert Uniform(6) + (InBatch() + Uniform(3)) == Mixed((Uniform(6), InBatch(), Uniform(3)))


def test_uniform_draws_from_the_catalogue_alone() -> None:
    assert sorted(set(Uniform(200).draw(LOG, np.random.default_rng(0)).tolist())) == [1, 2, 3]


def test_wrong_sources_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"Uniform.n: expected an integer >= 1; received 0"):
        Uniform(0)
    with pytest.raises(ArgumentError, match=r"InBatch: expected InBatch\(\) once"):
        InBatch() + (Uniform(2) + InBatch())
    empty = Population.from_log([0], [1], users_total=2, items_total=4, catalogue=[])
    with pytest.raises(ArgumentError, match=r"Uniform.draw: expected at least one item"):
        Uniform(2).draw(empty, np.random.default_rng(0))
