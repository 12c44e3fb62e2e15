"""The honest split: learn from the past, test on what came after."""

from datetime import datetime

import polars as pl

from shortlist.data import duration_us
from shortlist.errors import ArgumentError, DataError
from shortlist.io import Dataset, moment, need_dataset
from shortlist.schema import Tags
from shortlist.split._leaks import leak_report
from shortlist.split._split import Split

__all__ = ["by_time"]

Window = str | float | datetime


def by_time(events: Dataset, valid: Window | None = "7d", test: Window = "7d") -> Split:
    """Cut a log at one or two moments, the same for all users.

    Each window is given as a length of time that ends where the next part begins (the last event for the
    test window), as the share of all events that it holds (0 < share < 1), or as the moment it begins.
    Events at a cutoff belong to the later part, so events of one moment are never torn apart.

    Args:
        events: a log with times.
        valid: the validation window; None for none, then `Split.valid` is None.
        test: the test window.

    Raises:
        SchemaError: no column is tagged as time.
        ArgumentError: a window cannot be read.
        DataError: there are no events, or a part would have none.

    >>> log = Dataset.of(pl.DataFrame({"u": [1, 1, 2, 2], "i": [1, 2, 1, 3], "t": [0, 1, 2, 3]}).with_columns(
    ...     (pl.col("t") * 86_400_000_000).cast(pl.Datetime("us"))))
    >>> log = log.tag("u", "user", "id").tag("i", "item", "id").tag("t", "time")
    >>> train, valid, test = by_time(log, valid="1d", test="1d")
    >>> train.count(), valid.count(), test.count()
    (2, 1, 1)
    """
    need_dataset(events, "split.by_time")
    ends = events.times()
    if ends is None:
        raise DataError("split.by_time", received="no events with a time", expected="at least one")
    time = events.schema.the(Tags.TIME).name
    at_test = _start(events, test, end=ends[1] + 1, before=0.0, where="split.by_time(test)")
    share = float(test) if isinstance(test, float) else _share_from(events, at_test, time)
    at_valid = at_test
    if valid is not None:
        at_valid = _start(events, valid, end=at_test, before=share, where="split.by_time(valid)")
    cuts = pl.Series([at_valid, at_test], dtype=pl.Int64).cast(pl.Datetime("us"))
    first, second = (pl.lit(cut) for cut in cuts.to_list())
    column = pl.col(time)
    parts = {"train": events.filter(column < first), "test": events.filter(column >= second)}
    if valid is not None:
        parts["valid"] = events.filter((column >= first) & (column < second))
    parts = {name: parts[name] for name in ("train", "valid", "test") if name in parts}
    _check(parts, ends, (at_valid, at_test))
    protocol = f"by time, one cutoff for all users, test {_words(test)}"
    protocol += f", valid {_words(valid)}" if valid is not None else ""
    moments = tuple(cuts.to_list()[0 if valid is not None else 1 :])
    report = leak_report(parts, f"GTS: {protocol}", cutoff=moments[-1])
    return Split(parts["train"], parts.get("valid"), parts["test"], protocol, moments, report, "GTS")


def _start(events: Dataset, window: Window, *, end: int, before: float, where: str) -> int:
    """The first microsecond of a window that ends before ``end``; ``before`` is the share of later parts."""
    if isinstance(window, str):
        return end - duration_us(window, where=where)
    if isinstance(window, datetime):
        return moment(window)
    if isinstance(window, bool) or not 0 < window < 1:
        raise ArgumentError(
            where,
            received=window,
            expected="a length of time such as '7d', a share between 0 and 1, or a moment",
        )
    time = events.schema.the(Tags.TIME).name
    times = pl.concat(pl.collect_all([part.select(pl.col(time).to_physical()) for part in events.partitions]))
    later = round(times.height * (window + before))
    return int(times.to_series().sort(descending=True)[max(later - 1, 0)] if later <= times.height else end)


def _share_from(events: Dataset, start: int, time: str) -> float:
    late = events.frame().select((pl.col(time).to_physical() >= start).mean()).collect().item()
    return float(late)


def _check(parts: dict[str, Dataset], ends: tuple[int, int], cuts: tuple[int, int]) -> None:
    first, last, *moments = pl.Series([*ends, *cuts], dtype=pl.Int64).cast(pl.Datetime("us")).to_list()
    for name, part in parts.items():
        if part.count() == 0:
            raise DataError(
                "split.by_time",
                received=f"no {name} events with cutoffs {[str(at) for at in moments]}",
                expected=f"cutoffs within the log, which runs from {first} to {last}",
                remedy="give shorter windows, or shares such as valid=0.1, test=0.1",
            )


def _words(window: Window) -> str:
    if isinstance(window, str):
        return window
    return f"from {window:%Y-%m-%d %H:%M}" if isinstance(window, datetime) else f"{window:.0%} of events"
