"""Growing trees from data sets."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from shortlist.data import Array, Batch, Ragged
from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.io import Dataset
from shortlist.models.trees import TreeRanker, TreeRows
from shortlist.schema import Column, Schema
from shortlist.train._options import FitOptions
from shortlist.train._report import Epoch, FitReport, write_log
from shortlist.train._sources import Data, schema_of, weight_column

__all__ = ["fit_trees", "tree_rows"]

_NO_METRIC = "all trees grown"


def fit_trees(
    model: TreeRanker, train: Data, objective: Any, valid: Data | None, options: FitOptions
) -> FitReport:
    """Grow a model's trees; see `fit`.

    Raises:
        ArgumentError: an objective is given.
    """
    if objective is not None:
        raise ArgumentError(
            "fit.objective",
            received=type(objective).__name__,
            expected="None: trees learn by their own goal",
            remedy=f"{type(model).__name__}(schema, goal='lambdarank') or 'binary'",
        )
    started = time.perf_counter()
    rows = tree_rows(model, train)
    held = None if valid is None else tree_rows(model, valid)
    loss = model.fit(rows, held, metric=options.metric)
    kept, seconds = model.scorer.forest.trees, time.perf_counter() - started
    best = model.curve[kept - 1] if model.curve else None
    epoch = Epoch(1, kept, loss, best, model.options.lr, len(rows), seconds)
    if options.log is not None:
        write_log(Path(options.log), [epoch])
    grown = len(model.curve)
    reason = f"kept {kept} of {grown} trees" if model.curve else f"{_NO_METRIC}: {kept}"
    name = options.metric or _metric_of(model) if held is not None else None
    protocol = None if held is None else f"{len(held):,} labelled rows, target {model.target!r}"
    return FitReport((epoch,), name, protocol, 1, reason)


def tree_rows(model: TreeRanker, data: Data) -> TreeRows:
    """The rows of a data set as a model's trees read them, partition by partition; nulls are NaN.

    The column tagged "weight" weighs rows, by its absolute value; the one tagged "request" groups them.

    Raises:
        SchemaError: a column is missing or of another kind.
        DataError: there are no rows.
    """
    schema = schema_of(data, model.schema)
    weight = weight_column(schema)
    request = next((column for column in schema if column.has("request")), None)
    frames = data.partitions if isinstance(data, Dataset) else (data.lazy(),)
    parts = [_part(model, frame.collect(), weight, request) for frame in frames]
    if sum(map(len, parts)) == 0:
        raise DataError("fit: trees", received="no rows", expected="at least one row to learn from")
    return TreeRows(
        np.concatenate([part.matrix for part in parts]),
        np.concatenate([part.labels for part in parts]),
        None if weight is None else np.concatenate([_known(part.weights) for part in parts]),
        None if request is None else np.concatenate([_known(part.groups) for part in parts]),
    )


def _part(model: TreeRanker, frame: pl.DataFrame, weight: Column | None, request: Column | None) -> TreeRows:
    wanted = model.inputs.merge([model.schema[model.target]])
    missing = [name for name in wanted.names if name not in frame.columns]
    if missing:
        raise SchemaError(
            "fit: trees",
            received=f"data without {missing}",
            expected=f"the columns {list(wanted.names)}",
            remedy="transform the data with the workflow whose schema the model was built from",
        )
    batch = Batch(_columns(frame, model.inputs), rows=frame.height)
    return model.rows(
        batch,
        _scalars(frame[model.target]),
        weights=None if weight is None else np.abs(_scalars(frame[weight.name])),
        groups=None if request is None else frame[request.name].cast(pl.Int64).to_numpy(),
    )


def _columns(frame: pl.DataFrame, inputs: Schema) -> dict[str, Array | Ragged]:
    return {column.name: _column(frame[column.name], column) for column in inputs}


def _column(series: pl.Series, column: Column) -> Array | Ragged:
    if column.is_list:
        lengths = series.list.len().fill_null(0).to_numpy().astype(np.int64)
        values = series.filter(pl.Series(lengths > 0)).explode()
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        return Ragged(_scalars(values), offsets)
    if column.shape.kind == "vector":
        vectors: Array = series.cast(pl.Array(pl.Float32, column.shape.size or 0)).to_numpy()
        return vectors
    return _scalars(series)


def _scalars(series: pl.Series) -> Array:
    if not (series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null)):
        raise SchemaError(
            f"fit: trees: column {series.name!r}",
            received=f"values of type {series.dtype}",
            expected="codes or numbers",
            remedy="transform the data with the fitted workflow first",
        )
    values: Array = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return values


def _known(values: Array | None) -> Array:
    assert values is not None
    return values


def _metric_of(model: TreeRanker) -> str:
    return {"binary": "auc", "regression": "mse", "lambdarank": "ndcg@10"}[model.goal]
