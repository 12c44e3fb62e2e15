"""Splits that hold out whole users, or whole items."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.errors import ArgumentError, DataError
from shortlist.io import Dataset
from shortlist.rng import generator
from shortlist.split._deal import TEST, TRAIN, VALID, dealt, places, rows_of, share_of, times_of
from shortlist.split._split import Split

__all__ = ["cold_items", "strong_generalisation"]

_OUT = 3

_ITEM_LEAK = "items are held out at random: training knows what happened after they appeared"
_USER_LEAK = "users are held out at random, at all times: training knows the future of their test events"


def strong_generalisation(
    events: Dataset,
    held_out: int | float = 0.1,
    *,
    fold_in: float = 0.8,
    by_time: bool = False,
    seed: int = 0,
) -> Split:
    """Hold out whole users: 80 % of their events are shown to the model, the rest is to be found.

    As many users as ``held_out`` are for the test, as many for validation; only users of five events or more
    can be. floor((1 - fold_in) * n) of a user's n events are to be found, the others are `Split.fold_in`.
    Events of items that the training users never took are left out of both. This is the protocol of Liang et
    al. ("Variational autoencoders for collaborative filtering", 2018); its recall is
    `metrics.capped_recall`. The events are held in memory.

    Args:
        events: a log.
        held_out: how many users (an int) or which share of all users (a float) each of test and validation
            gets.
        fold_in: share of a held-out user's events that the model is shown.
        by_time: find the latest of a user's events, not some at random.
        seed: of the users and of their events.

    Raises:
        ArgumentError: ``fold_in`` is no share, or there are not enough users.
    """
    where = "split.strong_generalisation"
    if not 0 < fold_in < 1:
        raise ArgumentError(f"{where}(fold_in)", received=fold_in, expected="a share between 0 and 1")
    frame, user, item = (
        rows_of(events, "split.strong_generalisation"),
        events.schema.user.name,
        events.schema.item.name,
    )
    rng = generator(seed, "strong_generalisation")
    role, count = _roles(frame, user, held_out, rng)
    known = frame[item].is_in(frame.filter(pl.Series(role == TRAIN))[item].unique().implode()).to_numpy()
    kept = frame.filter(pl.Series(known))
    role = role[known]
    order = times_of(events, kept) if by_time else rng.random(kept.height)
    place, size = places(kept, user, order)
    to_find = place >= size - share_of(1 - fold_in, size)
    part = np.where(role == TRAIN, TRAIN, np.where(to_find, role, _OUT))
    how = "latest" if by_time else "random"
    protocol = f"{count} held-out users, {fold_in:.0%} fold-in, {how} {1 - fold_in:.0%} to find, seed {seed}"
    split = dealt(events, kept, part, protocol, "VAE-SG", leak=_USER_LEAK)
    shown = {
        name: Dataset.of(kept.filter(pl.Series((role == number) & ~to_find)), events.schema)
        for name, number in (("valid", VALID), ("test", TEST))
    }
    return replace(split, fold_in=shown)


def cold_items(
    events: Dataset, valid: float = 0.1, test: float = 0.1, *, newest: bool = False, seed: int = 0
) -> Split:
    """Hold out whole items with all their events: what is found of them is found by their features.

    Give the state a table of all items: the log of the training events does not know the held-out ones. The
    events are held in memory.

    Args:
        events: a log.
        valid: share of the items that validation gets; 0 for no validation.
        test: share of the items that the test gets.
        newest: hold out the items whose first event is latest, the test the very latest; otherwise some at
            random.
        seed: which items, at random.

    Raises:
        ArgumentError: the shares are not within 0 and 1, or leave nothing to train on.
        DataError: there are too few items.
    """
    where = "split.cold_items"
    if not (0 <= valid < 1 and 0 < test < 1 and valid + test < 1):
        raise ArgumentError(where, received=(valid, test), expected="two shares that leave some to train on")
    frame, item = rows_of(events, "split.cold_items"), events.schema.item.name
    items = frame.select(item).unique(maintain_order=True)
    if newest:
        first = frame.with_columns(pl.Series("__time", times_of(events, frame))).group_by(item)
        items = items.join(first.agg(pl.col("__time").min()), on=item, maintain_order="left")
        order = np.argsort(-items["__time"].to_numpy(), kind="stable")
    else:
        order = generator(seed, "cold_items").permutation(items.height)
    counts = [int(share_of(share, np.array([items.height]))[0]) for share in (test, valid)]
    if counts[0] == 0:
        raise DataError(
            where, received=f"{items.height} items", expected="enough for a test item", remedy="raise test"
        )
    role = np.full(items.height, TRAIN)
    role[order[: counts[0]]] = TEST
    role[order[counts[0] : sum(counts)]] = VALID
    roles = items.select(item).with_columns(pl.Series("__role", role))
    part = frame.select(item).join(roles, on=item, how="left", maintain_order="left")["__role"].to_numpy()
    which = "the newest" if newest else f"random, seed {seed},"
    protocol = f"whole items held out, {which} {test:.0%} for the test, {valid:.0%} for validation"
    return dealt(events, frame, part, protocol, "item-cold", leak=_ITEM_LEAK, validated=valid > 0)


def _roles(
    frame: pl.DataFrame, user: str, held_out: int | float, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], int]:
    """TRAIN, VALID or TEST for each row by its user; and how many users each of the last two has."""
    users = frame.group_by(user, maintain_order=True).len()
    able = np.flatnonzero(users["len"].to_numpy() >= 5)
    count = held_out if isinstance(held_out, int) else int(held_out * users.height)
    if not 0 < 2 * count < users.height or 2 * count > len(able):
        raise ArgumentError(
            "split.strong_generalisation(held_out)",
            received=f"{held_out} of {users.height} users, {len(able)} of them with five events or more",
            expected="at least one, and twice as many able users",
        )
    chosen = rng.permutation(able)
    role = np.full(users.height, TRAIN)
    role[chosen[:count]], role[chosen[count : 2 * count]] = TEST, VALID
    table = users.select(user).with_columns(pl.Series("__role", role))
    rows = frame.select(user).join(table, on=user, how="left", maintain_order="left")
    return rows["__role"].to_numpy(), count
