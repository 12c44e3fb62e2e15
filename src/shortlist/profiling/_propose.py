"""The schema that a profile proposes."""

from collections.abc import Iterable, Mapping

import polars as pl

from shortlist.io import propose_schema
from shortlist.profiling._subject import Subject
from shortlist.profiling._suspect import Suspect
from shortlist.schema import Schema, Tags

__all__ = ["IGNORED", "as_scanned", "proposed_schema"]

IGNORED = "ignored"
_FEW_CLASSES = 50


def as_scanned(sample: pl.DataFrame, subject: Subject, times: pl.Series | None) -> pl.DataFrame:
    """The sample in the types that `shortlist.io.scan` gives: whole ids int64, values float64, and so on."""
    roles = subject.roles
    changed = []
    for role in ("user", "item"):
        if role in roles and sample[roles[role]].dtype.is_float():
            ids = sample[roles[role]].fill_nan(None)
            changed.append(ids.cast(pl.Int64) if (ids.drop_nulls() % 1 == 0).all() else ids)
    if times is not None:
        changed.append(times.alias(roles["time"]))
    if "event" in roles:
        changed.append(sample[roles["event"]].cast(pl.String))
    if "value" in roles:
        changed.append(sample[roles["value"]].cast(pl.Float64))
    rows = sample.with_columns(changed)
    present = [roles[role] for role in ("user", "item", "time") if role in roles]
    return rows.drop_nulls(present) if present else rows


def proposed_schema(
    sample: pl.DataFrame, subject: Subject, suspects: Iterable[Suspect]
) -> tuple[Schema, Mapping[str, str]]:
    """Tags for every column, and why some are tagged "ignored".

    Args:
        sample: rows in the types of a clean data set.
        subject: what they are.
        suspects: columns to be wary of; leaks and those that need no second look are ignored.
    """
    schema, why = propose_schema(sample, subject.roles, one_row_each=subject.kind in ("items", "users"))
    ignored = dict(why)
    for suspect in suspects:
        if suspect.level != "suspect" and suspect.column not in subject.apart:
            ignored.setdefault(suspect.column, f"it {suspect.why}")
            schema = schema.tag(suspect.column, IGNORED)
    for name in subject.targets:
        schema = schema.tag(name, Tags.TARGET, _task(sample[name]))
        ignored.pop(name, None)
    if subject.weight is not None:
        schema = schema.tag(subject.weight, "weight")
        ignored.pop(subject.weight, None)
    return schema, ignored


def _task(target: pl.Series) -> str:
    values = target.n_unique() - (target.null_count() > 0)
    if values <= 2:
        return Tags.BINARY
    return Tags.REGRESSION if target.dtype.is_float() or values > _FEW_CLASSES else Tags.MULTICLASS
