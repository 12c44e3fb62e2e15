"""Columns that identify the row, tell the time in disguise, look into the future, or say nothing."""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from shortlist.profiling._measured import Measured
from shortlist.profiling._subject import Subject
from shortlist.profiling._suspect import Suspect
from shortlist.profiling._values import Values

__all__ = ["clocks", "empty_of_news", "later_times", "row_ids", "totals", "twins"]

_ENOUGH = 50
_IN_STEP = 0.999
_LATER = 0.001
_SAME = 0.99
_SUM = "__sum "


def empty_of_news(columns: Mapping[str, Measured], rows: int) -> Iterator[Suspect]:
    """Columns without values, or with one only."""
    for name, column in columns.items():
        missing = column.nulls + column.blanks
        if missing == rows:
            yield Suspect(name, "note", "holds no value", f"{rows:,} rows", "leave it out")
        elif column.values.distinct == 1 and not missing:
            ((value, _),) = column.values.most(1)
            yield Suspect(name, "note", "is the same everywhere", f"{str(value)[:40]!r}", "leave it out")


def row_ids(
    columns: Mapping[str, Measured], types: pl.Schema, subject: Subject, rows: int
) -> Iterator[Suspect]:
    """Whole numbers and short texts of which no two rows share one."""
    for name, column in columns.items():
        dtype = types[name]
        short = dtype == pl.String and column.numbers and column.total / column.numbers <= 40
        filled = rows - column.nulls - column.blanks
        if name in subject.roles.values() or not (dtype.is_integer() or short) or filled < _ENOUGH:
            continue
        if column.values.exact and column.values.distinct == filled:
            how = "counts the rows" if column.rising and dtype.is_integer() else "identifies the row"
            yield Suspect(
                name,
                "note",
                how,
                f"{filled:,} rows, as many values",
                "leave it out: a model could only learn the rows by heart",
            )


def clocks(sample: pl.DataFrame, times: pl.Series, subject: Subject) -> Iterator[Suspect]:
    """Numbers that rise with time, such as ids given one after the other."""
    known = times.is_not_null()
    for name, dtype in sample.schema.items():
        if name in subject.roles.values() or name in subject.targets:
            continue
        if not (dtype.is_numeric() or dtype == pl.String):
            continue
        rows = pl.DataFrame({"time": times, "value": sample[name].cast(pl.Float64, strict=False)})
        rows = rows.filter(known).drop_nulls()
        if rows.height < _ENOUGH or rows.height < 0.5 * known.sum() or rows["value"].n_unique() < 10:
            continue
        step = rows.select(pl.corr("time", "value", method="spearman")).item()
        if step is not None and abs(step) >= _IN_STEP:
            yield Suspect(
                name,
                "leak",
                "is the time in disguise",
                f"rank correlation with {subject.roles['time']} {step:.4f}",
                "leave it out: its values will never be seen again",
            )


def later_times(dates: Mapping[str, pl.Series], times: pl.Series) -> Iterator[Suspect]:
    """Dates that lie after the event in some rows: they were not known then."""
    for name, dates_of in dates.items():
        both = dates_of.is_not_null() & times.is_not_null()
        late = int((dates_of > times).fill_null(value=False).sum())
        if late > _LATER * max(int(both.sum()), 1):
            yield Suspect(
                name,
                "leak",
                "lies after the event",
                f"in {100 * late / int(both.sum()):.1f} % of the rows",
                "leave it out, or use it only where it is before the event",
            )


def twins(sample: pl.DataFrame, subject: Subject) -> Iterator[Suspect]:
    """Columns that say the same as an earlier one: a value of the one stands for one value of the other."""
    seen: dict[int, str] = {}
    for name in sample.columns:
        hashes = sample[name].hash(seed=3)
        if not 1 < hashes.n_unique() < sample.height:
            continue
        places = pl.DataFrame({"hash": hashes}).with_row_index("row")
        pattern = places.select(pl.col("row").first().over("hash")).to_series().hash(seed=3)
        key = hash(pattern.to_numpy().tobytes())
        first = seen.setdefault(key, name)
        if first != name and name not in subject.roles.values() and name not in subject.targets:
            yield Suspect(name, "note", f"says the same as {first}", "value for value", "keep one of the two")


def totals(sample: pl.DataFrame, subject: Subject, columns: Mapping[str, Measured]) -> Iterator[Suspect]:
    """Numbers of an item or a user that follow what these very events add up to for it."""
    for role in ("item", "user"):
        if role not in subject.roles:
            continue
        sums = _sums(sample, subject, subject.roles[role], columns[subject.roles[role]].values)
        for name, dtype in sample.schema.items():
            if not dtype.is_numeric() or name in subject.roles.values() or name in subject.targets:
                continue
            own = sums.group_by("key").agg(
                pl.all().exclude(name).first(), value=pl.col(name).first(), several=pl.col(name).n_unique()
            )
            own = own.drop_nulls("value")
            if own.height < _ENOUGH or own["several"].mean() > 1.02 or own["value"].n_unique() < 5:
                continue
            for total in (column for column in own.columns if column.startswith(_SUM)):
                step = own.select(pl.corr(total, "value", method="spearman")).item()
                if step is not None and np.isfinite(step) and abs(step) >= _SAME:
                    yield Suspect(
                        name,
                        "leak",
                        f"follows the {role}'s {total.removeprefix(_SUM)} over these very events",
                        f"rank correlation {step:.3f}",
                        "leave it out: it knows events that are yet to come; ops.AsOf looks back only",
                    )
                    break


def _sums(sample: pl.DataFrame, subject: Subject, key: str, values: Values) -> pl.DataFrame:
    """The sample with the number of events of each key, and its means of the targets or of the value."""
    counted = sample.with_columns(pl.col(key).alias("key"), hash=pl.col(key).hash(seed=0)).join(
        values.counts.rename({"count": f"{_SUM}number"}), on="hash", how="left", maintain_order="left"
    )
    known = subject.targets or tuple(subject.roles[role] for role in ("value",) if role in subject.roles)
    means = [
        pl.col(name).mean().over("key").alias(f"{_SUM}mean {name}")
        for name in known
        if sample[name].dtype.is_numeric()
    ]
    return counted.with_columns(means).drop_nulls("key").drop("hash")
