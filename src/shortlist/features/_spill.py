"""Statistics by key that outgrow their share of memory go to disk, in shards by the hash of the key."""

from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeAlias

import numpy as np
import polars as pl

from shortlist.features._hash import hash_values
from shortlist.features._statistics import Statistic

__all__ = ["Part", "Spill", "Spilled"]

_SHARDS = 32


@dataclass(frozen=True, eq=False, slots=True)
class Spilled:
    """A statistic whose keys are on disk for the most part.

    Attributes:
        folders: folders with one Arrow file for each shard of keys; a key may stand in several of them.
        rest: keys that are still in memory, in any shard.
    """

    folders: tuple[Path, ...]
    rest: pl.DataFrame


Part: TypeAlias = "pl.DataFrame | Spilled"


@dataclass(frozen=True, slots=True)
class Spill:
    """Bounds what a statistic by key holds in memory while partitions are merged.

    Attributes:
        scratch: where files are written to.
        limit: bytes of one statistic that stay in memory; the total that comes out is not bounded, except
            by what the statistic itself leaves out of it.
        whole: whether it is to leave nothing out.
    """

    scratch: Path
    limit: int
    whole: bool = False

    def bounded(self, statistic: Statistic, frame: pl.DataFrame) -> Part:
        """The partial statistic of a partition, on disk where it is too large."""
        return self._settled(statistic, (), frame)

    def merge(self, statistic: Statistic, left: Part, right: Part) -> Part:
        """The statistic of both."""
        folders = (*_folders(left), *_folders(right))
        return self._settled(statistic, folders, statistic.merge(_rest(left), _rest(right)))

    def total(self, statistic: Statistic, part: Part) -> pl.DataFrame:
        """The whole statistic in memory: shard by shard, without the keys that it does not keep."""
        keep = None if self.whole else getattr(statistic, "keep", None)
        if isinstance(part, pl.DataFrame):
            return part if keep is None else part.filter(keep)
        shards = []
        rest = _sharded(statistic, part.rest)
        for number in range(_SHARDS):
            frames = [pl.read_ipc(folder / f"{number}.arrow") for folder in part.folders]
            merged = reduce(statistic.merge, [*frames, rest[number]])
            shards.append(merged if keep is None else merged.filter(keep))
        return pl.concat(shards)

    def _settled(self, statistic: Statistic, folders: tuple[Path, ...], rest: pl.DataFrame) -> Part:
        if rest.estimated_size() > self.limit and _keys(statistic):
            folder = Path(mkdtemp(prefix="statistic-", dir=self.scratch))
            for number, shard in enumerate(_sharded(statistic, rest)):
                shard.write_ipc(folder / f"{number}.arrow")
            folders, rest = (*folders, folder), rest.clear()
        return Spilled(folders, rest) if folders else rest


def _folders(part: Part) -> tuple[Path, ...]:
    return part.folders if isinstance(part, Spilled) else ()


def _rest(part: Part) -> pl.DataFrame:
    return part.rest if isinstance(part, Spilled) else part


def _keys(statistic: Statistic) -> list[str]:
    return list(getattr(statistic, "keys", ()))


def _sharded(statistic: Statistic, frame: pl.DataFrame) -> list[pl.DataFrame]:
    hashes = hash_values(frame.select(pl.struct(_keys(statistic))).to_series())
    shard = (hashes >> np.uint64(40)) % np.uint64(_SHARDS)
    return [frame.filter(pl.Series(shard == number)) for number in range(_SHARDS)]

