"""Vectors of held-out queries and of the catalogue, with what is right and what was seen."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
import torch

from shortlist.data import Ragged
from shortlist.errors import ArgumentError, DataError
from shortlist.io import Dataset, positive
from shortlist.loader import Loader, Table
from shortlist.rng import generator
from shortlist.schema import FIRST_UNKNOWN, Schema, Tags

__all__ = ["Data", "HeldOut", "held_out"]

Data: TypeAlias = Dataset | pl.DataFrame | pl.LazyFrame
Codes: TypeAlias = npt.NDArray[np.int64]
Vectors: TypeAlias = npt.NDArray[np.float32]

_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What a scan is measured on.

    Attributes:
        queries: float32 [Q, D].
        items: float32 [N, D].
        truth: [Q] rows of ``items`` that are right for each query, ascending and distinct.
        seen: [Q] rows of ``items`` that are left out of each query's list, ascending and distinct.

    Raises:
        ArgumentError: shapes do not agree.
    """

    queries: Vectors
    items: Vectors
    truth: Ragged
    seen: Ragged

    def __post_init__(self) -> None:
        widths = {self.queries.shape[1:], self.items.shape[1:]}
        if len(widths) != 1 or not len(self.queries) == len(self.truth) == len(self.seen):
            raise ArgumentError(
                "HeldOut",
                received=f"queries {self.queries.shape}, items {self.items.shape}, {len(self.truth)} truths, "
                f"{len(self.seen)} seen",
                expected="queries [Q, D], items [N, D], truth and seen of Q queries",
            )


def held_out(model: Any, train: Data, test: Data, *, seed: int) -> HeldOut:
    """Encode the test rows as queries and the items of the training rows as the catalogue.

    A known user is one query, with the features of the user's first test row; a row without a known user is
    one by itself. A query's training items are seen, and left out of its truth. Test items that training
    does not have count as misses. Items stand in a random order, so that equal scores favour none.

    Args:
        model: a retrieval model.
        train: encoded rows.
        test: encoded rows.
        seed: of the items' order.

    Raises:
        DataError: nothing is left to ask for.
    """
    item, user = model.item_schema.item.name, _user_name(model.schema)
    log = _read(train, model, [item, *([user] if user else [])], model.item_schema.names)
    rows = _read(test, model, [item, *([user] if user else [])], model.query_schema.names)
    codes, last = _items(log[item].astype(np.int64))
    order = generator(seed, "items' order").permutation(len(codes))
    codes, last = codes[order], last[order]
    users = np.zeros(rows.rows, np.int64) if user is None else rows[user].astype(np.int64)
    query_of, first = _queries(users)
    # Items that training lacks get places behind the catalogue: in the truth, and never found.
    place = _places(codes, rows[item].astype(np.int64), log[item].astype(np.int64))
    wanted = np.unique(np.stack([query_of, place[rows[item].astype(np.int64)]], 1), axis=0)
    seen = _seen(users[first], log, item, user, place)
    wanted = wanted[~_isin(wanted, seen)]
    kept = np.unique(wanted[:, 0])
    if len(kept) == 0:
        raise DataError(
            "size_tradeoff.test",
            received="no row with an item that its user does not have already",
            expected="at least one query with something to find",
        )
    return HeldOut(
        queries=_encode(model, model.encode_query, rows.take(first[kept]).select(model.query_schema.names)),
        items=_encode(model, model.encode_item, log.take(last).select(model.item_schema.names)),
        truth=_ragged(wanted, kept),
        seen=_ragged(seen[seen[:, 1] < len(codes)], kept),
    )


def _read(data: Data, model: Any, ids: list[str], inputs: tuple[str, ...]) -> Table:
    known: Schema = data.schema if isinstance(data, Dataset) else model.schema
    names = dict.fromkeys([*ids, *inputs])
    loader = Loader(data, model.schema.select(list(names)), where=positive(known))
    return Table.concat(list(loader.tables()))


def _user_name(schema: Schema) -> str | None:
    ids = [column for column in schema.tagged(Tags.USER, Tags.ID) if column.shape.kind == "scalar"]
    return ids[0].name if len(ids) == 1 else None


def _items(codes: Codes) -> tuple[Codes, Codes]:
    """The known items of the log, and the last row of each."""
    found, from_the_end = np.unique(codes[::-1], return_index=True)
    known = found > FIRST_UNKNOWN if (found > FIRST_UNKNOWN).any() else np.ones(len(found), np.bool_)
    return found[known], (len(codes) - 1 - from_the_end)[known]


def _queries(users: Codes) -> tuple[Codes, Codes]:
    """The query of each row, and the first row of each query."""
    alone = np.arange(len(users)) + int(users.max(initial=0)) + 1
    keys = np.where(users > FIRST_UNKNOWN, users, alone)
    _, first, query_of = np.unique(keys, return_index=True, return_inverse=True)
    return query_of.astype(np.int64), first.astype(np.int64)


def _places(catalogue: Codes, *others: Codes) -> Codes:
    """The place of each item code: within the catalogue, or behind it."""
    size = 1 + max((int(part.max(initial=0)) for part in (catalogue, *others)), default=0)
    place = np.full(size, -1, np.int64)
    place[catalogue] = np.arange(len(catalogue))
    missing = np.flatnonzero(place < 0)
    place[missing] = len(catalogue) + np.arange(len(missing))
    return place


def _seen(users: Codes, log: Table, item: str, user: str | None, place: Codes) -> Codes:
    """Distinct pairs of query and item place ``[E, 2]`` of what each query's user has in the log."""
    if user is None:
        return np.empty((0, 2), np.int64)
    query = np.full(int(max(users.max(initial=0), log[user].max(initial=0))) + 1, -1, np.int64)
    query[users] = np.where(users > FIRST_UNKNOWN, np.arange(len(users)), -1)
    owners = query[log[user]]
    pairs = np.stack([owners, place[log[item].astype(np.int64)]], 1)[owners >= 0]
    return np.unique(pairs, axis=0)


def _isin(pairs: Codes, among: Codes) -> npt.NDArray[np.bool_]:
    width = 1 + max(int(pairs[:, 1].max(initial=0)), int(among[:, 1].max(initial=0)))
    return np.isin(pairs[:, 0] * width + pairs[:, 1], among[:, 0] * width + among[:, 1])


def _ragged(pairs: Codes, kept: Codes) -> Ragged:
    """The second numbers by the first, for the first numbers that are kept."""
    inside = pairs[np.isin(pairs[:, 0], kept)]
    counts = np.bincount(np.searchsorted(kept, inside[:, 0]), minlength=len(kept))
    return Ragged(inside[:, 1], np.concatenate([[0], counts.cumsum()]).astype(np.int64))


def _encode(model: Any, encode: Any, table: Table) -> Vectors:
    device = next(iter(model.parameters())).device
    training = model.training
    model.eval()
    with torch.no_grad():
        starts = range(0, table.rows, _ROWS_AT_ONCE)
        rows = [np.arange(start, min(start + _ROWS_AT_ONCE, table.rows)) for start in starts]
        parts = [encode(table.take(part).batch(device)).float().cpu().numpy() for part in rows]
    model.train(training)
    return np.concatenate(parts)
