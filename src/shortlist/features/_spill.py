"""Partial statistics piled up, merged when the pile is high, and put on disk when merging does not help."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import polars as pl

from shortlist.features._hash import hash_values
from shortlist.features._statistics import MergesMany, Statistic

__all__ = ["Pile", "Spill"]

_SHARDS = 32


@dataclass(frozen=True, eq=False, slots=True)
class Pile:
    """One statistic of some consecutive partitions, not merged yet.

    Attributes:
        frames: partial statistics in order.
        folders: partial statistics that came before them, on disk: folders with one Arrow file for each shard
            of keys.
    """

    frames: tuple[pl.DataFrame, ...]
    folders: tuple[Path, ...] = ()

    @property
    def bytes(self) -> int:
        """What its frames take in memory."""
        return sum(int(frame.estimated_size()) for frame in self.frames)


@dataclass(frozen=True, slots=True)
class Spill:
    """Bounds what statistics hold in memory while partitions are measured.

    Merging many partial statistics at once is cheaper than two at a time, so they wait. When all piles
    together are above the limit, the highest are merged first; where that does not bring them below half of
    it, the largest statistics go to disk, in shards by the hash of the key.

    Attributes:
        scratch: where files are written to.
        limit: bytes that stay in memory; the total that comes out is not bounded, except by what a statistic
            itself leaves out of it.
        whole: whether it is to leave nothing out.
    """

    scratch: Path
    limit: int
    whole: bool = False

    def add(self, statistics: Sequence[Statistic], left: Sequence[Pile], right: Sequence[Pile]) -> list[Pile]:
        """The piles of both, one for each statistic."""
        both = zip(left, right, strict=True)
        piles = [Pile(one.frames + other.frames, one.folders + other.folders) for one, other in both]
        if sum(pile.bytes for pile in piles) > self.limit:
            self._shrink(piles, lambda number: self._merged(statistics[number], piles[number]))
            self._shrink(piles, lambda number: self._stored(statistics[number], piles[number]))
        return piles

    def _shrink(self, piles: list[Pile], change: Callable[[int], Pile]) -> None:
        """Change the piles, the highest first, until half of the limit is free."""
        for number in sorted(range(len(piles)), key=lambda number: -piles[number].bytes):
            if sum(pile.bytes for pile in piles) <= self.limit // 2:
                return
            if piles[number].frames:
                piles[number] = change(number)

    def _merged(self, statistic: Statistic, pile: Pile) -> Pile:
        return Pile((_merged(statistic, pile.frames),), pile.folders)

    def _stored(self, statistic: Statistic, pile: Pile) -> Pile:
        """The merged pile on disk; what has no keys stays."""
        (frame,) = self._merged(statistic, pile).frames
        if not _keys(statistic) or frame.is_empty():
            return Pile((frame,), pile.folders)
        folder = Path(mkdtemp(prefix="statistic-", dir=self.scratch))
        for number, shard in enumerate(_sharded(statistic, frame)):
            shard.write_ipc(folder / f"{number}.arrow")
        return Pile((frame.clear(),), (*pile.folders, folder))

    def total(self, statistic: Statistic, pile: Pile) -> pl.DataFrame:
        """The whole statistic in memory: shard by shard, without the keys that it does not keep."""
        merged = _merged(statistic, pile.frames)
        if not pile.folders:
            return self._kept(statistic, merged)
        rest = _sharded(statistic, merged)
        return pl.concat(self._shard(statistic, pile, number, rest[number]) for number in range(_SHARDS))

    def _shard(self, statistic: Statistic, pile: Pile, number: int, rest: pl.DataFrame) -> pl.DataFrame:
        frames = [pl.read_ipc(folder / f"{number}.arrow") for folder in pile.folders]
        return self._kept(statistic, _merged(statistic, [*frames, rest]))

    def _kept(self, statistic: Statistic, frame: pl.DataFrame) -> pl.DataFrame:
        keep = None if self.whole else getattr(statistic, "keep", None)
        return frame if keep is None else frame.filter(keep)


def _merged(statistic: Statistic, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    if len(frames) == 1:
        return frames[0]
    if isinstance(statistic, MergesMany):
        return statistic.merge_many(frames)
    return reduce(statistic.merge, frames)


def _keys(statistic: Statistic) -> list[str]:
    return list(getattr(statistic, "keys", ()))


def _sharded(statistic: Statistic, frame: pl.DataFrame) -> list[pl.DataFrame]:
    hashes = hash_values(frame.select(pl.struct(_keys(statistic))).to_series())
    shard = (hashes >> np.uint64(40)) % np.uint64(_SHARDS)
    return [frame.filter(pl.Series(shard == number)) for number in range(_SHARDS)]
