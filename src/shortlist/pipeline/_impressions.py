"""Examples to train a ranker on: what was shown, and what became of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError
from shortlist.io import Dataset
from shortlist.pipeline._examples import REQUEST, Everything
from shortlist.pipeline._state import State
from shortlist.schema import Column, Schema, Tags
from shortlist.store import to_series

__all__ = ["impression_examples"]

_CHUNK = 512


def impression_examples(impressions: Dataset, state: State, *, histories: Sequence[Any] = ()) -> Dataset:
    """Logged impressions with what was known when they were shown.

    Impressions of one user at one time are one request. The columns of the log stay as they are (labels,
    positions, propensities, weights, context); beside them stand those of the user and the item table, and
    the histories as of the time shown: nothing that happened then or later is seen. Impressions of items
    outside the catalogue are left out.

    Args:
        impressions: user, item, time, and at least one target such as a click.
        state: holds the tables, and the events up to the end of the log.
        histories: history ops whose columns are to be there, as of each request.

    Returns:
        The columns above and ``request`` (its number), rows of one request together, in the order of time.

    Raises:
        ArgumentError: the log has no target.
        SchemaError: it has no user, item or time.
    """
    schema = impressions.schema
    if len(schema.tagged(Tags.TARGET)) == 0:
        raise ArgumentError(
            "impression_examples",
            received=f"columns {list(schema.names)} without a target",
            expected="what became of each impression",
            remedy="tag it: impressions.tag('click', 'target', 'binary')",
        )
    user, item, time = schema.user.name, schema.item.name, schema.time.name
    frame = impressions.collect()
    positions = state.items.positions(frame[item].to_list())
    at = frame[time].cast(pl.Datetime("us")).to_physical()
    rows = pl.DataFrame({"user": frame[user], "item": positions, "at": at}).with_row_index("row")
    rows = rows.filter(pl.col("item") >= 0).sort("at", "user", maintain_order=True)
    rows = rows.with_columns(request=pl.struct("at", "user").rle_id().cast(pl.Int64))
    store = state.store
    columns = {column.name: column for column in (*store.user_schema, *store.item_schema)}
    own = Schema({**columns, time: schema.time}.values())
    everything = Everything(own, tuple(histories), store.event_schema)
    parts = [_known(state, everything, part) for part in _chunks(rows)]
    kept = frame[rows["row"]].with_columns(rows["request"].alias(REQUEST))
    known = pl.concat(parts) if parts else _known(state, everything, rows)
    request = Column(REQUEST, "int64", frozenset({REQUEST}))
    merged = Schema([*schema, *everything.schema.without(*schema.names), request])
    beside = known.select(everything.schema.without(*schema.names).names)
    return Dataset.of(kept.hstack(beside).select(merged.names), merged)


def _chunks(rows: pl.DataFrame) -> list[pl.DataFrame]:
    if rows.height == 0:
        return []
    return [part for _, part in rows.group_by(pl.col("request") // _CHUNK, maintain_order=True)]


def _known(state: State, everything: Everything, rows: pl.DataFrame) -> pl.DataFrame:
    """What the store knows of some requests and their items, a row an impression."""
    first = rows.unique("request", keep="first", maintain_order=True)
    counts = rows.group_by("request", maintain_order=True).len()["len"].cast(pl.Int64).to_numpy()
    requests = Requests(first["user"].to_list(), max(len(state.items), 1), first["at"].to_numpy())
    items = rows["item"].to_numpy()
    shown = Candidates(
        items,
        np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
        np.zeros(len(items), np.float32),
        np.zeros(len(items), np.int16),
        ("log",),
    )
    batch = state.ranking_batch(everything, requests, shown).flat()
    return pl.DataFrame([to_series(batch[column.name], column) for column in everything.schema])
