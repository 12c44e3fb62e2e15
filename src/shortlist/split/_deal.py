"""Dealing the rows of a log out to training, validation and test."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.io import Dataset, need_dataset
from shortlist.schema import Tags
from shortlist.split._leaks import leak_report
from shortlist.split._split import Split

__all__ = ["TEST", "TRAIN", "VALID", "dealt", "places", "rows_of", "share_of", "times_of"]

TRAIN, VALID, TEST = 0, 1, 2

Numbers = npt.NDArray[np.int64]


def rows_of(events: Dataset, where: str) -> pl.DataFrame:
    """The events in memory.

    Raises:
        DataError: they are no data set.
    """
    need_dataset(events, where)
    return events.collect()


def times_of(events: Dataset, frame: pl.DataFrame) -> Numbers:
    """Microseconds since 1970 of each row.

    Raises:
        SchemaError: no column is tagged as time.
    """
    return frame[events.schema.the(Tags.TIME).name].to_physical().cast(pl.Int64).to_numpy()


def places(frame: pl.DataFrame, key: str, order: npt.NDArray[Any]) -> tuple[Numbers, Numbers]:
    """Place of each row among the rows of its key, by a number each; and how many the key has.

    Rows of equal numbers stay in the order of the file.
    """
    ranked = frame.select(key, pl.Series("__order", order)).select(
        (pl.col("__order").rank("ordinal").over(key).cast(pl.Int64) - 1).alias("place"),
        pl.len().over(key).cast(pl.Int64).alias("size"),
    )
    return ranked["place"].to_numpy(), ranked["size"].to_numpy()


def share_of(ratio: float, size: Numbers) -> npt.NDArray[np.float64]:
    """Whole rows of a share, rounded down.

    Half a unit of rounding is forgiven: 0.7 * 10 is 6.999999999999999 in floats.

    >>> share_of(0.7, np.array([10, 9])).tolist()
    [7.0, 6.0]
    """
    whole: npt.NDArray[np.float64] = np.floor(ratio * size + 1e-9)
    return whole


def dealt(
    events: Dataset,
    frame: pl.DataFrame,
    part: Numbers,
    protocol: str,
    code: str,
    *,
    leak: str,
    validated: bool = True,
) -> Split:
    """The parts and what they leak.

    Args:
        events: the log.
        frame: its rows.
        part: TRAIN, VALID or TEST for each row; any other number leaves the row out.
        protocol: how it was done, in words.
        code: the same in a word.
        leak: what the protocol itself is to be warned of.
        validated: False for no validation.
    """
    train, valid, test = (
        Dataset.of(frame.filter(pl.Series(part == place)), events.schema) for place in (TRAIN, VALID, TEST)
    )
    parts = {"train": train, "valid": valid, "test": test}
    if not validated:
        del parts["valid"]
    report = leak_report(parts, f"{code}: {protocol}", warnings=(leak,))
    return Split(train, parts.get("valid"), test, protocol, (), report, code)
