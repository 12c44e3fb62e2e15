"""Fewer negatives, and the probabilities set right again."""

import polars as pl

from shortlist.errors import ArgumentError
from shortlist.io import Dataset
from shortlist.rng import generator
from shortlist.schema import Column, Tags
from shortlist.scorers import Platt

__all__ = ["downsample", "undo_downsampling"]

_WEIGHT = "sample_weight"


def downsample(data: Dataset, share: float, *, weigh: bool = False, seed: int = 0) -> Dataset:
    """Keep all positives and a share of the negatives.

    A model of what is left is too sure by odds of ``1 / share``. Either `undo_downsampling` mends its
    probabilities, ``p / (p + (1 - p) / share)``, or each kept negative weighs ``1 / share`` in training.

    Args:
        data: labelled rows; the first BINARY target counts.
        share: of the negatives that is kept, above 0, at most 1.
        weigh: whether to add a column ``sample_weight``, tagged "weight": 1 for positives, ``1 / share``
            for negatives. A column of that tag that is there already is multiplied.
        seed: of the draw.

    Raises:
        ArgumentError: the share is out of range, or there is no binary target.

    >>> rows = pl.DataFrame({"click": [1, 0] * 500})
    >>> kept = downsample(Dataset.of(rows).tag("click", "target", "binary"), 0.1)
    >>> kept.collect()["click"].sum(), 30 < kept.count() - 500 < 70
    (500, True)
    """
    _check("downsample.share", share)
    targets = data.schema.tagged(Tags.TARGET, Tags.BINARY).names
    if not targets:
        raise ArgumentError(
            "downsample",
            received=f"targets {list(data.schema.tagged(Tags.TARGET).names)}",
            expected="a target tagged binary",
            remedy="tag the label: data.tag('click', 'target', 'binary')",
        )
    rng = generator(seed, "downsample")
    weight = next((column.name for column in data.schema if column.has("weight")), _WEIGHT)
    parts = []
    for partition in data.partitions:
        frame = partition.collect()
        negative = frame[targets[0]].to_numpy() <= 0
        kept = frame.filter(pl.Series(~negative | (rng.random(frame.height) < share)))
        if weigh:
            of_row = pl.when(pl.col(targets[0]) > 0).then(1.0).otherwise(1 / share).cast(pl.Float32)
            known = pl.col(weight).cast(pl.Float32) if weight in kept.columns else pl.lit(1.0, pl.Float32)
            kept = kept.with_columns((of_row * known).alias(weight))
        parts.append(kept)
    column = Column(weight, "float32", frozenset({"weight"}))
    schema = data.schema.merge([column]) if weigh else data.schema
    return Dataset.of(pl.concat(parts).select(schema.names), schema)


def undo_downsampling(share: float) -> Platt:
    """The map from a model's probabilities, of a share of the negatives, to those of all: for `Calibrate`.

    ``p / (p + (1 - p) / share)``: the log odds shifted by ``log(share)``.

    Raises:
        ArgumentError: the share is out of range.

    >>> import numpy as np
    >>> undo_downsampling(0.25).apply(np.array([0.5])).round(4).tolist()     # 0.5 / (0.5 + 0.5 / 0.25)
    [0.20000000298023224]
    """
    _check("undo_downsampling.share", share)
    return Platt.shift(share)


def _check(where: str, share: float) -> None:
    if not 0 < share <= 1:
        raise ArgumentError(where, received=share, expected="a share of negatives, above 0 to 1")
