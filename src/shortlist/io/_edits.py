"""Rows that other rows leave out or change: repeats, replaced rows of a table, cancelled events."""

import polars as pl

from shortlist.io._cancellations import MET, REST, cancelled_rows
from shortlist.io._repeats import SLICE, repeated_rows, replaced_ids
from shortlist.io._roles import is_log
from shortlist.io._rules import DROP, ROW, VALUE, Rules
from shortlist.io._tally import CANCELLATION, CANCELLED, DUPLICATE, NOTHING, REPLACED, Tally

__all__ = ["edits_of"]


def edits_of(frames: list[pl.LazyFrame], rules: Rules, tally: Tally) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that other rows leave out (``DROP``) or change (``VALUE``), and times of what was taken back."""
    reason = DUPLICATE if is_log(rules.roles) else REPLACED
    rows = repeated_rows(frames, rules, tally.keys) if is_log(rules.roles) else replaced_ids(tally.keys)
    repeats = rows.with_columns(pl.lit(reason).alias(DROP), pl.lit(None, pl.Float64).alias(VALUE))
    if not (rules.signals.cancelling and is_log(rules.roles) and rules.weight is None):
        return repeats, pl.DataFrame()
    dropped = {int(place): own[ROW] for (place,), own in repeats.partition_by(SLICE, as_dict=True).items()}
    taken = cancelled_rows(frames, rules, dropped)
    whole = pl.col(REST) <= 0
    positives = taken.positives.select(
        SLICE,
        ROW,
        pl.when(whole).then(pl.lit(CANCELLED)).alias(DROP),
        pl.when(~whole).then(REST).alias(VALUE),
    )
    met = pl.when(MET).then(pl.lit(CANCELLATION)).otherwise(pl.lit(NOTHING)).alias(DROP)
    cancellations = taken.cancellations.select(SLICE, ROW, met, pl.lit(None, pl.Float64).alias(VALUE))
    return pl.concat([repeats, positives, cancellations]), taken.times
