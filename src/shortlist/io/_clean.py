"""From opened slices to a clean data set and the report of what was left out."""

from datetime import datetime

import polars as pl

from shortlist.io._dataset import Dataset
from shortlist.io._edits import edits_of
from shortlist.io._files import reading
from shortlist.io._given_schema import casts, fitted
from shortlist.io._infer import infer
from shortlist.io._repeats import SLICE
from shortlist.io._report import CleanReport
from shortlist.io._rules import DROP, Rules
from shortlist.io._sources import Opened
from shortlist.io._tally import Tally
from shortlist.schema import Schema

__all__ = ["cleaned"]


def cleaned(opened: Opened, rules: Rules, schema: Schema | None, name: str) -> Dataset:
    """Read everything once, count what is wrong, and give what is right.

    Args:
        opened: the source.
        rules: how rows are read.
        schema: the schema that was given, if one was.
        name: what the data are called.
    """
    frames = [piece.frame for piece in opened.slices]
    tally = Tally(rules, sum(piece.rows for piece in opened.slices))
    for piece in opened.slices:
        with reading(piece.origin):
            tally.add(piece.frame)
    tally.check(name)
    edits, times = edits_of(frames, rules, tally)
    tally.leave_out(edits)
    own = [edits.filter(pl.col(SLICE) == place).drop(SLICE) for place in range(len(frames))]
    parts = [rules.clean(f, e if e.height else None) for f, e in zip(frames, own, strict=True)]
    found, ignored = infer(_sample(rules, tally), rules.roles, rules.weight_name or None)
    if schema is not None:
        found, ignored = fitted(found, schema), {}
        parts = [part.select(casts(found)) for part in parts]
    left_out = tally.left_out()
    report = CleanReport(
        source=name,
        read=tally.rows,
        kept=tally.rows - sum(left_out.values()),
        left_out=left_out,
        examples=tally.examples(frames),
        reduced=edits.filter(pl.col(DROP).is_null()).height,
        notes=(*opened.notes, *_notes(rules, tally)),
        ignored=ignored,
        taken_back=times,
    )
    return Dataset(found, tuple(parts), report)


def _sample(rules: Rules, tally: Tally) -> pl.DataFrame:
    derived = [name for name in rules.names if name not in rules.types]
    return tally.sample().with_columns(pl.lit(1.0, pl.Float32).alias(name) for name in derived)


def _notes(rules: Rules, tally: Tally) -> list[str]:
    notes = [rules.time.note] if rules.time is not None and rules.time.note else []
    never = rules.signals.check_types(sorted(tally.events))
    notes += [f"the event type {name!r} never occurs" for name in never]
    if rules.time is not None and (rules.time.dtype.is_numeric()):
        latest = tally.sample()[rules.roles["time"]].max()
        if isinstance(latest, datetime) and latest.year < 1980:
            notes.append("all times are before 1980: are the numbers seconds since 1970?")
    return notes
