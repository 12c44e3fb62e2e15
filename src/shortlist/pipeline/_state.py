"""The tables a pipeline reads, at one moment."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Batch, Candidates, Flow, Keys, Ragged, Requests, Store
from shortlist.errors import ArgumentError, PipelineError, near
from shortlist.io import Dataset, moment
from shortlist.pipeline._raw import RawColumns
from shortlist.pipeline._rule import Rule
from shortlist.store import EmbeddedStore

__all__ = ["EVER", "State", "wall_clock"]

Positions = npt.NDArray[np.int64]

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

    Raises:
        ArgumentError: neither or both of ``train`` and ``store`` are given.
    """

    def __init__(
        self,
        train: Dataset | None = None,
        *,
        items: Dataset | None = None,
        users: Dataset | None = None,
        store: Store | None = None,
        now: datetime | int | None = None,
    ) -> None:
        if (train is None) == (store is None):
            raise ArgumentError(
                "State",
                received="both train and store" if store is not None else "neither train nor store",
                expected="one of them",
                remedy="State(train, items=items), or State(store=store)",
            )
        self._tables = (train, items, users)
        self._store = store
        self._now = None if now is None else moment(now)
        self._clock: Callable[[], int] | None = None
        self._raw: RawColumns | None = None
        self._allowed: dict[tuple[Rule, ...], npt.NDArray[np.bool_]] = {}
        self._rows: dict[int, tuple[Keys, Positions]] = {}

    @property
    def store(self) -> Store:
        """The store; built from the data sets at first use."""
        if self._store is None:
            train, items, users = self._tables
            assert train is not None
            self._store = EmbeddedStore.build(train, items, users)
        return self._store

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

    def times(self, requests: Requests) -> Positions:
        """int64 [Q]: when each request is asked; the present where the request does not say."""
        if requests.times is not None:
            return requests.times
        return np.full(len(requests), self.now, dtype=np.int64)

    def events(self) -> tuple[Positions, Positions, Positions, npt.NDArray[np.float32]]:
        """Users, items, times and weights of the events before the present of known users and items."""
        log = self.store.events()
        seen = (log.times < self.now) & (log.users >= 0) & (log.items >= 0)
        weights = log.weights if len(log.weights) else np.ones(len(log), dtype=np.float32)
        return log.users[seen], log.items[seen], log.times[seen], weights[seen]

    def histories(self, requests: Requests, limit: int | None = None) -> Ragged:
        """Positions of each user's items before the request, oldest first, those just seen at the end."""
        users = self.store.user_positions(requests.users)
        most = 2**62 if limit is None else limit
        items, _ = self.store.history(users, self.times(requests), most)
        return self.raw.with_recent(items, requests, most)

    def query_batch(self, flow: Flow, requests: Requests) -> Batch:
        """The query side of each request, Q rows, raw columns put through a workflow."""
        return flow.transform_batch(self.raw.query(flow, requests, self.times(requests)))

    def item_batch(self, flow: Flow, positions: Positions | None = None) -> Batch:
        """The item side, as of the present, of items by position (of all by default), through a workflow."""
        wanted = np.arange(len(self.items)) if positions is None else positions
        return flow.transform_batch(self.raw.items(flow, wanted, self.now))

    def ranking_batch(self, flow: Flow, requests: Requests, candidates: Candidates) -> Batch:
        """Candidates [N] with their query side [Q] and what is known of each pair, through a workflow."""
        return flow.transform_batch(self.raw.ranking(flow, requests, self.times(requests), candidates))

    def positions_of(self, keys: Keys) -> Positions:
        """Positions in the catalogue of the rows of an index; found once for each index."""
        known = self._rows.get(id(keys))
        if known is None:
            known = self._rows[id(keys)] = (keys, self.items.positions(keys.values))
        return known[1]

    def allowed(self, rules: tuple[Rule, ...] = ()) -> npt.NDArray[np.bool_]:
        """Bool [items]: items that may be shown and meet every rule; found once for each set of rules.

        Raises:
            PipelineError: a rule names a column that the item table lacks.
        """
        known = self._allowed.get(rules)
        if known is None:
            known = self.store.listed.copy()
            for rule in rules:
                known &= rule.holds(self.item_column(rule.column))
            self._allowed[rules] = known
        return known

    def item_column(self, name: str, positions: Positions | None = None) -> Array:
        """Raw values of an item column, of all items by default.

        Raises:
            PipelineError: the item table has no such column, or it holds lists.
        """
        if name not in self.store.item_schema:
            raise PipelineError(
                "item table",
                received=f"no column {name!r}",
                expected="a known column",
                remedy=near(name, self.store.item_schema.names),
            )
        wanted = np.arange(len(self.items)) if positions is None else positions
        values = self.store.item_columns(wanted, (name,))[name]
        if isinstance(values, Ragged):
            raise PipelineError("item table", received=f"lists in {name!r}", expected="one value an item")
        return values

    @property
    def raw(self) -> RawColumns:
        """Reads raw columns from the store."""
        if self._raw is None:
            self._raw = RawColumns(self.store)
        return self._raw

    def __repr__(self) -> str:
        moment: Any = "live" if self.is_live else "built at first use" if self._store is None else self.now
        return f"State({moment})"
