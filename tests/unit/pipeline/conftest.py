"""A small shop whose every right answer can be worked out by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist import index
from shortlist.data import Batch
from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.pipeline import State
from shortlist.schema import Column, Schema, tags
from shortlist.store import EmbeddedStore

EVENTS = Schema(
    [
        Column("user", "string", ("user", "id", "categorical")),
        Column("item", "int64", ("item", "id", "categorical")),
        Column("time", "datetime", ("time",)),
        Column("device", "string", ("context", "categorical")),
    ]
)
ITEMS = Schema(
    [
        Column("item", "int64", ("item", "id", "categorical")),
        Column("price", "float64", ("item", "continuous")),
        Column("stock", "int64", ("item", "continuous")),
        Column("name", "string", ("item", "text")),
    ]
)
USERS = Schema(
    [
        Column("user", "string", ("user", "id", "categorical")),
        Column("age", "float64", ("user", "continuous")),
    ]
)
LOG = [
    ("ann", 10, 100, "web"),
    ("ann", 20, 200, "app"),
    ("bob", 10, 300, "web"),
    ("bob", 30, 400, "web"),
    ("bob", 10, 500, "app"),
    ("eve", 40, 600, "web"),
]


def log(rows: list[tuple[str, int, int, str]]) -> Dataset:
    types = {"user": pl.String, "item": pl.Int64, "time": pl.Int64, "device": pl.String}
    frame = pl.DataFrame(rows, schema=types, orient="row")
    return Dataset.of(frame.with_columns(pl.col("time").cast(pl.Datetime("us"))), EVENTS)


def tables() -> tuple[Dataset, Dataset]:
    items = pl.DataFrame(
        {
            "item": [10, 20, 30, 40, 50],
            "price": [1.0, 2.0, 3.0, 4.0, 5.0],
            "stock": [1, 0, None, 4, 5],
            "name": ["ten", "twenty", "thirty", "forty", "fifty"],
        }
    )
    users = pl.DataFrame({"user": ["ann", "bob", "eve"], "age": [30.0, None, 50.0]})
    return Dataset.of(items, ITEMS), Dataset.of(users, USERS)


@pytest.fixture
def make_log() -> Callable[[list[tuple[str, int, int, str]]], Dataset]:
    return log


@pytest.fixture
def store() -> EmbeddedStore:
    return EmbeddedStore.build(log(LOG), *tables())


@pytest.fixture
def clicks() -> State:
    """The shop with what was shown: 10 clicked 3 of 4 times, 20 once of 3, 30 once of 1, 40 never of 2."""
    shown = {10: [1, 1, 0, 1], 20: [0, 1, 0], 30: [1], 40: [0, 0]}
    rows = [("ann", item, 10 * n + 1, one) for item, hits in shown.items() for n, one in enumerate(hits)]
    types = {"user": pl.String, "item": pl.Int64, "time": pl.Int64, "clicked": pl.Int8}
    frame = pl.DataFrame(rows, schema=types, orient="row").with_columns(
        pl.col("time").cast(pl.Datetime("us"))
    )
    schema = Schema([*list(EVENTS)[:3], Column("clicked", "int8", ("target", "binary"))])
    return State(Dataset.of(frame, schema), items=tables()[0], users=tables()[1], columns=("clicked",))


@pytest.fixture
def state(store: EmbeddedStore) -> State:
    return State(store=store)


@dataclass
class Tower:
    """The vector of a query is the sum of its history's one-hot vectors, with its age in the last place."""

    dim: int = 6
    seen: list[Batch] = field(default_factory=list)

    def encode_query(self, batch: Batch) -> Any:
        self.seen.append(batch)
        out = np.zeros((len(batch), self.dim), dtype=np.float32)
        history = batch.ragged("item_history")
        np.add.at(out, (history.row_of, history.values - 3), 1.0)
        out[:, -1] = batch.array("age") / 100
        return out

    def encode_item(self, batch: Batch) -> Any:
        return np.eye(self.dim, dtype=np.float32)[batch.array("item") - 3] + 0.01


@dataclass
class Cheap:
    """The score is the negative price, less the pair's count."""

    seen: list[Batch] = field(default_factory=list)

    def score(self, batch: Batch) -> Any:
        self.seen.append(batch)
        return -batch.array("price") - batch.array("pair_count")


@pytest.fixture
def flow() -> Workflow:
    items, users = tables()
    branches = [
        tags.any("id") >> ops.Categorify(),
        "price",
        "age" >> ops.FillMissing(0.0),
        "device" >> ops.Categorify(),
        ops.History("item", max_length=3) >> ops.Categorify(like="item"),
        ops.AsOf("pair", "count"),
        ops.AsOf("user", "count"),
        ops.AsOf("item", "days_since"),
    ]
    return Workflow(branches).fit(
        log([(u, i, t, d) for u, i, t, d in LOG] + [("ann", 50, 700, "web")]).join_tables(items, users)
    )


@pytest.fixture
def tower() -> Tower:
    return Tower()


@pytest.fixture
def cheap() -> Cheap:
    return Cheap()


@pytest.fixture
def vectors() -> index.VectorIndex:
    """Items 10 .. 50 at the places their codes have in the workflow: by count, then by id."""
    order = [10, 20, 30, 40, 50]
    return index.build(np.eye(6, dtype=np.float32)[:5] + np.float32(0.01), order)
