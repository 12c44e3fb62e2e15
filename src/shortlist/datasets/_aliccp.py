"""Synthetic clicks with the columns of Ali-CCP: sizes to measure speed with, and no signal but popularity."""

from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.errors import ArgumentError
from shortlist.io import Dataset
from shortlist.rng import generator
from shortlist.schema import Column, Schema

__all__ = ["aliccp"]

_IDS = {"user_id": 294_736, "item_id": 3_078_306}
_USER = {
    "user_shops": 116_741,
    "user_profile": 98,
    "user_group": 14,
    "user_gender": 3,
    "user_age": 8,
    "user_consumption_1": 4,
    "user_consumption_2": 4,
    "user_is_occupied": 3,
    "user_geography": 5,
    "user_intentions": 33_786,
    "user_brands": 58_015,
    "user_categories": 6_086,
}
_ITEM = {"item_category": 8_581, "item_shop": 604_498, "item_brand": 208_179, "item_intention": 96_258}
_CROSS = {
    "user_item_categories": 7_735,
    "user_item_shops": 384_343,
    "user_item_brands": 142_632,
    "user_item_intentions": 74_317,
}
_CONTEXT = {"position": 4}
_TARGETS = ("click", "conversion")
_PART_ROWS = 2_000_000
_START = datetime(2024, 1, 1)


def aliccp(rows: int = 1_000_000, seed: int = 0) -> Dataset:
    """Impressions with the 25 columns of the raw Ali-CCP log, and a time.

    User and item ids are independent draws of ``int(lognormal(3, 1))``, clipped to 1 and the size of their
    domain, so that about 700 of each occur. A feature of the user (item) cuts the range of the drawn ids into
    ``size - 1`` intervals of one width, numbered from 1. Cross features and the position are uniform in
    [1, size); click and conversion are uniform in {0, 1}. Rows are a second apart. The labels depend on
    nothing, so the best ranking is popularity, and every AUC is 0.5. For retrieval keep the clicks:
    ``data.filter(pl.col("click") == 1)``.

    Args:
        rows: number of rows.
        seed: the draws.

    Raises:
        ArgumentError: there are fewer than 0 rows.

    >>> data = aliccp(1000)
    >>> data.count(), len(data.schema), data.collect()["item_id"].n_unique() < 200
    (1000, 26, True)
    """
    if rows < 0:
        raise ArgumentError("datasets.aliccp(rows)", received=rows, expected="an integer >= 0")
    rng = generator(seed, "aliccp")
    columns = {name: _ids(rng, rows, top) for name, top in _IDS.items()}
    for parent, features in (("user_id", _USER), ("item_id", _ITEM)):
        columns |= {name: _cut(columns[parent], size - 1) for name, size in features.items()}
    columns |= {name: rng.integers(1, size, rows) for name, size in {**_CROSS, **_CONTEXT}.items()}
    columns |= {name: rng.integers(0, 2, rows) for name in _TARGETS}
    first = pl.Series([_START], dtype=pl.Datetime("us"))
    frame = pl.DataFrame(columns).with_columns(
        (first.to_physical()[0] + pl.int_range(rows, dtype=pl.Int64) * 1_000_000)
        .cast(pl.Datetime("us"))
        .alias("time")
    )
    parts = [frame.slice(start, _PART_ROWS) for start in range(0, max(rows, 1), _PART_ROWS)]
    return Dataset.of(parts, _schema())


def _ids(rng: np.random.Generator, rows: int, top: int) -> npt.NDArray[np.int64]:
    drawn: npt.NDArray[np.float64] = rng.lognormal(3.0, 1.0, rows)
    ids: npt.NDArray[np.int64] = np.clip(drawn.astype(np.int64), 1, top)
    return ids


def _cut(ids: npt.NDArray[np.int64], bins: int) -> npt.NDArray[np.int64]:
    """Number, from 1, of the interval that holds each id; intervals are closed on the right."""
    if len(ids) == 0:
        return ids
    low, width = ids.min(), np.ptp(ids)
    share = (ids - low) / width if width > 0 else np.full(len(ids), 0.5)
    numbers: npt.NDArray[np.float64] = np.clip(np.ceil(share * bins), 1, bins)
    return numbers.astype(np.int64)


def _schema() -> Schema:
    tags = {name: (name, "categorical") for name in _IDS}
    tags |= dict.fromkeys(_USER, ("user", "categorical"))
    tags |= dict.fromkeys(_ITEM, ("item", "categorical"))
    tags |= dict.fromkeys(_CROSS, ("cross", "categorical"))
    tags |= dict.fromkeys(_CONTEXT, ("context", "categorical"))
    tags |= dict.fromkeys(_TARGETS, ("target", "binary"))
    columns = [Column(name, "int64", frozenset(own)) for name, own in tags.items()]
    return Schema([*columns, Column("time", "datetime", frozenset({"time"}))])
