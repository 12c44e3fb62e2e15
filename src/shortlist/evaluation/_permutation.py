"""How much each column matters: what is lost when its values are dealt to other rows."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from shortlist import metrics as m
from shortlist.data import Batch, Ranker
from shortlist.errors import ArgumentError, near
from shortlist.evaluation._batches import batch_of
from shortlist.io import Dataset
from shortlist.report import Cell, Table
from shortlist.rng import generator
from shortlist.schema import Schema

__all__ = ["permutation_importance"]

Metric = Literal["auc", "logloss", "ndcg"]
_KNOWN = ("auc", "logloss", "ndcg")


def permutation_importance(
    ranker: Ranker,
    data: Dataset,
    *,
    metric: Metric = "auc",
    repeats: int = 3,
    groups: Sequence[Sequence[str]] = (),
    seed: int = 0,
) -> Table:
    """The loss in a metric when a column's values are dealt out anew among the rows, column by column.

    Columns that say the same hide each other: put them in one group, whose values move together. Columns are
    those of the ranker's schema that the data has.

    Args:
        ranker: a network, trees, or a part of a bundle.
        data: encoded held-out rows with the target.
        metric: ``"auc"``, ``"logloss"``, or ``"ndcg"`` (NDCG@10 within requests, by the column tagged
            "request").
        repeats: times that each is dealt out; the mean and the deviation are shown.
        groups: columns that move together; each of the others moves alone.
        seed: of the dealing.

    Returns:
        One row a column or group: its name, the mean loss (positive: it helped) and its deviation.

    Raises:
        ArgumentError: the metric is unknown, ``repeats`` is below 1, a column is, or there is no target.

    Source: Breiman, "Random forests", 2001; Fisher et al., "All models are wrong, but many are useful", 2019.
    """
    if metric not in _KNOWN:
        raise ArgumentError(
            "permutation_importance.metric", received=metric, expected="a metric", remedy=near(metric, _KNOWN)
        )
    if repeats < 1:
        raise ArgumentError("permutation_importance.repeats", received=repeats, expected="an integer >= 1")
    inputs = _inputs(ranker, data.schema)
    measure = _measure(data, metric)
    batch = batch_of(data, inputs)
    units = _units(inputs.names, groups)
    whole = measure(ranker.score(batch))
    rng = generator(seed, "permutation importance")
    sign = -1.0 if metric == "logloss" else 1.0
    rows: list[tuple[Cell, ...]] = []
    for unit in units:
        losses = [sign * (whole - measure(ranker.score(_dealt(batch, unit, rng)))) for _ in range(repeats)]
        rows.append((" + ".join(unit), float(np.mean(losses)), float(np.std(losses))))
    rows.sort(key=lambda row: -float(row[1] or 0))
    title = f"loss in {metric} of {whole:.4f} on {len(batch):,} rows when a column is dealt out anew"
    return Table(("column", "loss", "+-"), rows, title=title)


def _dealt(batch: Batch, names: Sequence[str], rng: np.random.Generator) -> Batch:
    order = rng.permutation(len(batch))
    return batch.with_columns(dict(batch.select(names).take(order).items()))


def _inputs(ranker: Any, schema: Schema) -> Schema:
    own: Schema = ranker.inputs if hasattr(ranker, "inputs") else ranker.schema
    return Schema(column for column in own if column.name in schema)


def _units(names: Sequence[str], groups: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    together = [tuple(group) for group in groups]
    for name in (name for group in together for name in group):
        if name not in names:
            raise ArgumentError(
                "permutation_importance.groups",
                received=name,
                expected="a column that the ranker reads",
                remedy=near(name, names),
            )
    taken = {name for group in together for name in group}
    return [*together, *((name,) for name in names if name not in taken)]


def _measure(data: Dataset, metric: Metric) -> Callable[[npt.NDArray[Any]], float]:
    targets = data.schema.tagged("target").names
    requests = data.schema.tagged("request").names
    if not targets or (metric == "ndcg" and not requests):
        raise ArgumentError(
            "permutation_importance.data",
            received=f"columns {list(data.schema.names)}",
            expected="a target" + (' and a column tagged "request"' if metric == "ndcg" else ""),
        )
    wanted = [targets[0], *requests[:1]]
    frame = data.select(wanted).collect()
    labels = frame[targets[0]].to_numpy().astype(np.float64)
    if metric == "auc":
        return lambda scores: m.auc(labels, scores)
    if metric == "logloss":
        return lambda scores: m.logloss(labels, scores)
    groups = frame[requests[0]].to_numpy()
    return lambda scores: float(np.nanmean(m.ndcg_within(labels, scores, groups)))
