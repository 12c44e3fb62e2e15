"""What a split may leak from the test data into training, and what it asks of a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from shortlist.io import Dataset
from shortlist.schema import Tags

__all__ = ["LeakReport", "leak_report"]


@dataclass(frozen=True)
class LeakReport:
    """The facts about a split; counts are of test events unless they say otherwise.

    Attributes:
        protocol: how the split was made.
        rows: number of events of each part.
        periods: first and last event of each part (UTC); parts without times or events are missing.
        users: number of users of each part.
        items: number of items of each part.
        repeats: test events whose user already had the item in training.
        cold_users: test events of users that training does not know.
        cold_items: test events of items that training does not know.
        identical: test rows that stand in training too, in all columns.
        future: training events at or after the first test event.
        ties: test events at the very moment of the last training event.
        taken_back: training events that a cancellation changed or removed after the first test moment; the
            training data know of it a little too early.
        newer_columns: columns of times -> test events whose value lies after the event.
        constant_columns: columns that hold one value only in training.
        warnings: what to mind, in words.
    """

    protocol: str
    rows: Mapping[str, int]
    periods: Mapping[str, tuple[datetime, datetime]] = field(default_factory=dict)
    users: Mapping[str, int] = field(default_factory=dict)
    items: Mapping[str, int] = field(default_factory=dict)
    repeats: int = 0
    cold_users: int = 0
    cold_items: int = 0
    identical: int = 0
    future: int = 0
    ties: int = 0
    taken_back: int = 0
    newer_columns: Mapping[str, int] = field(default_factory=dict)
    constant_columns: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [
            f"split: {self.protocol}",
            f"{'part':<6} {'events':>10} {'users':>9} {'items':>9}  period (UTC)",
        ]
        for part, rows in self.rows.items():
            period = " .. ".join(f"{end:%Y-%m-%d %H:%M:%S}" for end in self.periods.get(part, ()))
            lines.append(
                f"{part:<6} {rows:>10,} {self.users[part]:>9,} {self.items[part]:>9,}  {period}".rstrip()
            )
        facts = {
            "test events that repeat a training pair": self.repeats,
            "test events of users unknown to training": self.cold_users,
            "test events of items unknown to training": self.cold_items,
            "test rows identical to a training row": self.identical,
            "test events at the moment of the last training event": self.ties,
            "training events at or after the first test event": self.future,
            "training events changed by a cancellation after the cutoff": self.taken_back,
        }
        total = {name: self.rows["train" if name.startswith("training") else "test"] for name in facts}
        lines += [f"{name:<59} {count:>9,} {_share(count, total[name]):>7}" for name, count in facts.items()]
        lines += [
            f"column {name!r} is later than its event in {rows:,} test events"
            for name, rows in self.newer_columns.items()
        ]
        lines += [f"column {name!r} holds one value only in training" for name in self.constant_columns]
        return "\n".join([*lines, *(f"warning: {text}" for text in self.warnings)])


def leak_report(
    parts: Mapping[str, Dataset],
    protocol: str,
    *,
    cutoff: datetime | None = None,
    warnings: tuple[str, ...] = (),
) -> LeakReport:
    """Look at the parts of a split.

    Memory grows with the number of distinct pairs and 8 bytes for each training row.

    Args:
        parts: "train", "test" and perhaps "valid".
        protocol: how they were made.
        cutoff: the moment that the test window begins; None when the split is not by time.
        warnings: what the protocol itself is to be warned of.
    """
    train, test = parts["train"], parts["test"]
    counts = {name: _counts(part) for name, part in parts.items()}
    periods = {name: period for name, part in parts.items() if (period := _period(part)) is not None}
    future, ties = _order(train, test)
    cold_users, cold_items, repeats = (
        _known(train, test, keys, known=known)
        for keys, known in ((("user",), False), (("item",), False), (("user", "item"), True))
    )
    found = (
        f"{future:,} training events are not older than the test: the past is predicted from the future",
    )
    return LeakReport(
        protocol=protocol,
        rows={name: count[0] for name, count in counts.items()},
        periods=periods,
        users={name: count[1] for name, count in counts.items()},
        items={name: count[2] for name, count in counts.items()},
        repeats=repeats,
        cold_users=cold_users,
        cold_items=cold_items,
        identical=_identical(train, test),
        future=future,
        ties=ties,
        taken_back=_taken_back(train, cutoff),
        newer_columns=_newer(test),
        constant_columns=_constant(train),
        warnings=(*warnings, *(found if future else ())),
    )


def _pairs(part: Dataset) -> pl.LazyFrame:
    names = part.schema.user.name, part.schema.item.name
    return part.frame().select(user=pl.col(names[0]), item=pl.col(names[1]))


def _counts(part: Dataset) -> tuple[int, int, int]:
    row = _pairs(part).select(pl.len(), pl.col("user").n_unique(), pl.col("item").n_unique().alias("items"))
    rows, users, items = row.collect().row(0)
    return int(rows), int(users), int(items)


def _known(train: Dataset, test: Dataset, keys: tuple[str, ...], *, known: bool) -> int:
    """Test events whose keys training knows, or does not."""
    seen = _pairs(train).select(keys).unique()
    rows = _pairs(test).select(keys).join(seen, on=list(keys), how="semi" if known else "anti")
    return int(rows.select(pl.len()).collect().item())


def _time_of(part: Dataset) -> str | None:
    names = part.schema.tagged(Tags.TIME).names
    return names[0] if names else None


def _period(part: Dataset) -> tuple[datetime, datetime] | None:
    return None if _time_of(part) is None else part.period()


def _order(train: Dataset, test: Dataset) -> tuple[int, int]:
    """Training events not before the first test event, and test events at the last training moment."""
    time = _time_of(train)
    if time is None:
        return 0, 0
    ends, starts = train.period(), test.period()
    if ends is None or starts is None:
        return 0, 0
    future = train.frame().select((pl.col(time) >= starts[0]).sum()).collect().item()
    ties = test.frame().select((pl.col(time) == ends[1]).sum()).collect().item()
    return int(future), int(ties)


def _identical(train: Dataset, test: Dataset) -> int:
    names = [column.name for column in train.schema if not column.has("weight")]
    known = pl.concat([part.select(names).collect().hash_rows().unique() for part in train.partitions])
    rows = pl.concat([part.select(names).collect().hash_rows() for part in test.partitions])
    return int(rows.is_in(known.unique().implode()).sum())


def _taken_back(train: Dataset, cutoff: datetime | None) -> int:
    if cutoff is None or train.report is None or train.report.taken_back.is_empty():
        return 0
    late = (pl.col("happened") < cutoff) & (pl.col("cancelled") >= cutoff)
    return train.report.taken_back.filter(late).height


def _newer(test: Dataset) -> dict[str, int]:
    time = _time_of(test)
    names = [c.name for c in test.schema if c.dtype == "datetime" and c.name != time and not c.is_list]
    if time is None or not names:
        return {}
    found = test.frame().select((pl.col(name) > pl.col(time)).sum() for name in names).collect().row(0)
    return {name: int(rows) for name, rows in zip(names, found, strict=True) if rows}


def _constant(train: Dataset) -> tuple[str, ...]:
    marks = {"ignored", "weight", "event", "value"}
    names = [c.name for c in train.schema if c.shape.kind == "scalar" and not marks & c.tags]
    found = train.frame().select(pl.col(names).n_unique()).collect()
    rows = train.count()
    return tuple(name for name in names if rows > 1 and found[name][0] == 1)


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %" if total else ""
