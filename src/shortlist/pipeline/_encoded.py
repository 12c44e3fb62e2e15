"""Encoded columns of requests and candidates, those of users and items taken from rows that were kept.

What a workflow makes of the columns of a table alone is the same at every request. It is kept by position,
and only what the moment, the request or a pair decides is put through the workflow again.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, final

import numpy as np

from shortlist.data import Array, Batch, Candidates, Flow, Ragged
from shortlist.pipeline._keep import (
    Asked,
    Columns,
    Kept,
    Packs,
    Positions,
    encoded_items,
    encoded_users,
    keep_items,
    keep_users,
)
from shortlist.pipeline._kept_rows import KeptRows, columns_of
from shortlist.pipeline._raw import RawColumns
from shortlist.pipeline._wanted import LookBack

__all__ = ["Encoded"]

_MOST = 64


@final
class Encoded:
    """Encodes requests and candidates; shared by the states over the same tables."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], tuple[Kept | None, tuple[object, ...]]] = {}

    def query(self, flow: Flow, raw: RawColumns, asked: Asked, packs: Packs) -> Batch:
        """Q rows: what is known of each request; columns of ``packs`` as `Batch.blocks` too.

        Args:
            flow: the workflow.
            raw: reads columns of the store.
            asked: the requests, with the position of the user and the time of each.
            packs: names of encoded columns that the model reads side by side.
        """
        table, kept = self._kept(
            "users", flow, raw, packs, lambda rows: keep_users(flow, raw, asked, packs, rows)
        )
        if kept is None or not kept.names.isdisjoint(asked.requests.context):
            return flow.transform_batch(raw.query(flow, *asked))
        made: Columns = {}
        for back, name, codes in kept.histories:
            made[name] = _history(flow, raw, asked, back, codes)
        if rest := raw.of_query(kept.rest, *asked):
            made |= flow.transform_batch(Batch(rest, rows=len(asked.users))).items()
        if kept.rows is None:
            return Batch.trusted(made, len(asked.users))
        odd = table.odd(asked.users)
        taken = kept.rows.take(asked.users, lambda users: encoded_users(flow, raw, kept, users), odd)
        if odd is not None:
            rows = np.flatnonzero(odd)
            own = raw.of_query(kept.once, asked.requests.rows(rows), asked.users[rows], asked.times[rows])
            kept.rows.put(taken, rows, flow.transform_batch(Batch(own, rows=len(rows))))
        made |= columns_of(kept.rows.names, taken)
        return Batch.trusted(made, len(asked.users), blocks=dict(zip(kept.rows.names, taken, strict=True)))

    def ranking(
        self, flow: Flow, raw: RawColumns, asked: Asked, candidates: Candidates, packs: Packs
    ) -> Batch:
        """N candidates, with the columns of their Q queries once a query; see `query`."""
        table, kept = self._kept(
            "items",
            flow,
            raw,
            packs,
            lambda rows: keep_items(flow, raw, asked, candidates, packs=packs, rows=rows),
        )
        if kept is None or kept.rows is None:
            return flow.transform_batch(raw.ranking(flow, *asked, candidates))
        query, items = self.query(flow, raw, asked, packs), candidates.items
        made = _of_pairs(flow, raw, asked, candidates, kept)
        odd = table.odd(items)
        taken = kept.rows.take(items, lambda places: encoded_items(flow, raw, kept, places), odd)
        if odd is not None:
            rows = np.flatnonzero(odd)
            kept.rows.put(taken, rows, encoded_items(flow, raw, kept, items[rows]))
        made |= columns_of(kept.rows.names, taken)
        blocks: Mapping[tuple[str, ...], Array] = {
            **query.blocks,
            **dict(zip(kept.rows.names, taken, strict=True)),
        }
        made |= query.items()
        return Batch.trusted(made, len(items), frozenset(query), candidates.query_of, blocks)

    def _kept(
        self, side: str, flow: Flow, raw: RawColumns, packs: Packs, find: Callable[[int], Kept | None]
    ) -> tuple[Any, Kept | None]:
        """The table of a side and what is kept of it, worked out at the first request; None for nothing."""
        table = raw.table(side)
        if table is None:
            return None, None
        # Another object once the workflow is fitted again.
        fitted, origin = getattr(flow, "fitted", flow), table.origin
        key = (side, id(fitted), id(origin), tuple(packs))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            known = self._known[key] = find(len(origin)), (fitted, origin)
        return table, known[0]


def _of_pairs(flow: Flow, raw: RawColumns, asked: Asked, candidates: Candidates, kept: Kept) -> Columns:
    """Encoded columns of candidates that are not kept."""
    rest = kept.rest
    back = (*rest.of_item, *rest.of_pair)
    if not (back or rest.item_ids or rest.item_table or rest.others):
        return {}
    query = raw.of_query(replace(raw.wanted(flow), of_query=()), *asked) if back else {}
    own = raw.of_candidates(rest, query, asked.users, asked.times, candidates)
    return dict(flow.transform_batch(Batch(own, rows=len(candidates.items))).items())


def _history(flow: Flow, raw: RawColumns, asked: Asked, back: LookBack, codes: KeptRows) -> Ragged:
    """Codes of the items in each list of a history op."""

    def encode(items: Positions) -> Batch:
        lists = Ragged(raw.item_ids(items), np.arange(len(items) + 1))
        (made,) = flow.transform_batch(Batch({back.made.name: lists})).items()
        assert isinstance(made[1], Ragged)
        return Batch({made[0]: made[1].values})

    found = raw.of_history(back, *asked)
    (block,) = codes.take(found.values, encode, _beyond(found.values, codes))
    lists = found.with_values(block[:, 0])
    odd = _beyond(found.values, codes)
    if odd is not None:
        rows = np.flatnonzero(odd)
        lists.values[rows] = encode(found.values[rows]).array(codes.names[0][0])
    return lists


def _beyond(items: Positions, codes: KeptRows) -> Any:
    """Bool [N]: items that came after the room was made; None for none."""
    odd = items >= len(codes.blocks[0])
    return odd if odd.any() else None
