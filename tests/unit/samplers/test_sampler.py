"""Negatives of a batch."""

import time
from math import exp, log

import numpy as np
import pytest
import torch

from shortlist.errors import ArgumentError
from shortlist.losses import sampled_softmax
from shortlist.samplers import (
    DeviceSampler,
    Everything,
    InBatch,
    LogUniform,
    Nothing,
    Population,
    Queue,
    Sampler,
    Source,
    Streaming,
    Uniform,
    Unigram,
    _device_sampler,
    sampler_for,
)
from shortlist.testing._samplers import (
    AnySampler,
    check_columns,
    check_draws_follow_log_q,
    check_exclusions,
    check_sampler_on_nothing,
    check_sampler_resumes,
    check_seeds,
)

SHARED = [
    InBatch(),
    Uniform(9),
    Unigram(9),
    Unigram(9, alpha=-0.5),
    LogUniform(9),
    Everything(),
    Queue(3),
    InBatch() + Uniform(9),
    InBatch() + Uniform(5) + Unigram(4) + LogUniform(3),
    InBatch() + Queue(2) + Uniform(9),
]
ON_DEVICE = [InBatch(), Uniform(9), Unigram(9), LogUniform(9), InBatch() + Uniform(5) + Unigram(4)]
SOURCES = pytest.mark.parametrize(
    ("source", "sampler"),
    [*((source, Sampler) for source in SHARED), *((source, DeviceSampler) for source in ON_DEVICE)],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
LOG = Population.from_log([0, 0, 0, 1], [1, 2, 2, 2], users_total=2, items_total=4, catalogue=[1, 2, 3])


@SOURCES
@pytest.mark.parametrize("batch_size", [1, 30])
def test_columns_are_distinct_and_hold_the_positives(
    source: Source, sampler: AnySampler, batch_size: int
) -> None:
    check_columns(source, seed=batch_size, batch_size=batch_size, sampler=sampler)


@SOURCES
@pytest.mark.parametrize("batch_size", [1, 30])
def test_exclusions_are_exactly_the_known_positives(
    source: Source, sampler: AnySampler, batch_size: int
) -> None:
    check_exclusions(source, seed=batch_size, batch_size=batch_size, sampler=sampler)


@SOURCES
def test_draws_follow_the_stated_probabilities(source: Source, sampler: AnySampler) -> None:
    check_draws_follow_log_q(source, seed=4, sampler=sampler)


@SOURCES
def test_a_restored_sampler_goes_on_with_the_same_draws(source: Source, sampler: AnySampler) -> None:
    check_sampler_resumes(source, seed=5, sampler=sampler)


@SOURCES
def test_seeds_decide_the_draws(source: Source, sampler: AnySampler) -> None:
    check_seeds(source, sampler=sampler)


@SOURCES
def test_an_empty_batch(source: Source, sampler: AnySampler) -> None:
    check_sampler_on_nothing(source, sampler=sampler)


def test_mixed_probability_is_the_weighted_mean_of_both_shares() -> None:
    negatives = Sampler(InBatch() + Uniform(6), LOG, seed=0).sample(
        torch.tensor([1, 2]), torch.tensor([0, 1])
    )
    shares = {1: 1 / 4, 2: 3 / 4, 3: 1 / 4}  # item 3, never seen, counts as seen once
    share = {code: (2 * shares[code] + 6 / 3) / (2 + 6) for code in shares}
    assert negatives.log_q.exp().tolist() == pytest.approx([share[code] for code in negatives.codes.tolist()])
    assert negatives.positive_log_q.exp().tolist() == pytest.approx([share[1], share[2]])


def test_positives_that_were_not_drawn_count_for_nothing() -> None:
    log_of_zero = Population.from_log([0], [0], users_total=1, items_total=9, catalogue=[5])
    negatives = Sampler(Uniform(4), log_of_zero, seed=0).sample(torch.tensor([0, 0]), torch.tensor([0, 0]))
    assert negatives.codes.tolist() == [0, 5] + [0] * 126
    assert negatives.positives.tolist() == [0, 0]
    assert negatives.counts.tolist() == [0, 4] + [0] * 126
    assert negatives.log_weights()[0].exp().tolist() == pytest.approx([0, 4 / 4] + [0] * 126)


def test_rows_of_the_batch_hold_the_items_of_the_columns() -> None:
    items = torch.tensor([2, 1, 2])
    in_batch = Sampler(InBatch(), LOG, seed=0).sample(items)
    assert torch.equal(items[in_batch.rows()], in_batch.codes)
    mixed = Sampler(InBatch() + Uniform(50), LOG, seed=0).sample(items)
    rows = mixed.rows()
    assert mixed.codes[rows < 0].tolist() == [3]
    assert torch.equal(items[rows[rows >= 0]], mixed.codes[rows >= 0])
    assert len(Sampler(InBatch(), LOG, seed=0).sample(items[:0]).rows()) == 0


def test_log_weights_stand_for_the_catalogue() -> None:
    negatives = Sampler(InBatch(), LOG, seed=0).sample(torch.tensor([2, 1, 2]), torch.tensor([1, 0, 0]))
    assert negatives.counts.tolist() == [1, 2] + [0] * 126
    weights, positive = negatives.log_weights()
    assert weights[:2].exp().tolist() == pytest.approx([1 / (3 * 1 / 4), 2 / (3 * 3 / 4)])
    assert positive is not None
    assert positive.exp().tolist() == pytest.approx([1 / (3 * 3 / 4), 1 / (3 * 1 / 4), 1 / (3 * 3 / 4)])
    assert negatives.log_weights(correct_positive=False)[1] is None
    plain, nothing = negatives.log_weights(log_q=False)
    assert plain.exp().tolist() == pytest.approx([1, 2] + [0] * 126)
    assert nothing is None


def test_the_loss_of_a_batch_is_the_corrected_in_batch_softmax() -> None:
    items, users = torch.tensor([2, 1, 2]), torch.tensor([1, 0, 1])
    negatives = Sampler(InBatch(), LOG, seed=0).sample(items, users)
    queries = torch.tensor([[0.3], [-0.2], [0.1]])
    vectors = torch.tensor([[0.0], [0.5], [2.0]])[negatives.codes]  # of items 1 and 2
    weights, positive_weights = negatives.log_weights()
    loss = sampled_softmax(
        queries,
        vectors[negatives.positives],
        vectors,
        log_weights=weights,
        positive_log_weights=positive_weights,
        exclude=negatives.exclude,
    )
    # User 1 knows item 2 alone, so rows 0 and 2 meet item 1; user 0 knows both, so row 1 meets nothing.
    rows = [-log(exp(q * 2.0) / 0.75 / (exp(q * 2.0) / 0.75 + exp(q * 0.5) / 0.25)) for q in (0.3, 0.1)]
    assert loss.item() == pytest.approx(sum(rows) / 3)


def test_moving_to_a_device_keeps_the_values() -> None:
    negatives = Sampler(InBatch() + Uniform(2), LOG, seed=0).sample(
        torch.tensor([1, 2]), torch.tensor([0, 1])
    )
    moved = negatives.to("cpu")
    for left, right in zip((*moved[:5], *moved.exclude), (*negatives[:5], *negatives.exclude), strict=True):
        assert torch.equal(torch.as_tensor(left), torch.as_tensor(right))


def test_wrong_batches_are_named() -> None:
    sampler = Sampler(InBatch(), LOG, seed=0)
    with pytest.raises(
        ArgumentError, match=r"Sampler.sample.users: expected \[B\] = \(2,\); received \(1,\)"
    ):
        sampler.sample(torch.tensor([1, 2]), torch.tensor([0]))
    with pytest.raises(ArgumentError, match=r"Sampler.sample.items: expected codes from 0 to 3"):
        sampler.sample(torch.tensor([4]))
    with pytest.raises(ArgumentError, match=r"Sampler.sample.users: expected codes from 0 to 1"):
        sampler.sample(torch.tensor([1]), torch.tensor([2]))
    with pytest.raises(ArgumentError, match=r"DeviceSampler.sample: expected items and users \[B\]"):
        DeviceSampler(InBatch(), LOG, seed=0).sample(torch.tensor([1, 2]), torch.tensor([0]))
    with pytest.raises(ArgumentError, match=r"DeviceSampler.source: expected a sum of InBatch"):
        DeviceSampler(Queue(), LOG, seed=0)


def test_a_queue_gives_the_positives_of_the_last_batches() -> None:
    sampler = Sampler(InBatch() + Queue(2), LOG, seed=0)
    found = [sampler.sample(torch.tensor(items)) for items in ([1, 1], [2, 1], [3, 2], [0, 2])]
    counts = [
        {int(code): int(count) for code, count in zip(one.codes, one.counts, strict=True) if count > 0}
        for one in found
    ]
    # Each batch, and the two before it.
    assert counts == [{1: 2}, {1: 3, 2: 1}, {1: 3, 2: 2, 3: 1}, {0: 1, 1: 1, 2: 3, 3: 1}]
    assert [one.queued[:4].tolist() for one in found if one.queued is not None][2:] == [
        [True, False, False, True],
        [False, True, False, True],
    ]


def test_on_a_device_the_columns_are_those_of_the_processor() -> None:
    items, users = torch.tensor([2, 1, 2]), torch.tensor([1, 0, 0])
    here, there = (kind(InBatch(), LOG, seed=0).sample(items, users) for kind in (Sampler, DeviceSampler))
    for one, other in zip((*here[:5], *here.exclude), (*there[:5], *there.exclude), strict=True):
        assert torch.allclose(torch.as_tensor(one), torch.as_tensor(other))


def test_the_sampler_of_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_device_sampler, "DeviceSampler", lambda *_, **__: "on the device")

    def chosen(source: Source, device: str, streaming: Streaming | None = None) -> object:
        return sampler_for(source, LOG, seed=0, device=device, streaming=streaming)

    assert chosen(InBatch() + Uniform(2), "cuda") == "on the device"
    assert isinstance(chosen(InBatch() + Uniform(2), "cpu"), Sampler)
    assert isinstance(chosen(InBatch() + Queue(), "cuda"), Sampler)
    assert isinstance(chosen(InBatch(), "cuda", Streaming()), Sampler)


def test_streamed_shares_approach_those_of_the_rows_and_follow_a_change() -> None:
    # Item 1 is half the rows at first and a tenth later; batches of 50 hold it many times.
    rng = np.random.default_rng(0)
    log = Population.from_log([0] * 4, [0, 1, 2, 3], users_total=1, items_total=4)
    sampler = Sampler(InBatch(), log, seed=0, streaming=Streaming(rate=0.05))
    for half in (0.5, 0.1):
        shares = np.array([(1 - half) / 3, half, (1 - half) / 3, (1 - half) / 3])
        found = []
        for _ in range(400):
            drawn = sampler.sample(torch.from_numpy(rng.choice(4, size=50, p=shares)))
            found.append(drawn.log_q[drawn.codes == 1][:1].exp())
        assert torch.cat(found[200:]).mean().item() == pytest.approx(half, rel=0.1)


def test_colliding_buckets_take_the_longest_gap() -> None:
    """Item 7 is half the rows: what shares a cell with it looks popular, unless another table disagrees."""
    rng = np.random.default_rng(0)
    log = Population.from_log([0] * 40, range(40), users_total=1, items_total=40)
    shares = np.full(40, 0.5 / 39)
    shares[7] = 0.5

    def mistaken(options: Streaming) -> int:
        sampler = Sampler(Everything() + InBatch(), log, seed=0, streaming=options)
        for _ in range(200):
            drawn = sampler.sample(torch.from_numpy(rng.choice(40, size=64, p=shares)))
        estimates = (drawn.log_q[:40].exp() * drawn.counts.sum() - 1) / 64
        return int((estimates > 0.25).sum()) - 1

    assert mistaken(Streaming()) == 0
    assert mistaken(Streaming(buckets=8, hashes=4)) < mistaken(Streaming(buckets=8, hashes=1))


def test_without_negatives_nothing_weighs() -> None:
    negatives = Sampler(Nothing(), LOG, seed=0).sample(torch.tensor([1, 2]), torch.tensor([0, 1]))
    assert negatives.log_weights()[0].eq(-torch.inf).all()
    assert [len(part) for part in negatives.exclude] == [0, 0]


def test_a_sequence_of_positions_is_sampled_quickly() -> None:
    """A hundred thousand positions, users in runs of two hundred: about a pass over them."""
    rng = np.random.default_rng(0)
    users, items = np.repeat(np.arange(500), 200), rng.integers(3_000, size=100_000)
    log = Population.from_log(users, items, users_total=500, items_total=3_000)
    sampler = Sampler(Uniform(256), log, seed=0)
    positions = torch.from_numpy(items), torch.from_numpy(users)
    sampler.sample(*positions)
    started = time.perf_counter()
    negatives = sampler.sample(*positions)
    alone = sampler.sample(positions[0])
    assert time.perf_counter() - started < 2.0
    drawn = int((negatives.counts > 0).sum())
    assert drawn <= 256
    assert len(negatives.exclude[0]) < 100_000 * drawn * 0.2
    assert len(alone.exclude[0]) < len(negatives.exclude[0])
