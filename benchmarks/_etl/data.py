"""The rows: a click log with skewed keys, made file by file, the same for one seed on every machine."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from shortlist.schema import LIST, Column, Schema

FILES = 15
GROUP = 250_000
SEED = 7
EXPONENT = 1.05
INTEGERS = {"k0": 2_000_000, "k1": 1_000_000, "k2": 100_000, "k3": 1_000, "k4": 100}
STRINGS = {"c0": 1_000_000, "c1": 300_000, "c2": 100_000, "c3": 1_000, "c4": 100}
KEYS = {**INTEGERS, **STRINGS}
SKEWED, PLAIN = ("x0", "x1", "x2", "x3"), ("x4", "x5", "x6", "x7")
NUMBERS = (*SKEWED, *PLAIN)
CAUSES = ("k1", "k3", "c1")
SPARSE = 200_000
EPOCH = 1_704_067_200
SCHEMA = Schema(
    [
        Column("k0", "int64", ("user", "id")),
        Column("k1", "int64", ("item", "id")),
        *(Column(name, "int64", ("categorical",)) for name in ("k2", "k3", "k4")),
        *(Column(name, "string", ("categorical",)) for name in STRINGS),
        *(Column(name, "float32", ("continuous",)) for name in NUMBERS),
        Column("recent", "int32", (), LIST),
        Column("ts", "int64", ("time",)),
        Column("label", "int8", ("target", "binary")),
    ]
)


@dataclass(frozen=True)
class Key:
    """One key column: the value of every rank, how often it is null, and what it adds to the logit."""

    name: str
    number: int
    size: int

    @cached_property
    def values(self) -> pl.Series:
        """[V + 1] by rank, null last; the order of the values is not that of the ranks."""
        ranks = np.arange(1, self.size + 1, dtype=np.uint64) + np.uint64(self.number << 20)
        if self.name in STRINGS:
            spread = (ranks * np.uint64(2_654_435_761)) & np.uint64(0xFFFFFFFF)
            return pl.Series(self.name, [*(f"{value:08x}" for value in spread.tolist()), None])
        if self.size > SPARSE:
            spread = (ranks * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(1)
        else:
            spread = np.random.default_rng([SEED, self.number]).permutation(self.size)
        return pl.Series(self.name, [*spread.astype(np.int64).tolist(), None], dtype=pl.Int64)

    @cached_property
    def effects(self) -> np.ndarray:
        """[V + 1] by rank, that of null last."""
        return np.random.default_rng([SEED, self.number, 1]).normal(0.0, 0.6, self.size + 1)

    def draw(self, rng: np.random.Generator, rows: int) -> np.ndarray:
        """Ranks: rank r falls as r ** -1.05 (the power law's inverse); 1 to 3 % of rows are null."""
        tail = 1.0 - (self.size + 1.0) ** (1.0 - EXPONENT)
        ranks = np.exp(np.log1p(-tail * rng.random(rows)) / (1.0 - EXPONENT)).astype(np.int64) - 1
        np.minimum(ranks, self.size - 1, out=ranks)
        ranks[rng.random(rows) < 0.01 + 0.01 * (self.number % 3)] = self.size
        return ranks


def number(rng: np.random.Generator, name: str, rows: int) -> pl.Series:
    """float32 with 5 % nulls: long-tailed with some below zero, or around a mean of its own."""
    place = NUMBERS.index(name)
    values = rng.standard_normal(rows, dtype=np.float32)
    if name in SKEWED:
        values = np.exp(values * np.float32(1.5)) - np.float32(0.2)
    else:
        values = values * np.float32(place) + np.float32(10 * place)
    values[rng.random(rows, dtype=np.float32) < 0.05] = np.nan
    return pl.Series(name, values).fill_nan(None)


def lists(rng: np.random.Generator, rows: int) -> pl.Series:
    """Lists of 0 to 8 int32."""
    wide = rng.integers(0, 50_000, (rows, 8), dtype=np.int32)
    frame = pl.DataFrame({"recent": wide, "length": rng.integers(0, 9, rows)})
    return frame.select(pl.col("recent").arr.to_list().list.head(pl.col("length")))["recent"]


def group(keys: Sequence[Key], file: int, part: int, first: int, rows: int) -> pl.DataFrame:
    """One row group; ``first`` is its first row's place in the whole log."""
    rng = np.random.default_rng([SEED, 2, file, part])
    ranks = {key.name: key.draw(rng, rows) for key in keys}
    logit = sum(key.effects[ranks[key.name]] for key in keys if key.name in CAUSES) - 2.6
    label = rng.random(rows) < 1.0 / (1.0 + np.exp(-logit))
    return pl.DataFrame(
        [
            *(key.values.gather(ranks[key.name]) for key in keys),
            *(number(rng, name, rows) for name in NUMBERS),
            lists(rng, rows),
            pl.Series("ts", EPOCH + np.arange(first, first + rows) // 8),
            pl.Series("label", label.astype(np.int8)),
        ]
    )


def make(folder: Path, rows: int, files: int = FILES) -> list[Path]:
    """Write what is missing of ``files`` files of ``rows / 15`` rows each; gives their paths.

    File n is the same however many files there are: twice the files are twice the rows of one log.

    Raises:
        ValueError: the folder holds rows of another shape.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shape, note = {"rows a file": rows // FILES, "seed": SEED, "version": 1}, folder / "shape.json"
    if note.exists() and json.loads(note.read_text()) != shape:
        raise ValueError(f"{folder} holds data of another shape, {note.read_text()}: give another folder")
    note.write_text(json.dumps(shape))
    paths = [folder / f"part-{file:02d}.parquet" for file in range(files)]
    keys = [Key(name, place, size) for place, (name, size) in enumerate(KEYS.items())]
    for file, path in enumerate(paths):
        if not path.exists():
            fresh = path.with_suffix(".fresh")
            write(keys, file, rows // FILES, fresh)
            fresh.rename(path)
    return paths


def write(keys: Sequence[Key], file: int, rows: int, path: Path) -> None:
    """One file of ``rows`` rows in row groups of `GROUP`."""
    starts = range(0, rows, GROUP)
    parts = [
        group(keys, file, part, file * rows + start, min(GROUP, rows - start))
        for part, start in enumerate(starts)
    ]
    pl.concat(parts).write_parquet(path, compression="snappy", row_group_size=GROUP)
