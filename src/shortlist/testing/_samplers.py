"""What every source of negatives must satisfy."""

import json

import numpy as np
import torch
from torch import Tensor

from shortlist.samplers import Population, Sampler, Source

__all__ = [
    "check_columns",
    "check_draws_follow_log_q",
    "check_exclusions",
    "check_sampler_on_nothing",
    "check_sampler_resumes",
    "random_log",
]


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


def check_columns(source: Source, *, seed: int, batch_size: int) -> None:
    """Every item drawn is one column, every row finds its positive, and filling counts for nothing."""
    users, items, population = random_log(seed)
    rows = torch.from_numpy(np.random.default_rng(seed).integers(len(users), size=batch_size))
    negatives = Sampler(source, population, seed=seed).sample(items[rows], users[rows])
    drawn_codes = negatives.codes[negatives.counts > 0].tolist()
    assert len(set(drawn_codes)) == len(drawn_codes)
    assert len(negatives.codes) % 128 == 0
    assert torch.equal(negatives.codes[negatives.positives], items[rows])
    own = batch_size if source.in_batch else 0
    drawn = len(source.draw(population, np.random.default_rng(0)))
    assert float(negatives.counts.sum()) == own + drawn
    assert len(negatives.codes) == len(negatives.counts) == len(negatives.log_q)


def check_exclusions(source: Source, *, seed: int, batch_size: int) -> None:
    """A pair is excluded exactly when the column's item is the row's own or a known positive of its user."""
    users, items, population = random_log(seed)
    liked = set(zip(users.tolist(), items.tolist(), strict=True))
    rng = np.random.default_rng(seed)
    # Rows of any user with any item: an item need not be among its user's known positives.
    users, items = (torch.from_numpy(rng.integers(total, size=batch_size)) for total in (7, 11))
    for known in (True, False):
        negatives = Sampler(source, population, seed=seed).sample(items, users if known else None)
        expected = [
            (row, column)
            for row, (user, item) in enumerate(zip(users.tolist(), items.tolist(), strict=True))
            for column, code in enumerate(dict.fromkeys(negatives.codes.tolist()))
            if code == item or (known and (user, code) in liked)
        ]
        received = list(zip(*(part.tolist() for part in negatives.exclude), strict=True))
        assert sorted(received) == expected
        assert [row for row, _ in received] == [row for row, _ in expected]


def check_draws_follow_log_q(source: Source, *, seed: int, batches: int = 400, batch_size: int = 16) -> None:
    """Over batches of training rows, each item's share of the draws is ``exp(log_q)``."""
    _, items, population = random_log(seed)
    sampler = Sampler(source, population, seed=seed)
    rng = np.random.default_rng(seed)
    rows = (torch.from_numpy(rng.integers(len(items), size=batch_size)) for _ in range(batches))
    counts, shares = np.zeros(len(population.counts)), np.zeros(len(population.counts))
    for negatives in (sampler.sample(items[batch]) for batch in rows):
        codes = negatives.codes.numpy()
        np.add.at(counts, codes, negatives.counts.numpy())
        shares[codes] = np.exp(negatives.log_q.numpy())
    seen = counts > 0
    deviation = (counts - counts.sum() * shares)[seen] / np.sqrt(counts.sum() * shares[seen])
    assert float(np.abs(deviation).max()) < 5.0
    assert abs(float(shares.sum()) - 1.0) < 0.02


def check_sampler_resumes(source: Source, *, seed: int) -> None:
    """A sampler restored from its state, by way of JSON, goes on with the same negatives."""
    users, items, population = random_log(seed)
    first, second = (Sampler(source, population, seed=seed + shift) for shift in (0, 1))
    first.sample(items, users)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    left, right = first.sample(items, users), second.sample(items, users)
    for one, other in zip((*left[:-1], *left.exclude), (*right[:-1], *right.exclude), strict=True):
        assert isinstance(one, Tensor)
        assert isinstance(other, Tensor)
        assert torch.equal(one, other)


def check_sampler_on_nothing(source: Source) -> None:
    """An empty batch gives no pairs and finite corrections."""
    _, _, population = random_log(0)
    none = torch.empty(0, dtype=torch.int64)
    negatives = Sampler(source, population, seed=0).sample(none, none)
    assert [len(part) for part in negatives.exclude] == [0, 0]
    assert len(negatives.positives) == len(negatives.positive_log_q) == 0
    assert not any(bool(part.isnan().any()) for part in negatives.log_weights() if part is not None)
