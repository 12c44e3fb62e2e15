"""Raw columns of queries, items and pairs, read from a store in one trip each."""

from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Batch, Candidates, Flow, Ragged, Requests, Store
from shortlist.pipeline._values import id_column, null_column, value_column
from shortlist.pipeline._wanted import LookBack, Wanted, wanted_by

__all__ = ["RawColumns"]

Positions = npt.NDArray[np.int64]
Columns = dict[str, Array | Ragged]


@final
class RawColumns:
    """Finds the raw columns that workflows read. Which come from where is worked out once a workflow.

    Args:
        store: the tables.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted: dict[int, tuple[Flow, Wanted]] = {}

    def over(self, store: Store) -> "RawColumns":
        """The same for another state of these tables; what was worked out is shared."""
        raw = RawColumns(store)
        raw._wanted = self._wanted
        return raw

    def wanted(self, flow: Flow) -> Wanted:
        """Where the columns of a workflow come from."""
        known = self._wanted.get(id(flow))
        if known is None:
            known = self._wanted[id(flow)] = (flow, wanted_by(flow, self._store))
        return known[1]

    def query(self, flow: Flow, requests: Requests, users: Positions, times: Positions) -> Batch:
        """Q rows: what is known of each request before any candidate."""
        return Batch(self.of_query(self.wanted(flow), requests, users, times), rows=len(requests))

    def items(self, flow: Flow, positions: Positions, time: int) -> Batch:
        """N rows: what is known of items at a time."""
        wanted = self.wanted(flow)
        columns = self.of_items(wanted, positions)
        nobody = np.full(len(positions), -1)
        for back in wanted.of_item:
            columns[back.made.name] = self._ask(back, nobody, positions, np.array([time]), columns)
        return Batch(columns, rows=len(positions))

    def ranking(
        self, flow: Flow, requests: Requests, users: Positions, times: Positions, candidates: Candidates
    ) -> Batch:
        """N candidates, with the columns of their Q queries once per query."""
        wanted, query_of = self.wanted(flow), candidates.query_of
        query = self.of_query(wanted, requests, users, times)
        columns = self.of_candidates(wanted, query, users, times, candidates)
        return Batch({**columns, **query}, rows=len(query_of), query=query, query_of=query_of)

    def of_candidates(
        self, wanted: Wanted, query: Columns, users: Positions, times: Positions, candidates: Candidates
    ) -> Columns:
        """Columns of N candidates, those of their Q queries given: of items, of sources and of pairs."""
        query_of = candidates.query_of
        columns = self.of_items(wanted, candidates.items)
        for column in wanted.others:
            if column.name in candidates.columns:
                columns[column.name] = candidates.columns[column.name]
        if len(wanted.of_item) + len(wanted.of_pair) == 0:
            return columns
        pairs = users[query_of], candidates.items, _one_for_all(times, query_of)
        for back in (*wanted.of_item, *wanted.of_pair):
            own = {name: _take(query[name], query_of) for name in back.op.needs.row if name in query}
            columns[back.made.name] = self._ask(back, *pairs, {**columns, **own})
        return columns

    def with_recent(self, items: Ragged, requests: Requests, limit: int) -> Ragged:
        """Lists of positions with the items that each visitor just saw at the end; unknown items left out."""
        if requests.recent is None or len(requests.recent.values) == 0:
            return items
        return _joined(items, self._recent(requests), limit)

    def of_query(self, wanted: Wanted, requests: Requests, users: Positions, times: Positions) -> Columns:
        """Columns of Q requests."""
        columns: Columns = {name: id_column(requests.users, self._store.users) for name in wanted.user_ids}
        columns |= dict.fromkeys(wanted.times, times)
        columns |= self._store.user_columns(users, wanted.user_table)
        columns |= {column.name: null_column(column, len(users)) for column in wanted.context}
        given = self._context_schema(wanted)
        for name, values in requests.context.items():
            if name in columns:
                columns[name] = value_column(values, given.get(name))
        nothing = np.full(len(users), -1) if wanted.of_query else users
        for back in wanted.of_query:
            found = self._ask(back, users, nothing, times, columns)
            if isinstance(found, Ragged) and requests.recent is not None and len(requests.recent.values):
                found = _joined(found, self._seen(back, self._recent(requests)), back.op.max_length)
            columns[back.made.name] = found
        return columns

    def _context_schema(self, wanted: Wanted) -> dict[str, Any]:
        known = {column.name: column for column in wanted.context}
        return {**{name: self._store.user_schema[name] for name in wanted.user_table}, **known}

    def of_users(self, wanted: Wanted, users: Positions) -> Columns:
        """Columns of users of the table, by position: the ids and what the table says of them."""
        ids = self._store.users.take(users).tolist()
        columns: Columns = {name: id_column(ids, self._store.users) for name in wanted.user_ids}
        return columns | dict(self._store.user_columns(users, wanted.user_table))

    def of_history(self, back: LookBack, requests: Requests, users: Positions, times: Positions) -> Ragged:
        """Lists of positions of items that a history op of items finds, those just seen at their end."""
        found: Ragged = back.op.from_log(self._store, users, np.full(len(users), -1), times, {})
        return self.with_recent(found, requests, back.op.max_length)

    def of_items(self, wanted: Wanted, positions: Positions) -> Columns:
        """Columns of items by position: the ids and what the table says of them."""
        columns: Columns = {}
        if wanted.item_ids:
            key = self._store.item_schema.item.name
            ids = self._store.item_columns(positions, (key,))[key]
            columns |= dict.fromkeys(wanted.item_ids, ids)
        columns |= self._store.item_columns(positions, wanted.item_table)
        return columns | {column.name: null_column(column, len(positions)) for column in wanted.others}

    def table(self, side: str) -> Any:
        """The table of ``"users"`` or ``"items"`` whose rows stay; None where the store has none such."""
        lasting = getattr(self._store, "lasting", None)
        return None if lasting is None else lasting(side)

    @property
    def size(self) -> int:
        """Items of the catalogue."""
        return len(self._store.items)

    def item_ids(self, positions: Positions) -> Array:
        """Raw ids of items."""
        return self._store.items.take(positions)

    def _ask(
        self, back: LookBack, users: Positions, items: Positions, times: Positions, columns: Columns
    ) -> Array | Ragged:
        """What a history op finds, as raw values."""
        needs = back.op.needs
        own = {
            name: self._store.event_codes(name, columns[name])
            for name in needs.row
            if name not in {"user", "item"}
        }
        found: Array | Ragged = back.op.from_log(self._store, users, items, times, own)
        if needs.codes is None:
            return found
        plain = found.values if isinstance(found, Ragged) else found
        items_found = needs.codes == "item"
        raw = self._store.items.take(plain) if items_found else self._store.event_values(needs.codes, plain)
        return found.with_values(raw) if isinstance(found, Ragged) else raw

    def _recent(self, requests: Requests) -> Ragged:
        """Positions of the known items that each visitor just saw."""
        assert requests.recent is not None
        recent = Ragged(self._store.items.positions(requests.recent.values), requests.recent.offsets)
        return recent.keep(recent.values >= 0)

    def _seen(self, back: LookBack, recent: Ragged) -> Ragged:
        """What a history holds of items that were just seen."""
        codes, items = back.op.needs.codes, recent.values
        if codes == "item":
            return recent.with_values(self._store.items.take(items))
        if codes is None:
            return recent.with_values(np.zeros(len(items)))
        if codes in self._store.item_schema and codes not in self._store.event_schema:
            found = self._store.item_columns(items, (codes,))[codes]
            assert not isinstance(found, Ragged)
            return recent.with_values(found)
        nulls = null_column(self._store.event_column(codes), len(items))
        assert not isinstance(nulls, Ragged)
        return recent.with_values(nulls)


def _joined(lists: Ragged, more: Ragged, limit: int) -> Ragged:
    """The last elements of each list with more at its end."""
    order = np.argsort(np.concatenate([lists.row_of, more.row_of]), kind="stable")
    values = np.concatenate([lists.values, more.values])[order]
    return Ragged(values, lists.offsets + more.offsets).last(limit)


def _take(column: Array | Ragged, rows: Positions) -> Array | Ragged:
    return column.take(rows) if isinstance(column, Ragged) else column[rows]


def _one_for_all(times: Positions, query_of: Positions) -> Positions:
    """The time of each candidate, or one for all of them."""
    alike = len(times) > 0 and bool((times == times[0]).all())
    return times[:1] if alike else times[query_of]
