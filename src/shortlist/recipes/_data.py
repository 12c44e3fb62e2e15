"""From files to the tables and windows that the recipe works on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from shortlist.data import duration_us
from shortlist.errors import DataError
from shortlist.io import Dataset, scan
from shortlist.recipes._options import FitRecipe
from shortlist.split import Split, by_time

__all__ = ["Tables", "Windows", "read_tables", "windows_of"]

SNAPSHOTS = 5


@dataclass(frozen=True)
class Tables:
    """The log, and what is known of items and users besides."""

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
        """Moments at which the ranker's requests are asked; what is taken in the horizon after each counts."""
        last = self.test_from - self.horizon
        return [self.ranker_from + (last - self.ranker_from) * n // (SNAPSHOTS - 1) for n in range(SNAPSHOTS)]


def read_tables(events: Any, items: Any, users: Any, recipe: FitRecipe) -> Tables:
    """Scan the log and the tables."""
    data = events if isinstance(events, Dataset) else scan(events, roles=recipe.roles, signals=recipe.signals)
    tables = [_table(source, data, role) for source, role in ((items, "item"), (users, "user"))]
    return Tables(data, *tables)


def windows_of(events: Dataset, recipe: FitRecipe) -> Windows:
    """Cut the log: the test at its end, the ranker's window of twice that length before it.

    Raises:
        DataError: the log is too short for these windows.
    """
    horizon = duration_us(recipe.test, where="FitRecipe.test")
    span = events.times()
    if span is None or span[1] - span[0] < 4 * horizon:
        days = 0.0 if span is None else (span[1] - span[0]) / 86_400_000_000
        raise DataError(
            "recipes.fit",
            received=f"a log of {days:.1f} days for a test of {recipe.test}",
            expected="a log at least four times as long as the test",
            remedy="choose a shorter test, such as --test 7d",
        )
    start = datetime(1970, 1, 1) + timedelta(microseconds=span[1] + 1 - 3 * horizon)
    split = by_time(events, valid=start, test=recipe.test)
    starts = [_epoch_us(moment) for moment in split.cutoffs]
    time = pl.col(events.schema.time.name)
    assert split.valid is not None
    past = events.filter(time < split.cutoffs[1])
    return Windows(split.train, split.valid, past, split.test, split, *starts, horizon)


def _table(source: Any, events: Dataset, role: str) -> Dataset | None:
    if source is None or isinstance(source, Dataset):
        return source
    column = events.schema.item if role == "item" else events.schema.user
    return scan(source, roles={role: column.name}, name=Path(str(source)).name)


def _epoch_us(moment: Any) -> int:
    return int(pl.Series([moment], dtype=pl.Datetime("us")).to_physical()[0])
