"""`sl.fit` as a user calls it: loader, sampler, progress and all, on the frame of the log."""

from typing import Any

import polars as pl

import shortlist as sl
from _train.data import DIM, HIDDEN, ITEM_TABLES, TEMPERATURE, USER_TABLES, Log
from shortlist.schema import FIRST_UNKNOWN

CODES_BEFORE = FIRST_UNKNOWN + 1


def fit_rows_per_second(log: Log, rows: int, batch_size: int) -> float:
    """Rows by wall time of training in one epoch of so many rows."""
    sides = (
        (USER_TABLES, log.user_table, log.users, "user"),
        (ITEM_TABLES, log.item_table, log.items, "item"),
    )
    columns: dict[str, Any] = {}
    schema = []
    for sizes, table, codes, side in sides:
        for place, name in enumerate(sizes):
            values = table[:, place] + CODES_BEFORE
            columns[name] = values[codes[:rows]]
            tags = (side, "id") if place == 0 else (side, "categorical")
            schema.append(sl.Column(name, "int64", tags, domain=sl.Domain(name, int(values.max()) + 1)))
    model = sl.TwoTower(sl.Schema(schema), dim=DIM, hidden=HIDDEN)
    options = sl.FitOptions(
        epochs=1, batch_size=batch_size, lr=0.05, optimization=sl.Optimization(tables="adagrad")
    )
    objective = sl.SampledSoftmax(temperature=TEMPERATURE, mask_known=False)
    return sl.fit(model, pl.DataFrame(columns), objective, options=options).rows_per_second
