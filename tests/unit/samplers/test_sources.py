"""Where negatives come from."""

from collections.abc import Callable
from math import log

import numpy as np
import pytest

from shortlist.errors import ArgumentError
from shortlist.samplers import (
    Everything,
    Exposed,
    Hardest,
    InBatch,
    LogUniform,
    Mined,
    Mixed,
    Population,
    Queue,
    Rows,
    Streaming,
    Uniform,
    Unigram,
    own_sources,
    shared_sources,
)
from shortlist.schedules import Linear

LOG = Population.from_log([0, 0, 0, 1], [1, 2, 2, 2], users_total=2, items_total=4, catalogue=[1, 2, 3])


def test_in_batch_expects_the_train_share() -> None:
    assert InBatch().expected(LOG, np.array([1, 2]), Rows(8)).tolist() == [8 * 1 / 4, 8 * 3 / 4]


def test_an_item_never_seen_counts_as_seen_once() -> None:
    assert InBatch().expected(LOG, np.array([3]), Rows(8)).tolist() == [8 * 1 / 4]


def test_uniform_expects_the_same_of_every_item() -> None:
    assert Uniform(6).expected(LOG, np.array([1, 3]), Rows(8)).tolist() == [6 / 3, 6 / 3]


def test_a_sum_of_sources_adds_expectations_and_draws() -> None:
    mixed = InBatch() + Uniform(6) + Uniform(3)
    assert mixed == Mixed((InBatch(), Uniform(6), Uniform(3)))
    assert mixed.in_batch
    assert not (Uniform(6) + Uniform(3)).in_batch
    assert mixed.expected(LOG, np.array([2]), Rows(8)).tolist() == [8 * 3 / 4 + 6 / 3 + 3 / 3]
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
    with pytest.raises(ArgumentError, match=r"Queue: expected Queue\(\) once"):
        Queue() + InBatch() + Queue(2)
    for source in (Unigram(2), LogUniform(2)):
        with pytest.raises(ArgumentError, match=r"\.draw: expected at least one item"):
            source.draw(empty, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Unigram(0), r"Unigram\.n: expected an integer >= 1; received 0"),
        (lambda: Unigram(1, alpha=float("nan")), r"Unigram\.alpha: expected a finite number"),
        (lambda: LogUniform(0), r"LogUniform\.n"),
        (lambda: Queue(0), r"Queue\.batches"),
        (lambda: Exposed("shown", n=0), r"Exposed\.n"),
        (lambda: Hardest(2, Uniform(9), share=1.0), r"Hardest\.share.*leave the other negatives out"),
        (lambda: Mined(2, share=Linear(0.0, 1.5)), r"Mined\.share"),
        (lambda: Mined(9, ranks=(1, 8)), r"Mined\.ranks.*of at least n = 9 items"),
        (lambda: Mined(2, ranks=(0, 8)), r"Mined\.ranks"),
        (lambda: Mined(2, every=0), r"Mined\.every"),
        (lambda: Streaming(rate=1.0), r"Streaming\.rate"),
        (lambda: Streaming(buckets=0), r"Streaming\.buckets"),
    ],
)
def test_wrong_options_are_named(make: Callable[[], object], match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        make()


def test_unigram_and_log_uniform_state_their_laws() -> None:
    # Counts of items 1, 2, 3 are 1, 3 and 0, which counts as 1.
    assert Unigram(10, alpha=1.0).expected(LOG, np.array([1, 2, 3]), Rows(0)).tolist() == [2.0, 6.0, 2.0]
    assert Unigram(6, alpha=0.0).expected(LOG, np.array([1, 2]), Rows(0)).tolist() == [2.0, 2.0]
    # Ranks: item 2, then 1, then 3.
    found = LogUniform(5).expected(LOG, np.array([2, 1, 3]), Rows(0)).tolist()
    assert found == pytest.approx([5 * log((k + 2) / (k + 1)) / log(4) for k in range(3)])
    assert sum(found) == pytest.approx(5)


def test_a_sum_keeps_what_is_shared_apart_from_what_is_each_row_s_own() -> None:
    hard, shown = Hardest(2, Uniform(9)), Exposed("shown")
    mixed = InBatch() + hard + Uniform(3) + shown
    assert shared_sources(mixed) == (InBatch(), Uniform(3))
    assert own_sources(mixed) == (hard, shown)
    assert own_sources(hard) == (hard,)
    assert shared_sources(hard) == own_sources(InBatch()) == ()
    for source in (hard, shown, Mined(), Queue(), Everything(), Unigram(1), LogUniform(1)):
        assert len((source + InBatch()).sources) + len((source + InBatch()).own) == 2
