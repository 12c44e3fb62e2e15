"""Full-catalogue validation of a retrieval model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from torch import Tensor

from shortlist.data import Ragged
from shortlist.errors import DataError
from shortlist.loader import Loader, Table
from shortlist.metrics import hits, parse
from shortlist.rng import generator
from shortlist.schema import FIRST_UNKNOWN, Column
from shortlist.train._catalogue import Catalogue
from shortlist.train._course import Baseline
from shortlist.train._options import FitOptions
from shortlist.train._products import top_products
from shortlist.train._sources import Data, schema_of, weight_column

__all__ = ["RetrievalValidation"]

Codes = npt.NDArray[np.int64]

_QUERIES_AT_ONCE = 1024
_ITEMS_AT_ONCE = 65_536


class RetrievalValidation:
    """Ranks the whole catalogue for each validation query.

    A known user is one query, with the features of the user's first validation row and all the user's
    validation items as truth; a row without a known user is a query of its own. With ``filter_seen`` the
    user's training items are left out of the lists and of the truth.

    Raises:
        DataError: nothing is left to validate on.
    """

    def __init__(
        self, model: Any, valid: Data, catalogue: Catalogue, user: Column | None, options: FitOptions
    ) -> None:
        self._model, self._catalogue = model, catalogue
        self.metric = options.metric or "ndcg@10"
        self._function, self._k = parse(self.metric)
        table = _read(model, valid, user)
        codes = table[model.item_schema.item.name].astype(np.int64)
        users = np.zeros(table.rows, np.int64) if user is None else table[user.name].astype(np.int64)
        first, query_of = _queries(users)
        self._seen = _Seen(catalogue, users[first]) if options.filter_seen and user is not None else None
        queries, items = _pairs(query_of, codes, self._seen)
        kept = np.unique(queries)
        if len(kept) == 0:
            raise DataError(
                "fit.valid",
                received="no row with an item that its user does not have already",
                expected="at least one validation query",
                remedy="validate on other rows, or set FitOptions.filter_seen to False",
            )
        if len(kept) > options.queries:
            rng = generator(options.seed, "validation queries")
            kept = np.sort(rng.choice(kept, options.queries, replace=False))
        inside = np.isin(queries, kept)
        counts = np.bincount(np.searchsorted(kept, queries[inside]), minlength=len(kept))
        table = table.select(model.query_schema.names).take(first[kept])
        # By length of their lists, so that those encoded together need little padding.
        order = _by_length(table)
        self._table, self._relevant = table.take(order), counts[order]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        self._truth = Ragged(items[inside], offsets).take(order).values
        if self._seen is not None:
            self._seen = _Seen(catalogue, users[first][kept][order])
        # Equal scores are ordered by position: a random order of the items keeps ties from favouring any.
        self._codes = generator(options.seed, "ties").permutation(catalogue.codes)
        self._place_of = np.full(len(catalogue.row_of), -1, dtype=np.int64)
        self._place_of[self._codes] = np.arange(len(self._codes))
        self.protocol = (
            f"{len(kept):,} queries, {'one per user' if user is not None else 'one per row'}; full catalogue "
            f"of {len(self._codes):,} items; seen items {'filtered' if self._seen is not None else 'kept'}"
        )

    def __call__(self) -> float:
        """Mean of the metric over the queries."""
        was_training = self._model.training
        self._model.eval()
        with torch.no_grad():
            value = self._measure(self._queries, self._item_vectors())
        self._model.train(was_training)
        return value

    def popularity(self) -> Baseline:
        """The metric of recommending everybody the items with most training rows."""
        counts = self._catalogue.population.counts[self._codes].astype(np.float32)
        items = torch.from_numpy(counts).unsqueeze(1)
        value = self._measure(lambda rows: torch.ones(len(rows), 1), items)
        return Baseline("recommending the most popular items", value, self._table.rows, 0.5)

    def _measure(self, queries_of: Callable[[Codes], Tensor], items: Tensor) -> float:
        starts = range(0, self._table.rows, _QUERIES_AT_ONCE)
        best = [self._best(start, queries_of, items) for start in starts]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(self._relevant)])
        found = hits(np.concatenate(best), offsets, self._truth)
        return float(np.mean(self._function(found, self._relevant, self._k)))

    def _item_vectors(self) -> Tensor:
        device = next(iter(self._model.parameters())).device
        starts = range(0, len(self._codes), _ITEMS_AT_ONCE)
        parts = [self._codes[start : start + _ITEMS_AT_ONCE] for start in starts]
        return torch.cat([self._model.encode_item(self._catalogue.batch(part, device)) for part in parts])

    def _queries(self, rows: Codes) -> Tensor:
        device = next(iter(self._model.parameters())).device
        vectors: Tensor = self._model.encode_query(self._table.take(rows).batch(device))
        return vectors

    def _best(self, start: int, queries_of: Callable[[Codes], Tensor], items: Tensor) -> Codes:
        """Codes [Q, k] of the best of some queries, -1 where there are fewer."""
        rows = np.arange(start, min(start + _QUERIES_AT_ONCE, self._table.rows))
        queries = queries_of(rows)
        seen = None if self._seen is None else self._positions(*self._seen.pairs(rows), len(rows))
        places, _ = top_products(queries, items, self._k, seen=seen)
        return np.where(places < 0, -1, self._codes[places])

    def _positions(self, queries: Codes, codes: Codes, count: int) -> Ragged:
        """Places among the item vectors of what these queries have seen."""
        places = self._place_of[codes]
        known = places >= 0
        offsets = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(np.bincount(queries[known], minlength=count), out=offsets[1:])
        return Ragged(places[known], offsets)


class _Seen:
    """The training items of some users."""

    def __init__(self, catalogue: Catalogue, users: Codes) -> None:
        starts = catalogue.population.known_starts
        self._items = catalogue.population.known_items
        self._starts, self._lengths = starts[users], starts[users + 1] - starts[users]

    def pairs(self, rows: Codes) -> tuple[Codes, Codes]:
        """Place of the row among ``rows``, and item code, of every known positive of these users."""
        lengths = self._lengths[rows]
        place = np.repeat(np.arange(len(rows)), lengths)
        before = np.cumsum(lengths) - lengths
        return place, self._items[np.arange(lengths.sum()) + (self._starts[rows] - before)[place]]


def _read(model: Any, valid: Data, user: Column | None) -> Table:
    schema = schema_of(valid, model.schema)
    weight = weight_column(schema)
    inputs = model.query_schema.merge([model.item_schema.item, *([] if user is None else [user])])
    where = None if weight is None else pl.col(weight.name) > 0
    tables = list(Loader(valid, inputs, where=where).tables())
    return Table.concat(tables)


def _by_length(table: Table) -> Codes:
    """Places of the rows, those with the fewest list values first."""
    lengths = sum((lists.lengths for lists in table.lists.values()), np.zeros(table.rows, np.int64))
    return np.argsort(lengths, kind="stable")


def _queries(users: Codes) -> tuple[Codes, Codes]:
    """First row of each query, and the query of each row; unknown users are a query a row."""
    alone = np.arange(len(users)) + (int(users.max(initial=0)) + 1)
    _, first, query_of = np.unique(
        np.where(users > FIRST_UNKNOWN, users, alone), return_index=True, return_inverse=True
    )
    return first, query_of


def _pairs(query_of: Codes, codes: Codes, seen: "_Seen | None") -> tuple[Codes, Codes]:
    """Distinct pairs of query and item, ordered, without those seen in training."""
    width = int(codes.max(initial=0)) + 1
    keys: npt.NDArray[Any] = np.unique(query_of * width + codes)
    if seen is not None:
        queries, items = seen.pairs(np.arange(int(query_of.max(initial=-1)) + 1))
        inside = items < width
        keys = np.setdiff1d(keys, queries[inside] * width + items[inside])
    return keys // width, keys % width
