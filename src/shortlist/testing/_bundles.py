"""A bundle small enough to know every right answer of."""

from datetime import datetime
from pathlib import Path

import polars as pl

from shortlist.bundle import Writer
from shortlist.io import Dataset
from shortlist.pipeline import Drop, Pipeline, Popular, Repeats, State, Take, write_pipeline
from shortlist.schema import Column, Schema

__all__ = ["tiny_bundle", "tiny_pipeline"]

_EVENTS = Schema(
    [
        Column("user_id", "string", frozenset({"user", "id", "categorical"})),
        Column("item_id", "string", frozenset({"item", "id", "categorical"})),
        Column("at", "datetime", frozenset({"time"})),
    ]
)
_ITEMS = Schema(
    [
        Column("item_id", "string", frozenset({"item", "id", "categorical"})),
        Column("name", "string", frozenset({"item", "text"})),
        Column("price", "float64", frozenset({"item", "continuous"})),
        Column("stock", "int64", frozenset({"item", "continuous"})),
        Column("added", "datetime", frozenset({"item"})),
    ]
)


def tiny_pipeline() -> Pipeline:
    """What a user took before, most often first, where it is in stock; for others what is popular.

    Events: ``u1`` took i1, i1, i2; ``u2`` took i2, i3; ``u3`` took i2. So i2 was taken 3 times, i1 twice and
    i3 once; i3 is out of stock, i4 was never taken.
    """
    rows = [("u1", "i1"), ("u1", "i1"), ("u1", "i2"), ("u2", "i2"), ("u2", "i3"), ("u3", "i2")]
    log = pl.DataFrame(rows, schema=["user_id", "item_id"], orient="row").with_columns(
        at=pl.datetime_range(datetime(2026, 1, 1), datetime(2026, 1, 6), "1d", eager=True)
    )
    catalogue = pl.DataFrame(
        {
            "item_id": ["i1", "i2", "i3", "i4"],
            "name": ["one", "two", "three", None],
            "price": [1.0, 2.0, 3.0, None],
            "stock": [1, 2, 0, 4],
            "added": [datetime(2025, 12, day) for day in (1, 2, 3, 4)],
        }
    ).with_columns(pl.col("added").cast(pl.Datetime("us")))
    items = Dataset.of(catalogue, _ITEMS)
    state = State(Dataset.of(log.with_columns(pl.col("at").cast(pl.Datetime("us"))), _EVENTS), items=items)
    return Pipeline([Repeats(k=10), Drop(unless="stock > 0"), Take(10)], state=state, fallback=Popular())


def tiny_bundle(folder: Path, note: str = "") -> Path:
    """Write `tiny_pipeline` as a bundle; another note makes another version."""
    facts = {"metrics": {"ndcg@10": 0.5}, "fingerprint": "f00d"} | ({"note": note} if note else {})
    with Writer(folder, facts) as writer:
        write_pipeline(tiny_pipeline(), writer, {})
    return folder
