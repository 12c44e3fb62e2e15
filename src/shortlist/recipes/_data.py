"""From files to the tables and windows that the recipe works on."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from shortlist.data import duration_us
from shortlist.errors import DataError
from shortlist.io import Dataset, positive, scan
from shortlist.recipes._options import FitRecipe
from shortlist.split import Split, by_time

__all__ = ["Tables", "Windows", "brings_new_pairs", "read_tables", "windows_of"]

_SNAPSHOTS = 5
_DAY_US = 86_400_000_000
_USUAL_TEST_US = 28 * _DAY_US


@dataclass(frozen=True)
class Tables:
    """The log with the columns of the other tables beside its events, and these tables by themselves."""

    events: Dataset
    items: Dataset | None
    users: Dataset | None


@dataclass(frozen=True)
class Windows:
    """The log in windows of time, oldest first.

    Attributes:
        early: what the retriever behind the ranker's examples learns from.
        ranker: two test lengths before the test; the ranker's examples are made here.
        past: everything before the test: what the served retriever learns from.
        test: held out.
        split: how it was cut, with its leak report.
        ranker_from: first moment of the ranker's window, microseconds.
        test_from: first moment of the test window, microseconds.
        horizon: length of the test window, microseconds.
    """

    early: Dataset
    ranker: Dataset
    past: Dataset
    test: Dataset
    split: Split
    ranker_from: int
    test_from: int
    horizon: int

    @property
    def snapshots(self) -> list[int]:
        """Moments at which the ranker's requests are asked; what is taken in a horizon after each counts."""
        last = self.test_from - self.horizon
        return [
            self.ranker_from + (last - self.ranker_from) * n // (_SNAPSHOTS - 1) for n in range(_SNAPSHOTS)
        ]


def read_tables(events: Any, items: Any, users: Any, recipe: FitRecipe) -> Tables:
    """Scan the log and the tables; ids that are numbers in one and text in the other become text."""
    log = events if isinstance(events, Dataset) else scan(events, roles=recipe.roles, signals=recipe.signals)
    catalogue, people = _table(items, log, "item"), _table(users, log, "user")
    if catalogue is not None:
        log, catalogue = _same_ids(log, catalogue, log.schema.item.name, catalogue.schema.item.name)
    if people is not None:
        log, people = _same_ids(log, people, log.schema.user.name, people.schema.user.name)
    return Tables(log.join_tables(catalogue, people), catalogue, people)


def windows_of(events: Dataset, recipe: FitRecipe) -> Windows:
    """Cut the log: the test at its end, the ranker's window of twice that length before it.

    Raises:
        DataError: the log is too short for these windows.
    """
    first, last = events.times() or (0, 0)
    if recipe.test is None:
        horizon = min(_USUAL_TEST_US, (last - first) // 6)
    else:
        horizon = duration_us(recipe.test, where="FitRecipe.test")
    if last == first or last - first < 4 * horizon:
        longest = (last - first) // 4 / _DAY_US
        raise DataError(
            "recipes.fit",
            received=f"a log of {(last - first) / _DAY_US:.1f} days for a test of {recipe.test or '28d'}",
            expected="a log at least four times as long as the test",
            remedy=f"choose a test of at most {longest:.2f} days (--test), or bring a longer log",
        )
    valid, test = (_moment(last + 1 - windows * horizon) for windows in (3, 1))
    split = by_time(events, valid=valid, test=test)
    ranker_from, test_from = (_epoch_us(moment) for moment in split.cutoffs)
    time = pl.col(events.schema.time.name)
    assert split.valid is not None
    past = events.filter(time < split.cutoffs[1])
    return Windows(split.train, split.valid, past, split.test, split, ranker_from, test_from, horizon)


def brings_new_pairs(later: Dataset, events: Dataset) -> bool:
    """Whether some user takes an item in the later log that it did not take in the earlier one."""
    new, known = (_pairs(log) for log in (later, events))
    return new.join(known, on=known.collect_schema().names(), how="anti").head(1).collect().height > 0


def _pairs(events: Dataset) -> pl.LazyFrame:
    return (
        events.frame()
        .filter(positive(events.schema))
        .select(events.schema.user.name, events.schema.item.name)
    )


def _table(source: Any, events: Dataset, role: str) -> Dataset | None:
    if source is None or isinstance(source, Dataset):
        return source
    column = events.schema.item if role == "item" else events.schema.user
    return scan(source, roles={role: column.name}, name=Path(str(source)).name)


def _same_ids(events: Dataset, table: Dataset, key: str, table_key: str) -> tuple[Dataset, Dataset]:
    if events.schema[key].dtype == table.schema[table_key].dtype:
        return events, table
    return _as_text(events, key), _as_text(table, table_key)


def _as_text(data: Dataset, name: str) -> Dataset:
    schema = data.schema.merge([replace(data.schema[name], dtype="string")])
    return data.map(lambda part: part.with_columns(pl.col(name).cast(pl.String)), schema)


def _moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(microseconds=microseconds)


def _epoch_us(moment: Any) -> int:
    return int(pl.Series([moment], dtype=pl.Datetime("us")).to_physical()[0])
