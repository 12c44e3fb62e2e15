"""One rule says which events are positives."""

import polars as pl

from shortlist.io import Dataset, positive
from shortlist.schema import Column, Schema
from shortlist.store import EmbeddedStore

ROWS = pl.DataFrame(
    {
        "user": [1, 1, 2, 2],
        "item": [1, 2, 1, 3],
        "time": [10, 20, 30, 40],
        "click": [1, 0, 1, None],
        "bought": [0, 0, 0, 1],
        "weight": [1.0, -1.0, 0.0, 2.0],
    }
).with_columns(pl.col("time").cast(pl.Datetime("us")))
LOG = Schema(
    [
        Column("user", "int64", ("user", "id")),
        Column("item", "int64", ("item", "id")),
        Column("time", "datetime", ("time",)),
    ]
)
CLICK = Column("click", "int64", ("target", "binary"))
BOUGHT = Column("bought", "int64", ("target", "binary"))
WEIGHT = Column("weight", "float32", ("weight",))


def _kept(schema: Schema) -> list[int]:
    return ROWS.with_row_index().filter(positive(schema))["index"].to_list()


def test_weights_decide_before_targets_and_targets_before_all() -> None:
    assert _kept(LOG) == [0, 1, 2, 3]
    assert _kept(LOG.merge([CLICK])) == [0, 2]
    assert _kept(LOG.merge([CLICK, BOUGHT])) == [0, 2, 3]
    assert _kept(LOG.merge([CLICK, BOUGHT, WEIGHT])) == [0, 3]


def test_a_store_holds_positives_only() -> None:
    schema = LOG.merge([CLICK])
    store = EmbeddedStore.build(Dataset.of(ROWS.select(schema.names), schema))
    assert store.events().times.tolist() == [10, 30]
