"""The tables a pipeline reads, at one moment."""

import time
from collections.abc import Callable, Sequence
from copy import copy
from datetime import datetime
from typing import Any, TypeVar, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Batch, Candidates, Encoder, Flow, Index, Keys, Ragged, Requests, Store
from shortlist.errors import ArgumentError, PipelineError, near
from shortlist.index import pinned
from shortlist.io import Dataset, moment, need_dataset
from shortlist.pipeline._best import best
from shortlist.pipeline._encoded import Encoded
from shortlist.pipeline._keep import Asked
from shortlist.pipeline._memo import Memo
from shortlist.pipeline._present import Present, edits_of, present_of, reading_of
from shortlist.pipeline._raw import RawColumns
from shortlist.pipeline._rule import Rule
from shortlist.store import EmbeddedStore, TimeToLive

__all__ = ["EVER", "State", "wall_clock"]

Positions = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]

Mask = npt.NDArray[np.bool_]
Found = TypeVar("Found")

_REMEMBERED = 64

EVER = -(2**62)
"""A time before every event."""


def wall_clock() -> int:
    """The present, in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


@final
class State:
    """User, item and event tables behind a store, and the moment they are read at.

    A state is frozen: its present is ``now``, and whatever happened at or after it is unseen. `live` gives
    one whose present moves with the clock; there, sources that fail or are late are replaced by the
    fallback, while in a frozen state time limits are off and errors are raised.

    Args:
        train: the events; together with ``items`` and ``users`` they become an `EmbeddedStore` at first use.
        items: one row an item; None derives it from the events.
        users: one row a user; None derives it from the events.
        store: a store, instead of the three data sets.
        now: the present, a datetime (UTC) or int microseconds since 1970; None is the store's ``until``, one
            microsecond after the newest event.
        columns: columns of ``train`` that history ops read of past events, such as a price or a click.
        ttl: how long rows of ``items`` and ``users`` and events hold; None for ever.

    Raises:
        ArgumentError: neither or both of ``train`` and ``store`` are given.
        DataError: a table is no data set.
    """

    def __init__(
        self,
        train: Dataset | None = None,
        *,
        items: Dataset | None = None,
        users: Dataset | None = None,
        store: Store | None = None,
        now: datetime | int | None = None,
        columns: Sequence[str] = (),
        ttl: TimeToLive | None = None,
    ) -> None:
        if (train is None) == (store is None):
            raise ArgumentError(
                "State",
                received="both train and store" if store is not None else "neither train nor store",
                expected="one of them",
                remedy="State(train, items=items), or State(store=store)",
            )
        for given, role in ((train, "train"), (items, "items"), (users, "users")):
            if given is not None:
                need_dataset(given, f"State({role})")
        self._tables = (train, items, users)
        self._columns, self._ttl = tuple(columns), ttl
        self._store = store
        self._now = None if now is None else moment(now)
        self._clock: Callable[[], int] | None = None
        self._raw: RawColumns | None = None
        self._memo, self._encoded = Memo(_REMEMBERED), Encoded()
        self._present: Present | None = None
        self._run: Memo | None = None

    @property
    def store(self) -> Store:
        """The store; built from the data sets at first use."""
        if self._store is None:
            train, items, users = self._tables
            assert train is not None
            self._store = EmbeddedStore.build(train, items, users, columns=self._columns, ttl=self._ttl)
        return self._store

    @property
    def origin(self) -> Store:
        """The store that runs read, with its catalogue as it is now: what tells two states' answers apart."""
        return self._held().store

    @property
    def items(self) -> Keys:
        """The catalogue: raw item ids in order of their positions."""
        return self.store.items

    @property
    def is_live(self) -> bool:
        """Whether the present moves."""
        return self._clock is not None

    @property
    def now(self) -> int:
        """The present, in microseconds since 1970 UTC."""
        if self._clock is not None:
            return self._clock()
        return self.store.until if self._now is None else self._now

    @property
    def pinned(self) -> int | None:
        """The present as it was given; None when it is the store's."""
        return self._now

    def live(self, clock: Callable[[], int] = wall_clock) -> "State":
        """The same tables with a present that moves with a clock (microseconds since 1970 UTC)."""
        state = State(store=self.store)
        state._clock = clock
        return state

    def over(self, store: Store) -> "State":
        """The same moment over other tables."""
        state = copy(self)
        state._store, state._raw, state._present = store, self.raw.over(store), None
        return state

    def for_run(self) -> "State":
        """The same tables while one batch of requests is answered.

        Its present stands still, live or not, the catalogue is as it is now, and what several stages ask of
        the requests is found once.
        """
        held = self._held()
        state, present = copy(self), self.now
        state._store = reading_of(held.store, present)
        state._raw = held.raw if state._store is held.store else held.raw.over(state._store)
        state._now, state._run = present, Memo(_REMEMBERED)
        if self.is_live:
            state._clock = lambda: present
        return state

    def _held(self) -> Present:
        """The store with its catalogue as it is now, and what is remembered of it."""
        held = self._present
        if held is not None and self._run is not None:
            return held
        store = present_of(self.store)
        if held is None or held.store is not store:
            held = self._present = Present(store, self.raw.over(store), Memo(_REMEMBERED))
        return held

    def times(self, requests: Requests) -> Positions:
        """int64 [Q]: when each request is asked; the present where the request does not say."""
        if requests.times is not None:
            return requests.times
        return np.full(len(requests), self.now, dtype=np.int64)

    def users(self, requests: Requests) -> Positions:
        """int64 [Q]: position of the user of each request, -1 for unknown."""
        return self._once(lambda: self.store.user_positions(requests.users), requests)

    def events(self) -> tuple[Positions, Positions, Positions, npt.NDArray[np.float32]]:
        """Users, items, times and weights of the events before the present of known users and items."""
        log = self.store.events()
        seen = (log.times < self.now) & (log.users >= 0) & (log.items >= 0)
        weights = log.weights if len(log.weights) else np.ones(len(log), dtype=np.float32)
        return log.users[seen], log.items[seen], log.times[seen], weights[seen]

    def histories(self, requests: Requests, limit: int | None = None) -> Ragged:
        """Positions of each user's items before the request, oldest first, those just seen at the end."""
        most = 2**62 if limit is None else limit
        items, _ = self.store.history(self.users(requests), self.times(requests), most)
        return self.raw.with_recent(items, requests, most)

    def query_batch(self, flow: Flow, requests: Requests, packs: Sequence[tuple[str, ...]] = ()) -> Batch:
        """The query side of each request, Q rows, raw columns put through a workflow.

        ``packs`` are names of columns that a model reads side by side: the batch has them so too.
        """
        return self._encoded.query(flow, self.raw, self._asked(requests), packs)

    def encode_query(self, model: Encoder, flow: Flow, requests: Requests) -> Vectors:
        """Float32 [Q, D]: the vectors of the requests."""

        def encode() -> Vectors:
            batch = self.query_batch(flow, requests, getattr(model, "packs", ()))
            return np.asarray(model.encode_query(batch), dtype=np.float32)

        return self._once(encode, model, flow, requests)

    def item_batch(self, flow: Flow, positions: Positions | None = None) -> Batch:
        """The item side, as of the present, of items by position (of all by default), through a workflow."""
        wanted = np.arange(len(self.items)) if positions is None else positions
        return flow.transform_batch(self.raw.items(flow, wanted, self.now))

    def ranking_batch(
        self,
        flow: Flow,
        requests: Requests,
        candidates: Candidates,
        packs: Sequence[tuple[str, ...]] = (),
    ) -> Batch:
        """Candidates [N] with their query side [Q] and what is known of each pair, through a workflow.

        ``packs`` are as for `query_batch`.
        """
        return self._encoded.ranking(flow, self.raw, self._asked(requests), candidates, packs)

    def _asked(self, requests: Requests) -> Asked:
        return Asked(requests, self.users(requests), self.times(requests))

    def index_now(self, index: Index) -> Index:
        """An index that stands still: a live one as it was when this run first asked for it."""
        return self._once(lambda: pinned(index), index)

    def positions_of(self, keys: Keys) -> Positions:
        """Positions in the catalogue of the rows of an index, -1 for none; found once for each index."""
        return self._index(keys)[0]

    def rows_of(self, keys: Keys) -> Positions:
        """Row of an index of each item of the catalogue, -1 for none; found once for each index."""
        return self._index(keys)[1]

    def _once(self, make: Callable[[], Found], *asked: object) -> Found:
        """What ``make`` gives for what is asked; within a run it is made once."""
        return make() if self._run is None else self._run.get(tuple(map(id, asked)), make, *asked)

    def _index(self, keys: Keys) -> tuple[Positions, Positions]:
        held = self._held()

        def find() -> tuple[Positions, Positions]:
            items = held.store.items
            positions = self._places(keys, items)
            rows, found = np.full(len(items), -1, dtype=np.int64), positions >= 0
            rows[positions[found]] = np.flatnonzero(found)
            return positions, rows

        return held.memo.get(("index", id(keys)), find, keys)

    def _places(self, keys: Keys, items: Keys) -> Positions:
        """Positions of the ids of an index; of those there were before any came, found once for all."""
        first, known = keys.first, items.first
        places = self._memo.get(
            ("places", id(first), id(known)), lambda: known.positions(first.values), first, known
        )
        if first is keys and known is items:
            return places
        positions = np.concatenate([places, items.positions(keys.values[len(first) :])])
        strange = np.flatnonzero(places < 0)
        positions[strange] = items.positions(keys.values[strange])
        return positions

    def allowed(self, rules: tuple[Rule, ...] = ()) -> Mask:
        """Bool [items]: items that may be shown and meet every rule; found once for each set of rules.

        Rules over the whole catalogue read the item table as it is held: no value is too old for them.

        Raises:
            PipelineError: a rule names a column that the item table lacks.
        """
        held = self._held()

        def find() -> Mask:
            mask = held.store.listed.copy()
            for rule in rules:
                mask &= self._holding(rule, held.store)
            mask.flags.writeable = False
            return mask

        return held.memo.get(("allowed", rules), find)

    def _holding(self, rule: Rule, store: Store) -> Mask:
        """Bool [items]: where a rule holds; of rows that nobody edited, found once for all."""
        base, edited = edits_of(store)
        whole = self._memo.get(
            ("holding", rule, id(base)), lambda: rule.holds(_item_column(base, rule.column)), base
        )
        if base is store:
            return whole
        mask = np.zeros(len(store.items), dtype=np.bool_)
        mask[: len(whole)] = whole
        mask[edited] = rule.holds(_item_column(store, rule.column, edited))
        return mask

    def allowed_rows(self, keys: Keys, rules: tuple[Rule, ...] = ()) -> Mask | None:
        """Bool [rows]: rows of an index whose item may be shown and meets the rules; None for all of them."""

        def find() -> Mask | None:
            mask, positions = self.allowed(rules), self.positions_of(keys)
            rows = positions >= 0
            if len(mask):
                rows &= mask[positions]
            rows.flags.writeable = False
            return None if bool(rows.all()) else rows

        return self._held().memo.get(("rows", id(keys), rules), find, keys)

    def popular(self, since: int, before: int, k: int, name: str) -> Candidates:
        """The ``k`` allowed items with most weight of events in [since, before), of a source of that name."""
        counts = self.store.popularity(since, before)

        def find() -> Candidates:
            return best(np.where(counts > 0, counts, -np.inf)[None], k, self.allowed(), name)

        return self._held().memo.get(("popular", id(counts), k, name), find, counts)

    def item_column(self, name: str, positions: Positions | None = None) -> Array:
        """Raw values of an item column, of all items by default.

        Raises:
            PipelineError: the item table has no such column, or it holds lists.
        """
        return _item_column(self.store, name, positions)

    @property
    def raw(self) -> RawColumns:
        """Reads raw columns from the store."""
        if self._raw is None:
            self._raw = RawColumns(self.store)
        return self._raw

    def __repr__(self) -> str:
        moment: Any = "live" if self.is_live else "built at first use" if self._store is None else self.now
        return f"State({moment})"


def _item_column(store: Store, name: str, positions: Positions | None = None) -> Array:
    if name not in store.item_schema:
        raise PipelineError(
            "item table",
            received=f"no column {name!r}",
            expected="a known column",
            remedy=near(name, store.item_schema.names),
        )
    wanted = np.arange(len(store.items)) if positions is None else positions
    values = store.item_columns(wanted, (name,))[name]
    if isinstance(values, Ragged):
        raise PipelineError("item table", received=f"lists in {name!r}", expected="one value an item")
    return values
