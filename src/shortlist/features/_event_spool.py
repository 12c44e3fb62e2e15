"""Frames of events and their distinct values, while a log is read."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import final

import polars as pl

from shortlist.features._key_table import KeyTable

__all__ = ["Distinct", "Spool"]

# Bytes of an event in the log, with its copies by time, user, item and pair while they are sorted.
_EVENT = 200
_FEW = 1 << 16


@final
class Spool:
    """Frames in order; in memory first, in files once the log made of them would not fit.

    Args:
        memory: bytes that the log may take.
        folder: gives the folder for the files; asked once, when they are needed.
    """

    def __init__(self, memory: float, folder: Callable[[], Path]) -> None:
        self.folder: Path | None = None
        self._memory, self._made = memory, folder
        self._frames: list[pl.DataFrame] = []
        self._files: list[Path] = []
        self._bytes = 0.0

    def add(self, frame: pl.DataFrame) -> None:
        """Take the next frame."""
        self._bytes += frame.estimated_size() + _EVENT * len(frame)
        self._frames.append(frame)
        if self._bytes <= self._memory:
            return
        if self.folder is None:
            self.folder = self._made()
        for held in self._frames:
            self._files.append(self.folder / f"{len(self._files):06d}.arrow")
            held.write_ipc(self._files[-1], compression="lz4")
        self._frames = []

    def column(self, name: str) -> Iterator[pl.Series]:
        """A column, frame by frame."""
        if self.folder is None:
            return (frame[name] for frame in self._frames)
        return (pl.read_ipc(file, columns=[name])[name] for file in self._files)

    def close(self) -> None:
        """Let go of the frames."""
        self._frames = []
        for file in self._files:
            file.unlink()


@final
class Distinct:
    """The distinct values of a column, in the order they were first seen."""

    def __init__(self) -> None:
        self._parts: list[pl.Series] = []
        self._merged = 0

    def add(self, values: pl.Series) -> None:
        """Take the next values."""
        self._parts.append(values.drop_nulls().unique(maintain_order=True))
        if sum(map(len, self._parts[1:])) > self._merged + _FEW:
            self._merge()

    def table(self) -> KeyTable:
        """The values as keys."""
        self._merge()
        return KeyTable(self._parts[0].alias("value").to_frame(), ("value",))

    def _merge(self) -> None:
        parts = self._parts or [pl.Series(dtype=pl.Int64)]
        self._parts = [pl.concat(parts).unique(maintain_order=True).rechunk()]
        self._merged = len(self._parts[0])
