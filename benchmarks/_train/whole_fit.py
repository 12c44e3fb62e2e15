"""`sl.fit` as a user calls it: loader, sampler, progress and all, on the frame of the log."""

from time import perf_counter
from typing import Any

import polars as pl

import shortlist as sl
from _train.data import DIM, HIDDEN, ITEM_TABLES, TEMPERATURE, USER_TABLES, Log
from shortlist.loader import Loader
from shortlist.schema import FIRST_UNKNOWN

CODES_BEFORE = FIRST_UNKNOWN + 1


def whole_fit(log: Log, rows: int, batch_size: int) -> dict[str, float]:
    """Rows by wall time: of training in one epoch of so many rows, and of the loader alone in another."""
    frame, schema = _frame(log, rows)
    model = sl.TwoTower(schema, dim=DIM, hidden=HIDDEN)
    options = sl.FitOptions(
        epochs=1, batch_size=batch_size, lr=0.05, optimization=sl.Optimization(tables="adagrad")
    )
    objective = sl.SampledSoftmax(temperature=TEMPERATURE, mask_known=False)
    report = sl.fit(model, frame, objective, options=options)
    loader = Loader(frame, schema, batch_size=batch_size)
    loader.rows  # noqa: B018 - reads the data
    start = perf_counter()
    given = sum(len(batch) for batch in loader)
    return {"fit": report.rows_per_second, "loader": given / (perf_counter() - start)}


def _frame(log: Log, rows: int) -> tuple[pl.DataFrame, sl.Schema]:
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
    return pl.DataFrame(columns), sl.Schema(schema)
