"""What every source of negatives must satisfy."""

import json

import numpy as np
import torch
from torch import Tensor

from shortlist.samplers import DeviceSampler, Negatives, Population, Rows, Sampler, Source, queue_of

__all__ = [
    "check_columns",
    "check_draws_follow_log_q",
    "check_exclusions",
    "check_sampler_on_nothing",
    "check_sampler_resumes",
    "check_seeds",
    "random_log",
]

AnySampler = type[Sampler] | type[DeviceSampler]


def random_log(
    seed: int, *, users: int = 7, items: int = 11, rows: int = 60
) -> tuple[Tensor, Tensor, Population]:
    """User and item codes of a random training log, and its population.

    >>> users, items, population = random_log(0)
    >>> int(population.counts.sum()) == len(users) == len(items)
    True
    """
    rng = np.random.default_rng(seed)
    user_codes = rng.integers(users, size=rows)
    item_codes = (items * rng.random(rows) ** 2).astype(np.int64)
    population = Population.from_log(user_codes, item_codes, users_total=users, items_total=items)
    return torch.from_numpy(user_codes), torch.from_numpy(item_codes), population


def check_columns(source: Source, *, seed: int, batch_size: int, sampler: AnySampler = Sampler) -> None:
    """Every item drawn is one column, every row finds its positive, and filling counts for nothing."""
    users, items, population = random_log(seed)
    rows = torch.from_numpy(np.random.default_rng(seed).integers(len(users), size=batch_size))
    drawer = sampler(source, population, seed=seed)
    for queued in range(3):
        negatives = drawer.sample(items[rows], users[rows])
        drawn_codes = negatives.codes[negatives.counts > 0].tolist()
        assert len(set(drawn_codes)) == len(drawn_codes)
        assert len(negatives.codes) % 128 == 0
        assert torch.equal(negatives.codes[negatives.positives], items[rows])
        own = batch_size if source.in_batch else 0
        queue = queue_of(source)
        held = 0 if queue is None else min(queued, queue.batches) * batch_size
        drawn = len(source.draw(population, np.random.default_rng(0)))
        assert float(negatives.counts.sum()) == own + drawn + held
        assert len(negatives.codes) == len(negatives.counts) == len(negatives.log_q)
        assert torch.isfinite(negatives.log_q).all()
        assert torch.isfinite(negatives.positive_log_q).all()


def check_exclusions(source: Source, *, seed: int, batch_size: int, sampler: AnySampler = Sampler) -> None:
    """A pair is excluded exactly when the item was drawn and is the row's own or its user's known positive.

    The row's own item is the accidental hit; known positives are those of the whole log.
    """
    users, items, population = random_log(seed)
    liked = set(zip(users.tolist(), items.tolist(), strict=True))
    rng = np.random.default_rng(seed)
    # Rows of any user with any item: an item need not be among its user's known positives. Some users follow
    # themselves, as in the positions of a sequence.
    users, items = (torch.from_numpy(rng.integers(total, size=batch_size)) for total in (7, 11))
    users[batch_size // 2 :] = users[batch_size // 2 :].sort().values
    for known in (True, False):
        negatives = sampler(source, population, seed=seed).sample(items, users if known else None)
        drawn = negatives.counts > 0
        expected = [
            (row, column)
            for row, (user, item) in enumerate(zip(users.tolist(), items.tolist(), strict=True))
            for column, code in enumerate(negatives.codes.tolist())
            if drawn[column] and (code == item or (known and (user, code) in liked))
        ]
        received = list(zip(*(part.tolist() for part in negatives.exclude), strict=True))
        assert sorted(received) == expected
        assert [row for row, _ in received] == [row for row, _ in expected]


def check_draws_follow_log_q(
    source: Source, *, seed: int, batches: int = 400, batch_size: int = 16, sampler: AnySampler = Sampler
) -> None:
    """Over batches of training rows, each item is drawn as often as ``exp(log_q)`` says, and no other."""
    _, items, population = random_log(seed)
    drawer, rng = sampler(source, population, seed=seed), np.random.default_rng(seed)
    counts, expected = np.zeros(len(population.counts)), np.zeros(len(population.counts))
    everything, held = np.arange(len(population.counts)), 0
    for _ in range(batches):
        negatives = drawer.sample(items[torch.from_numpy(rng.integers(len(items), size=batch_size))])
        codes, drawn = negatives.codes.numpy(), float(negatives.counts.sum())
        # Before anything is remembered a queue has no draws: they are counted from the second batch on.
        hoped = source.expected(population, everything, Rows(batch_size, held))
        if drawn > 0:
            shares = np.exp(negatives.log_q.double().numpy())
            np.testing.assert_allclose(shares * drawn, hoped[codes], rtol=1e-5)
            np.add.at(counts, codes, negatives.counts.numpy())
            expected += hoped
        queue = queue_of(source)
        held = 0 if queue is None else min(held + batch_size, queue.batches * batch_size)
    # A row that is remembered counts again in each batch: as many times less is known of the shares.
    repeats = 1.0 if queue_of(source) is None else held / batch_size + 1.0
    sampled = expected > 0
    deviation = (counts - expected)[sampled] / np.sqrt(repeats * expected[sampled])
    assert float(np.abs(deviation).max()) < 5.0
    assert counts[~sampled].sum() == 0
    assert abs(float(expected.sum()) / float(counts.sum()) - 1.0) < 0.02


def check_sampler_resumes(source: Source, *, seed: int, sampler: AnySampler = Sampler) -> None:
    """A sampler restored from its state, by way of JSON, goes on with the same negatives."""
    users, items, population = random_log(seed)
    first, second = (sampler(source, population, seed=seed + shift) for shift in (0, 0))
    for start in range(0, 50, 10):
        first.sample(items[start : start + 10], users[start : start + 10])
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    for start in range(0, 50, 10):
        batch = items[start : start + 10], users[start : start + 10]
        _assert_same(first.sample(*batch), second.sample(*batch))


def check_seeds(source: Source, *, sampler: AnySampler = Sampler) -> None:
    """One seed gives the same negatives again; another gives others, unless nothing is left to chance."""
    users, items, population = random_log(3, items=200, rows=900)
    drawn = [sampler(source, population, seed=seed).sample(items[:20], users[:20]) for seed in (1, 1, 2)]
    _assert_same(drawn[0], drawn[1])
    once, again = (source.draw(population, np.random.default_rng(seed)) for seed in (1, 2))
    if not np.array_equal(once, again):
        assert drawn[0].codes.tolist() != drawn[2].codes.tolist()


def check_sampler_on_nothing(source: Source, *, sampler: AnySampler = Sampler) -> None:
    """An empty batch gives no pairs and finite corrections."""
    _, _, population = random_log(0)
    none = torch.empty(0, dtype=torch.int64)
    negatives = sampler(source, population, seed=0).sample(none, none)
    assert [len(part) for part in negatives.exclude] == [0, 0]
    assert len(negatives.positives) == len(negatives.positive_log_q) == 0
    assert not any(bool(part.isnan().any()) for part in negatives.log_weights() if part is not None)


def _assert_same(left: Negatives, right: Negatives) -> None:
    for one, other in zip((*left[:5], *left.exclude), (*right[:5], *right.exclude), strict=True):
        assert isinstance(one, Tensor)
        assert isinstance(other, Tensor)
        assert torch.equal(one, other)
