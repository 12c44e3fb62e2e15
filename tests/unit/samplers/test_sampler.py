"""Negatives of a batch."""

from math import exp, log

import pytest
import torch

from shortlist.errors import ArgumentError
from shortlist.losses import sampled_softmax
from shortlist.samplers import InBatch, Population, Sampler, Source, Uniform
from shortlist.testing._samplers import (
    check_columns,
    check_draws_follow_log_q,
    check_exclusions,
    check_sampler_on_nothing,
    check_sampler_resumes,
)

SOURCES = pytest.mark.parametrize(
    "source", [InBatch(), Uniform(9), InBatch() + Uniform(9)], ids=["in-batch", "uniform", "mixed"]
)
LOG = Population.from_log([0, 0, 0, 1], [1, 2, 2, 2], users_total=2, items_total=4, catalogue=[1, 2, 3])


@SOURCES
@pytest.mark.parametrize("batch_size", [1, 30])
def test_columns_are_distinct_and_hold_the_positives(source: Source, batch_size: int) -> None:
    check_columns(source, seed=batch_size, batch_size=batch_size)


@SOURCES
@pytest.mark.parametrize("batch_size", [1, 30])
def test_exclusions_are_exactly_the_known_positives(source: Source, batch_size: int) -> None:
    check_exclusions(source, seed=batch_size, batch_size=batch_size)


@SOURCES
def test_draws_follow_the_stated_probabilities(source: Source) -> None:
    check_draws_follow_log_q(source, seed=4)


@SOURCES
def test_a_restored_sampler_goes_on_with_the_same_draws(source: Source) -> None:
    check_sampler_resumes(source, seed=5)


@SOURCES
def test_an_empty_batch(source: Source) -> None:
    check_sampler_on_nothing(source)


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


def test_seed_decides_the_draws() -> None:
    first, again, other = (
        Sampler(Uniform(50), LOG, seed=seed).sample(torch.tensor([1])).counts.tolist() for seed in (0, 0, 1)
    )
    assert first == again != other


def test_moving_to_a_device_keeps_the_values() -> None:
    negatives = Sampler(InBatch() + Uniform(2), LOG, seed=0).sample(
        torch.tensor([1, 2]), torch.tensor([0, 1])
    )
    moved = negatives.to("cpu")
    for left, right in zip((*moved[:-1], *moved.exclude), (*negatives[:-1], *negatives.exclude), strict=True):
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
