"""Columns that identify the row, tell the time in disguise, look into the future, or say nothing."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b

import polars as pl

from shortlist.profiling._measured import Measured
from shortlist.profiling._subject import Subject
from shortlist.profiling._suspect import Suspect
from shortlist.profiling._values import Values

__all__ = ["clocks", "empty_of_news", "later_times", "row_ids", "splits", "texts_of_dates", "totals", "twins"]

_ENOUGH = 50
_IN_STEP = 0.999
_MOMENTS = 10
_LATER = 0.001
_SAME = 0.99
_LOOSE = 0.02
_EVENTS = "number of events"
_PARTS = frozenset({"train", "training", "valid", "validation", "val", "dev", "test", "holdout", "eval"})


def empty_of_news(columns: Mapping[str, Measured], subject: Subject, rows: int) -> Iterator[Suspect]:
    """Columns without values, or with one only."""
    for name, column in columns.items():
        missing = column.nulls + column.blanks
        if name in subject.apart:
            continue
        if missing == rows:
            yield Suspect(name, "note", "holds no value", f"{rows:,} rows", "leave it out")
        elif column.values.distinct == 1 and not missing:
            ((value, _),) = column.values.most(1)
            yield Suspect(name, "note", "is the same everywhere", f"{str(value)[:40]!r}", "leave it out")


def row_ids(columns: Mapping[str, Measured], types: pl.Schema, subject: Subject) -> Iterator[Suspect]:
    """Whole numbers and short texts of which no two rows share one."""
    for name, column in columns.items():
        dtype = types[name]
        short = dtype == pl.String and column.numbers and column.total / column.numbers <= 40
        filled = column.values.total
        own = column.values.exact and column.values.distinct == filled and filled > 1
        if name in subject.apart or not own or not (dtype.is_integer() or short):
            continue
        counts = column.rising and dtype.is_integer() and column.high - column.low == filled - 1
        if counts or filled >= _ENOUGH:
            how = "counts the rows" if counts else "identifies the row"
            yield Suspect(
                name,
                "note",
                how,
                f"{filled:,} rows, as many values",
                "leave it out: a model could only learn the rows by heart",
            )


def splits(columns: Mapping[str, Measured], subject: Subject) -> Iterator[Suspect]:
    """Columns that say which rows are to train and which to test on."""
    for name, column in columns.items():
        values = {str(one).strip().lower() for one, _ in column.values.most(len(_PARTS) + 1)}
        if len(values) > 1 and values <= _PARTS and name not in subject.apart:
            yield Suspect(
                name,
                "note",
                "is a split that somebody made",
                ", ".join(sorted(values)),
                "no feature; filter by it",
            )


def clocks(sample: pl.DataFrame, times: pl.Series, subject: Subject) -> Iterator[Suspect]:
    """Numbers that rise with time, such as ids given one after the other."""
    for name, dtype in sample.schema.items():
        if name in subject.apart or not (dtype.is_numeric() or dtype == pl.String):
            continue
        rows = pl.DataFrame(
            {"time": times, "value": sample[name].cast(pl.Float64, strict=False)}
        ).drop_nulls()
        if rows.height < max(_ENOUGH, times.count() / 2) or rows["value"].n_unique() < _MOMENTS:
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


def texts_of_dates(sample: pl.DataFrame, dates: Mapping[str, pl.Series]) -> Iterator[Suspect]:
    """Dates that were read as text."""
    for name, column in dates.items():
        if sample[name].dtype == pl.String and column.count():
            seen = f"such as {sample[name].drop_nulls()[0]!r}"
            yield Suspect(
                name, "note", "holds dates as text", seen, "read it as dates: elapsed time is a feature"
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
    """Columns that say the same as an earlier one: a value of the one stands for one value of the other.

    Numbers that differ from item to item do not name it: amounts are only compared with amounts.
    """
    seen: dict[tuple[bool, bytes], str] = {}
    for name, dtype in sample.schema.items():
        hashes = sample[name].hash(seed=3)
        if not 1 < hashes.n_unique() < sample.height:
            continue
        rows = pl.DataFrame({"hash": hashes}).with_row_index("row")
        pattern = rows.select(pl.col("row").first().over("hash")).to_series().to_numpy()
        key = dtype.is_float() and name not in subject.apart, blake2b(pattern.tobytes()).digest()
        first = seen.setdefault(key, name)
        amount = first in subject.apart and dtype.is_numeric()
        if first != name and name not in subject.apart and not amount:
            yield Suspect(name, "note", f"says the same as {first}", "value for value", "keep one of the two")


def totals(sample: pl.DataFrame, subject: Subject, columns: Mapping[str, Measured]) -> Iterator[Suspect]:
    """Numbers of an item or a user that follow what these very events add up to for it."""
    names = [
        name for name, dtype in sample.schema.items() if dtype.is_numeric() and name not in subject.apart
    ]
    for role in ("item", "user"):
        if role not in subject.roles or not names:
            continue
        own, sums = _summed(sample, subject, subject.roles[role], columns[subject.roles[role]].values, names)
        for name in names:
            known = own.drop_nulls(f"{name} first")
            if known.height < _ENOUGH or known.select((pl.col(f"{name} several") > 1).mean()).item() > _LOOSE:
                continue
            for total in sums:
                step = known.select(pl.corr(total, f"{name} first", method="spearman").fill_nan(0.0)).item()
                if abs(step) >= _SAME:
                    yield Suspect(
                        name,
                        "leak",
                        f"follows the {role}'s {total} in these very rows",
                        f"rank correlation {step:.3f}",
                        "leave it out: it knows events that are yet to come; ops.AsOf looks back only",
                    )
                    break


def _summed(
    sample: pl.DataFrame, subject: Subject, key: str, values: Values, names: Sequence[str]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """One row for each id: its numbers, and its count and its means of the targets or of the value."""
    known = subject.targets or tuple(subject.roles[role] for role in ("value",) if role in subject.roles)
    means = {f"mean {name}": pl.col(name).mean() for name in known if sample[name].dtype.is_numeric()}
    own = (
        sample.drop_nulls(key)
        .group_by(id=key)
        .agg(
            *(pl.col(name).drop_nulls().first().alias(f"{name} first") for name in names),
            *(pl.col(name).drop_nulls().n_unique().alias(f"{name} several") for name in names),
            **means,
        )
    )
    counted = own.with_columns(hash=pl.col("id").hash(seed=0)).join(values.counts, on="hash", how="left")
    return counted.rename({"count": _EVENTS}), (_EVENTS, *means)
