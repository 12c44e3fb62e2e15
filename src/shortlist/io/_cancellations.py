"""Events that take back earlier ones: a return cancels a purchase."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.io._repeats import SLICE
from shortlist.io._rules import DIRTY, KIND, ROW, Rules
from shortlist.io._signals import CANCEL, POSITIVE
from shortlist.io._types import TIME_DTYPE

__all__ = ["REST", "Taken", "cancelled_rows"]

REST, MET = "__rest", "__met"
_PAIR, _UNITS, _TARGET = "__pair", "__units", "__target"


@dataclass(frozen=True)
class Taken:
    """What cancellations did.

    Attributes:
        positives: positives that lost something: ``SLICE``, ``ROW``, ``REST`` (0 when wholly taken back).
        cancellations: all of them: ``SLICE``, ``ROW``, ``MET`` (whether there was anything to take back).
        times: columns ``happened`` and ``cancelled``, one row for each positive; empty without times.
    """

    positives: pl.DataFrame
    cancellations: pl.DataFrame
    times: pl.DataFrame = field(default_factory=pl.DataFrame)


def cancelled_rows(frames: Sequence[pl.LazyFrame], rules: Rules, dropped: Mapping[int, pl.Series]) -> Taken:
    """Let each cancellation take back earlier positives of its user and item, the newest first.

    Only the pairs that have a cancellation are read into memory.

    Args:
        frames: the slices of the source.
        rules: how rows are read.
        dropped: numbers of the rows of each slice that are left out as repeats.
    """
    usable = [_usable(frame, rules, place, dropped.get(place)) for place, frame in enumerate(frames)]
    pair = [rules.roles["user"], rules.roles["item"]]
    cancels = [part.filter(pl.col(KIND) == CANCEL).select(pair).unique() for part in usable]
    pairs = pl.concat(pl.collect_all(cancels)).unique().with_row_index(_PAIR).lazy()
    joined = [part.join(pairs, on=pair, how="inner", maintain_order="left") for part in usable]
    rows = pl.concat(pl.collect_all(joined))
    if rules.time is None:
        return _settle(rows.sort(_PAIR, maintain_order=True), rules)
    # At one time, positives (the later word) come before cancellations.
    order, descending = [_PAIR, rules.roles["time"], KIND], [False, False, True]
    return _settle(rows.sort(order, descending=descending, maintain_order=True), rules)


def _usable(frame: pl.LazyFrame, rules: Rules, place: int, dropped: pl.Series | None) -> pl.LazyFrame:
    """Positives and cancellations of a slice, with the units they count and the type they take back."""
    units = pl.lit(None, pl.Float64) if rules.value is None else pl.col(rules.value).abs()
    target: pl.Expr = pl.lit(None, pl.String)
    if rules.event is not None and rules.signals.cancels:
        target = pl.col(rules.event).replace_strict(
            dict(rules.signals.cancels), default=None, return_dtype=pl.String
        )
    rows = rules.read(frame).with_row_index(ROW)
    if dropped is not None:
        rows = rows.join(dropped.to_frame(ROW).lazy(), on=ROW, how="anti", maintain_order="left")
    roles = [name for role, name in rules.roles.items() if role != "value"]
    return rows.filter(pl.col(DIRTY).is_null(), pl.col(KIND).is_in([POSITIVE, CANCEL])).select(
        *(ROW, KIND, *roles),
        pl.lit(place, pl.UInt32).alias(SLICE),
        units.alias(_UNITS),
        target.alias(_TARGET),
    )


def _settle(rows: pl.DataFrame, rules: Rules) -> Taken:
    cancel = rows.select(pl.col(KIND) == CANCEL).to_series()
    events = rows[rules.event] if rules.event is not None else pl.repeat(None, rows.height, eager=True)
    rest, by, met = _take_back(
        *(column.to_list() for column in (rows[_PAIR], cancel, rows[_UNITS], events, rows[_TARGET]))
    )
    lost = by >= 0
    rows = rows.with_columns(pl.Series(REST, rest, pl.Float64), pl.Series(MET, met, pl.Boolean))
    times = pl.DataFrame()
    if rules.time is not None:
        time = rows[rules.roles["time"]].to_physical().to_numpy()
        times = pl.DataFrame({"happened": time[lost], "cancelled": time[by[lost]]}).cast(TIME_DTYPE)
    return Taken(
        rows.filter(pl.Series(lost)).select(SLICE, ROW, REST),
        rows.filter(cancel).select(SLICE, ROW, MET),
        times,
    )


def _take_back(
    pairs: list[int],
    cancels: list[bool],
    units: list[float | None],
    events: list[str | None],
    targets: list[str | None],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """For rows in order of pair and time: what is left of each positive, which row took last, who took.

    A target of None takes any type of event; units of None take one event whole.
    """
    rest = np.array([1.0 if unit is None or unit == 0 else unit for unit in units], np.float64)
    by, met = np.full(len(rest), -1, np.int64), np.zeros(len(rest), bool)
    open_rows: list[int] = []
    for row, (cancel, target) in enumerate(zip(cancels, targets, strict=True)):
        if row > 0 and pairs[row] != pairs[row - 1]:
            open_rows = []
        if not cancel:
            open_rows.append(row)
            continue
        wanted = units[row]
        for earlier in [one for one in reversed(open_rows) if target is None or events[one] == target]:
            taken = rest[earlier] if wanted is None else min(wanted, rest[earlier])
            rest[earlier] -= taken
            by[earlier], met[row] = row, True
            if rest[earlier] <= 0:
                open_rows.remove(earlier)
            wanted = 0.0 if wanted is None else wanted - taken
            if wanted <= 0:
                break
    return rest, by, met
