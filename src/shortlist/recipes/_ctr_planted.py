"""Labelled rows whose truth is known, in the manner of advertising logs."""

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.rng import generator

__all__ = ["planted_ctr"]

_TASTES = 6


def planted_ctr(rows: int, *, users: int = 300, items: int = 200, seed: int = 0) -> pl.DataFrame:
    """Clicks on items by users, with a hashed site, counts, a price and what each user clicked before.

    The log odds are a taste of the user for the item's group, a weight of the site, minus the logarithm of a
    count, and a bonus where the history holds the item's group. A part of the counts is missing; ``I2`` and
    ``C2`` say nothing.

    Args:
        rows: how many.
        users: users, in the proportions of Zipf's law.
        items: items, likewise.
        seed: of the draws; the truth itself is the same for every seed.

    >>> planted_ctr(3).columns
    ['click', 'user_id', 'item_id', 'C1', 'C2', 'I1', 'I2', 'price', 'item_history']
    """
    truth, rng = generator(0, "planted ctr truth"), generator(seed, "planted ctr")
    tastes = truth.normal(0, 1, (users, _TASTES))
    sites = truth.normal(0, 0.7, 40)
    names = np.array([f"{value:08x}" for value in truth.integers(0, 2**32, 40)])
    user, item = _zipf(rng, users, rows), _zipf(rng, items, rows)
    group, site = item % _TASTES, rng.integers(0, 40, rows)
    count = np.floor(rng.lognormal(1.5, 1.3, rows)).astype(np.int64)
    history = rng.integers(0, items, (rows, 3))
    met = (history % _TASTES == group[:, None]).any(axis=1)
    odds = tastes[user, group] + sites[site] - 0.6 * np.log1p(count) + 0.8 * met - 0.4
    click = rng.random(rows) < 1 / (1 + np.exp(-odds))
    lengths = rng.integers(0, 4, rows)
    return pl.DataFrame(
        {
            "click": click.astype(np.int8),
            "user_id": user,
            "item_id": item,
            "C1": names[site],
            "C2": names[rng.integers(0, 40, rows)],
            "I1": pl.Series(np.where(rng.random(rows) < 0.1, -1, count)).replace(-1, None),
            "I2": np.floor(rng.lognormal(2, 1, rows)).astype(np.int64),
            "price": rng.gamma(2.0, 10.0, rows).round(2),
            "item_history": [
                "^".join(map(str, row[: 3 if hit else length]))
                for row, hit, length in zip(history.tolist(), met.tolist(), lengths.tolist(), strict=True)
            ],
        }
    )


def _zipf(rng: np.random.Generator, count: int, rows: int) -> npt.NDArray[np.int64]:
    chances = 1 / np.arange(1, count + 1)
    return rng.choice(count, size=rows, p=chances / chances.sum()).astype(np.int64)
