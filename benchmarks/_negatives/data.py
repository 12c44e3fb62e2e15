"""Logs dealt out at random, as arrays of codes."""

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import polars as pl

import shortlist as sl
from shortlist import ops, tags

PARTS = ("train", "valid", "test")
FIRST = 3  # codes below are padding, null and unknown


def logs(files: dict[str, Path | None], wanted: tuple[str, ...], *, small: bool) -> dict[str, sl.Dataset]:
    """Name -> log: Online Retail, which comes with the package, and those whose files are given."""
    if small:
        planted = sl.datasets.planted(users=150, items=120, events=4_000, groups=6)
        return {"planted": pairs(planted.events)}
    readers = {"Online Retail": sl.datasets.online_retail}
    for name, read in (
        ("MovieLens 100k", sl.datasets.movielens_100k),
        ("MovieLens latest-small", latest),
        ("X-Wines", wines),
        ("IFDB", games),
    ):
        if files.get(name) is not None:
            readers[name] = partial(read, files[name])
    return {name: pairs(read()) for name, read in readers.items() if name.startswith(wanted)}


def latest(file: Path) -> sl.Dataset:
    """ratings.csv of MovieLens latest-small."""
    roles = {"user": "userId", "item": "movieId", "time": "timestamp", "value": "rating"}
    return sl.scan(file, roles=roles, name="MovieLens latest-small")


def wines(file: Path) -> sl.Dataset:
    """XWines_Slim_150K_ratings.csv."""
    roles = {"user": "UserID", "item": "WineID", "time": "Date", "value": "Rating"}
    return sl.scan(file, roles=roles, name="X-Wines")


def games(file: Path) -> sl.Dataset:
    """playedgames.parquet of IFDB."""
    return sl.scan(file, roles={"user": "userid", "item": "gameid", "time": "date_added"}, name="IFDB")


def pairs(log: sl.Dataset) -> sl.Dataset:
    """The first event of every user with every item: a pair that returns would be in several parts."""
    user, item, time = log.schema.user.name, log.schema.item.name, log.schema.time.name
    frame = log.collect().filter(pl.col(item).is_not_null())
    first = frame.sort(time).unique([user, item], keep="first", maintain_order=True)
    return sl.Dataset.of(first.select(user, item, time), log.schema.select((user, item, time)))


@dataclass
class Deal:
    """One deal of a log, 8:1:1 within each user, encoded by a workflow fitted on the training part."""

    log: sl.Dataset
    seed: int

    def __post_init__(self) -> None:
        self.parts = sl.split.by_user_random(self.log, seed=self.seed)
        self.flow = sl.Workflow([tags.any("id") >> ops.Categorify()]).fit(self.parts.train)
        self.train, self.valid = (self.flow.transform(part) for part in (self.parts.train, self.parts.valid))
        self.user, self.item = self.flow.schema.user.name, self.flow.schema.item.name

    @cached_property
    def codes(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Users and items of each part."""
        frames = {name: self.flow.transform(getattr(self.parts, name)).collect() for name in PARTS}
        return {
            name: (frame[self.user].to_numpy(), frame[self.item].to_numpy()) for name, frame in frames.items()
        }

    def before(self, part: str) -> tuple[str, ...]:
        """The parts whose items are filtered when this one is asked for."""
        return PARTS[: PARTS.index(part)]

    @cached_property
    def tail(self) -> np.ndarray:
        """``[V]`` bool: items outside the most popular that make half of the training events."""
        items = self.codes["train"][1]
        counts = np.bincount(items, minlength=self.flow.schema.item.domain.size)
        order = np.argsort(-counts, kind="stable")
        before = np.cumsum(counts[order]) - counts[order]
        tail = np.ones(len(counts), bool)
        tail[order[before < len(items) / 2]] = False
        return tail
