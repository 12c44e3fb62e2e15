"""Stochastic steps that put an item a user took above one the user did not take."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from shortlist.models.classical._compiled import compiled
from shortlist.models.classical._threads import spread

__all__ = ["Rates", "Seen", "Tables", "epoch"]

Floats = npt.NDArray[np.float32]

# Users and items are cut into as many parts as this at most: as many threads can work at once. The number
# does not depend on the threads there are, so that neither does the result.
_PARTS = 8
# Fewest items of a part: negatives come from the part of the positive.
_ITEMS = 256
# How often another negative is drawn when the user has taken it.
_TRIES = 32


class Tables(NamedTuple):
    """Factors of users [U, D] and items [I, D], bias of items [I]; changed in place."""

    users: Floats
    items: Floats
    bias: Floats


class Rates(NamedTuple):
    """Length of a step, and how strongly touched rows are drawn to 0."""

    lr: float
    l2: float


class Seen(NamedTuple):
    """What each user took: sorted columns of a CSR matrix."""

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]


def epoch(  # noqa: PLR0917 - the tables, then what is done to them
    tables: Tables,
    pairs: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    seen: Seen,
    rates: Rates,
    rng: np.random.Generator,
    threads: int,
) -> None:
    """One step for every pair, in the order given within each part.

    Users and items are dealt into parts at random. In each round every part of the users meets another part
    of the items, so that threads never touch one row at the same time (Gemulla et al., "Large-scale matrix
    factorization with distributed stochastic gradient descent", 2011).

    Args:
        tables: changed in place.
        pairs: users and items, in random order.
        seen: what is never a negative.
        rates: of the steps.
        rng: deals the parts and draws the negatives.
        threads: that work at a time; they change no result.
    """
    users, items = pairs
    parts = max(1, min(_PARTS, len(tables.items) // _ITEMS, len(tables.users) // _ITEMS))
    user_part = rng.permutation(len(tables.users)) % parts
    dealt = rng.permutation(len(tables.items))
    item_part = np.empty(len(dealt), dtype=np.int64)
    item_part[dealt] = np.arange(len(dealt)) % parts
    part = user_part[users] * parts + item_part[items]
    order = np.argsort(part, kind="stable")
    bounds = np.searchsorted(part[order], np.arange(parts * parts + 1))
    seeds = rng.integers(1, 1 << 63, parts * parts, dtype=np.uint64)
    kernel = compiled(_steps)
    for shift in range(parts):

        def work(first: int, last: int, shift: int = shift) -> None:
            for row in range(first, last):
                column = (row + shift) % parts
                block = row * parts + column
                chosen = order[bounds[block] : bounds[block + 1]]
                kernel(tables, users[chosen], items[chosen], dealt[column::parts], seen, rates, seeds[block])

        spread(work, np.ones(parts), threads)


def _steps(  # noqa: PLR0917 - compiled
    tables: Tables,
    users: npt.NDArray[np.int64],
    positives: npt.NDArray[np.int64],
    pool: npt.NDArray[np.int64],
    seen: Seen,
    rates: Rates,
    state: Any,
) -> None:
    """Step for each pair against an item of the pool that the user did not take."""
    lr, l2 = np.float32(rates.lr), np.float32(rates.l2)
    dim = tables.users.shape[1]
    for pair in range(len(users)):
        user, high = users[pair], positives[pair]
        begin, end = seen.indptr[user], seen.indptr[user + 1]
        low = -1
        for _ in range(_TRIES):
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            drawn = pool[(state >> np.uint64(11)) % np.uint64(len(pool))]
            place = begin + np.searchsorted(seen.indices[begin:end], drawn)
            if place == end or seen.indices[place] != drawn:
                low = drawn
                break
        if low < 0:
            continue
        w, up, down = tables.users[user], tables.items[high], tables.items[low]
        lead = tables.bias[high] - tables.bias[low]
        for d in range(dim):
            lead += w[d] * (up[d] - down[d])
        pull = np.float32(1) / (np.float32(1) + np.exp(lead))
        for d in range(dim):
            own, above, below = w[d], up[d], down[d]
            w[d] += lr * (pull * (above - below) - l2 * own)
            up[d] += lr * (pull * own - l2 * above)
            down[d] -= lr * (pull * own + l2 * below)
        tables.bias[high] += lr * (pull - l2 * tables.bias[high])
        tables.bias[low] -= lr * (pull + l2 * tables.bias[low])
