"""Splits inside each user's events: for figures that others published. They leak; each says so."""

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.errors import ArgumentError
from shortlist.io import Dataset
from shortlist.rng import generator
from shortlist.schema import Tags
from shortlist.split._leaks import leak_report
from shortlist.split._split import Split

__all__ = ["by_user_random", "last_out"]

_RANDOM_LEAK = "the order of events is ignored: training knows what other events of the same days lead to"
_LAST_LEAK = "users end at different times: training knows what other users did after a test event"


def by_user_random(
    events: Dataset, ratios: tuple[float, float, float] = (0.8, 0.1, 0.1), *, seed: int = 0
) -> Split:
    """Deal each user's events out at random.

    Of a user's n events, floor(ratio * n) go to validation and as many by their ratio to the test; the rest
    are for training. With 8:1:1 this is the protocol RS811 of published figures. The events are held in
    memory.

    Args:
        events: a log.
        ratios: shares of training, validation and test; they add up to 1.
        seed: the deal.

    Raises:
        ArgumentError: the ratios are not shares.
    """
    if min(ratios) < 0 or abs(sum(ratios) - 1) > 1e-9:
        raise ArgumentError(
            "split.by_user_random(ratios)", received=ratios, expected="three shares that add up to 1"
        )
    frame = events.collect()
    keys = generator(seed, "by_user_random").random(frame.height)
    place, size = _places(frame, events.schema.user.name, keys)
    # Half a unit of rounding: 0.1 * 30 is 3.0000000000000004 in floats, 0.7 * 10 is 6.999999999999999.
    test, valid = (np.floor(ratio * size + 1e-9) for ratio in (ratios[2], ratios[1]))
    part = np.where(place < test, 2, np.where(place < test + valid, 1, 0))
    protocol = f"random per user {':'.join(f'{ratio:g}' for ratio in ratios)}, seed {seed}"
    return _dealt(events, frame, part, protocol, _RANDOM_LEAK)


def last_out(events: Dataset) -> Split:
    """Each user's last event is the test, the one before it the validation, the rest for training.

    Users of fewer than three events are for training only. Of events at one time, the later row is later.
    The events are held in memory.

    Raises:
        SchemaError: no column is tagged as time.
    """
    frame = events.collect()
    times = frame[events.schema.the(Tags.TIME).name].to_physical().cast(pl.Int64).to_numpy()
    place, size = _places(frame, events.schema.user.name, times)
    from_end = size - 1 - place
    part = np.where((size >= 3) & (from_end < 2), 2 - from_end, 0)
    return _dealt(events, frame, part, "leave last out per user", _LAST_LEAK)


def _places(
    frame: pl.DataFrame, user: str, keys: npt.NDArray[np.float64] | npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Place of each row among its user's rows in order of the keys, and how many the user has."""
    ranked = frame.select(user, pl.Series("__key", keys)).select(
        (pl.col("__key").rank("ordinal").over(user).cast(pl.Int64) - 1).alias("place"),
        pl.len().over(user).cast(pl.Int64).alias("size"),
    )
    return ranked["place"].to_numpy(), ranked["size"].to_numpy()


def _dealt(
    events: Dataset, frame: pl.DataFrame, part: npt.NDArray[np.int64], protocol: str, leak: str
) -> Split:
    train, valid, test = (
        Dataset.of(frame.filter(pl.Series(part == place)), events.schema) for place in range(3)
    )
    parts = {"train": train, "valid": valid, "test": test}
    return Split(train, valid, test, protocol, (), leak_report(parts, protocol, warnings=(leak,)))
