"""Splits inside each user's events: for figures that others published. They leak; each says so."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError
from shortlist.io import Dataset
from shortlist.rng import generator
from shortlist.split._deal import TEST, TRAIN, VALID, dealt, places, rows_of, share_of, times_of
from shortlist.split._split import Split

__all__ = ["by_user_random", "by_user_time", "last_out", "stratified"]

_RANDOM_LEAK = "the order of events is ignored: training knows what other events of the same days lead to"
_TIME_LEAK = "users end at different times: training knows what other users did after a test event"

Ratios = tuple[float, float, float]


def by_user_random(events: Dataset, ratios: Ratios = (0.8, 0.1, 0.1), *, seed: int = 0) -> Split:
    """Deal each user's events out at random.

    Of a user's n events, floor(ratio * n) go to validation and as many by their ratio to the test; the rest
    are for training. With 8:1:1 this is the protocol RS811 of published figures. The events are held in
    memory.

    Args:
        events: a log.
        ratios: shares of training, validation and test; they add up to 1. Without a share, validation is
            None.
        seed: the deal.

    Raises:
        ArgumentError: the ratios are not shares.
    """
    _check_shares("split.by_user_random(ratios)", ratios)
    frame = rows_of(events, "split.by_user_random")
    keys = generator(seed, "by_user_random").random(frame.height)
    place, size = places(frame, events.schema.user.name, keys)
    # The test takes from the front of the random order, so that a seed deals as it always has.
    part = _parts(place, size, ratios)
    protocol = f"random per user {_ratio_words(ratios)}, seed {seed}"
    return dealt(
        events,
        frame,
        part,
        protocol,
        f"RS{_ratio_code(ratios)}/u",
        leak=_RANDOM_LEAK,
        validated=ratios[1] > 0,
    )


def by_user_time(events: Dataset, ratios: Ratios = (0.8, 0.1, 0.1)) -> Split:
    """Each user's latest events are the test, those before them the validation, the earliest for training.

    Of a user's n events floor(ratio * n) go to test and validation. Of events at one time, the later row is
    later. The events are held in memory.

    Raises:
        ArgumentError: the ratios are not shares.
        SchemaError: no column is tagged as time.
    """
    _check_shares("split.by_user_time(ratios)", ratios)
    frame = rows_of(events, "split.by_user_time")
    place, size = places(frame, events.schema.user.name, times_of(events, frame))
    part = _parts(size - 1 - place, size, ratios)
    protocol = f"by time within each user {_ratio_words(ratios)}"
    return dealt(
        events, frame, part, protocol, f"TS{_ratio_code(ratios)}/u", leak=_TIME_LEAK, validated=ratios[1] > 0
    )


def stratified(events: Dataset, train: float = 0.75, *, seed: int = 0) -> Split:
    """Of each user's n events round(train * n), dealt at random, are for training, the rest is the test.

    With 0.75 this is the protocol of the tables of Microsoft Recommenders. There is no validation. The
    events are held in memory.

    Args:
        events: a log.
        train: share of training, between 0 and 1.
        seed: the deal.

    Raises:
        ArgumentError: ``train`` is no share.
    """
    if not 0 < train < 1:
        raise ArgumentError("split.stratified(train)", received=train, expected="a share between 0 and 1")
    frame = rows_of(events, "split.stratified")
    keys = generator(seed, "stratified").random(frame.height)
    place, size = places(frame, events.schema.user.name, keys)
    part = np.where(place < np.round(train * size), TRAIN, TEST)
    ratios = (train, 0.0, 1 - train)
    protocol = f"random per user {_ratio_words((train, 0, round(1 - train, 12)))}, rounded, seed {seed}"
    return dealt(
        events,
        frame,
        part,
        protocol,
        f"RS{_ratio_code(ratios)}/u",
        leak=_RANDOM_LEAK,
        validated=ratios[1] > 0,
    )


def last_out(events: Dataset) -> Split:
    """Each user's last event is the test, the one before it the validation, the rest for training.

    Users of fewer than three events are for training only. Of events at one time, the later row is later:
    keep the order of the file, or a quarter of the test changes where times are coarse. The events are held
    in memory.

    Raises:
        SchemaError: no column is tagged as time.
    """
    frame = rows_of(events, "split.last_out")
    place, size = places(frame, events.schema.user.name, times_of(events, frame))
    from_end = size - 1 - place
    part = np.where((size >= 3) & (from_end < 2), TEST - from_end, TRAIN)
    return dealt(events, frame, part, "leave last out per user", "LOO", leak=_TIME_LEAK)


def _parts(
    from_front: npt.NDArray[np.int64], size: npt.NDArray[np.int64], ratios: Ratios
) -> npt.NDArray[np.int64]:
    test, valid = share_of(ratios[2], size), share_of(ratios[1], size)
    return np.where(from_front < test, TEST, np.where(from_front < test + valid, VALID, TRAIN))


def _check_shares(where: str, ratios: Sequence[float]) -> None:
    if len(ratios) != 3 or min(ratios) < 0 or abs(sum(ratios) - 1) > 1e-9:
        raise ArgumentError(where, received=ratios, expected="three shares that add up to 1")


def _ratio_words(ratios: Ratios) -> str:
    return ":".join(f"{ratio:g}" for ratio in ratios)


def _ratio_code(ratios: Ratios) -> str:
    """Tenths without signs between them, else percents.

    >>> _ratio_code((0.8, 0.1, 0.1)), _ratio_code((0.75, 0.0, 0.25))
    ('811', '75:25')
    """
    tenths = [10 * ratio for ratio in ratios]
    if all(abs(tenth - round(tenth)) < 1e-9 and 0 < tenth < 10 for tenth in tenths):
        return "".join(f"{tenth:.0f}" for tenth in tenths)
    return ":".join(f"{100 * ratio:g}" for ratio in ratios if ratio > 0)
