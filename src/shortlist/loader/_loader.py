"""Partitions to shuffled batches, from memory when they fit, resumable at any batch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import torch

from shortlist.data import Batch
from shortlist.errors import ArgumentError, CheckpointError
from shortlist.io import Dataset
from shortlist.loader._cut import bounds
from shortlist.loader._groups import Part, in_groups
from shortlist.loader._scratch import Loading, Scratch
from shortlist.loader._table import Table
from shortlist.rng import generator
from shortlist.schema import Schema

__all__ = ["Loader"]


class Loader:
    """Batches of tensors, epoch after epoch.

    An epoch gives every row once, in batches of ``batch_size`` and a last one that may be smaller. With
    shuffling, data that fits ``loading.memory_bytes`` is permuted as a whole. Larger data is read some
    partitions at a time, as many as fit, in a random order of partitions and permuted within each such group.
    With g of G partitions in memory and rows in the order of time, the mean place of a batch then deviates by
    about ``G / sqrt(12 g)`` partitions. The order is a function of seed and epoch only.

    Iterating gives the rest of the current epoch; the position counts batches handed out, so that
    ``state_dict`` taken inside the loop is the position after the batch at hand. Nothing is read before the
    first use.

    Args:
        data: a Dataset, or a frame.
        schema: the columns to give.
        batch_size: rows in a batch.
        shuffle: whether rows are permuted.
        seed: of the permutations.
        where: keeps the rows that satisfy this expression; None keeps all.
        loading: how much stays in memory, and where the rest is kept.
        device: where the tensors go.

    Raises:
        ArgumentError: ``batch_size`` is below 1.

    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([Column("item", "int64", ("item", "id"), domain=Domain("item", 9))])
    >>> loader = Loader(pl.DataFrame({"item": [3, 8, 5]}), schema, batch_size=2, shuffle=False)
    >>> [batch["item"].tolist() for batch in loader], loader.epoch
    ([[3, 8], [5]], 1)
    """

    def __init__(
        self,
        data: Dataset | pl.DataFrame | pl.LazyFrame,
        schema: Schema,
        *,
        batch_size: int = 1024,
        shuffle: bool = True,
        seed: int = 0,
        where: pl.Expr | None = None,
        loading: Loading | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        if isinstance(batch_size, bool) or batch_size < 1:
            raise ArgumentError("Loader.batch_size", received=batch_size, expected="an integer >= 1")
        self.schema, self.batch_size, self.shuffle, self.seed = schema, batch_size, shuffle, seed
        self.epoch, self.position = 0, 0
        self._rank, self._world = 0, 1
        self._where, self._device = where, device
        self._loading = Loading() if loading is None else loading
        frames = data.partitions if isinstance(data, Dataset) else (data.lazy(),)
        self._frames = frames
        self._parts: list[Part] | None = None
        self._whole: Table | None = None
        self._scratch: Scratch | None = None

    @property
    def rows(self) -> int:
        """Rows in an epoch."""
        return sum(part.rows for part in self._open())

    def __len__(self) -> int:
        """Batches in an epoch."""
        return (self.rows + self.batch_size - 1) // self.batch_size

    def __iter__(self) -> Iterator[Batch]:
        skipped, total = self.position * self.batch_size, self.rows
        share = self._share(total)
        carried: list[Table] = []
        filled = 0
        for group in self._epoch_groups():
            rows = sum(part.rows for part in group)
            if skipped >= rows:
                skipped -= rows
                continue
            table, order = self._read(group), self._order(rows, group)[skipped:]
            skipped = 0
            while len(order) > 0:
                piece, order = order[: self.batch_size - filled], order[self.batch_size - filled :]
                low, high = (min(max(end - filled, 0), len(piece)) for end in share)
                carried.append(table.take(piece[low:high]))
                filled += len(piece)
                if filled < min(self.batch_size, total - self.position * self.batch_size):
                    break
                self.position += 1
                share, filled = self._share(total), 0
                yield Table.concat(carried).batch(self._device)
                carried = []
        self.epoch, self.position = self.epoch + 1, 0

    def shard(self, rank: int, world: int) -> None:
        """Give one process its rows of every batch: each of ``world`` processes another run of them.

        Length, position and the order of rows stay those of the whole; the processes together give what one
        alone would. `tables` gives all rows to every process.

        Raises:
            ArgumentError: there is no such process.
        """
        if not 0 <= rank < world:
            raise ArgumentError(
                "Loader.shard", received=f"rank {rank} of {world}", expected="a rank from 0 to world - 1"
            )
        self._rank, self._world = rank, world

    def tables(self) -> Iterator[Table]:
        """All rows in the data's own order, in one table if they are in memory, else a table a partition."""
        parts = self._open()
        if self._whole is not None:
            yield self._whole
        else:
            yield from (self._partition(part.number) for part in parts)

    def state_dict(self) -> dict[str, Any]:
        """The position, as plain numbers, with what it is valid for."""
        return {
            "epoch": self.epoch,
            "position": self.position,
            "rows": self.rows,
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "seed": self.seed,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken.

        Raises:
            CheckpointError: it was taken from other data, or with another batch size, seed or shuffling.
        """
        here = self.state_dict()
        wrong = [name for name in here if name not in ("epoch", "position") and here[name] != state.get(name)]
        if len(wrong) > 0:
            raise CheckpointError(
                "Loader.load_state_dict",
                received=", ".join(f"{name} {here[name]}" for name in wrong),
                expected=", ".join(f"{name} {state.get(name)}" for name in wrong),
                remedy="resume with the data and options of the first run, or start in another folder",
            )
        self.epoch, self.position = int(state["epoch"]), int(state["position"])

    def _share(self, total: int) -> tuple[int, int]:
        """First and last row, in the batch at hand, of this process."""
        rows = max(min(self.batch_size, total - self.position * self.batch_size), 0)
        edges = bounds(rows, self._world)
        return edges[self._rank], edges[self._rank + 1]

    def _open(self) -> list[Part]:
        if self._parts is None:
            parts: list[Part] = []
            kept: list[Table] = []
            size = 0
            for number in range(len(self._frames)):
                table = self._partition(number)
                parts.append(Part(number, table.rows, table.nbytes))
                size += table.nbytes
                kept = [*kept, table] if size <= self._loading.memory_bytes else []
                self._spill(number, table, kept_all=len(kept) > 0)
            self._parts = parts
            if len(kept) == len(parts) > 0:
                self._whole = Table.concat(kept)
        return self._parts

    def _epoch_groups(self) -> list[list[Part]]:
        parts = self._open()
        if self._whole is not None:
            return [parts]
        if self.shuffle:
            order = generator(self.seed, "partitions", self.epoch).permutation(len(parts))
            parts = [parts[number] for number in order]
        return in_groups(parts, self._loading.memory_bytes)

    def _order(self, rows: int, group: list[Part]) -> npt.NDArray[np.int64]:
        if not self.shuffle:
            return np.arange(rows)
        return generator(self.seed, "rows", self.epoch, group[0].number).permutation(rows)

    def _read(self, group: list[Part]) -> Table:
        if self._whole is not None:
            return self._whole
        return Table.concat([self._partition(part.number) for part in group])

    def _spill(self, number: int, table: Table, *, kept_all: bool) -> None:
        """Keep a table on disk once they do not fit in memory; those before the first are made again."""
        if kept_all or self._loading.scratch is None:
            return
        if self._scratch is None:
            self._scratch = Scratch(self._loading.scratch)
            for earlier in range(number):
                self._scratch.keep(earlier, self._partition(earlier))
        self._scratch.keep(number, table)

    def _partition(self, number: int) -> Table:
        if self._scratch is not None and number in self._scratch:
            return self._scratch[number]
        return self._make(number)

    def _make(self, number: int) -> Table:
        frame = self._frames[number]
        frame = frame if self._where is None else frame.filter(self._where)
        known = frame.collect_schema().names()
        return Table.of(
            frame.select([name for name in self.schema.names if name in known]).collect(), self.schema
        )
