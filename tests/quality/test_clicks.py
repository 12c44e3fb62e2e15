"""MovieLens 100k as clicks: a rating of 4 or 5 is liked; 80/10/10 at random and by one global time.

Columns: user, item, age, gender, occupation, year of release and genres, as `shortlist bench ctr` reads them.
The random deals differ by seed, the cut by time is one; networks start from three seeds. Random ones flatter:
both are shown. The floors are for the best of three models; by time it is two deviations below what was
seen. Run with ``-rP`` to see the figures.
"""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from shortlist.datasets import movielens_100k
from shortlist.recipes import CtrBench, CtrFigures, CtrFiles, bench_ctr, read_ctr

pytestmark = pytest.mark.data

MODELS = ("deepfm", "dcnv2", "dlrm")
SEEDS = (2020, 2021, 2022)


def rows() -> pl.DataFrame:
    frame = movielens_100k(Path(os.environ["SHORTLIST_ML100K"]).parent).collect()
    return frame.select(
        *("user_id", "item_id", "age", "gender", "occupation", "release_year", "timestamp"),
        genres=pl.col("class").list.join("^"),
        liked=(pl.col("rating") >= 4).cast(pl.Int8),
    )


def dealt(frame: pl.DataFrame, folder: Path) -> CtrFiles:
    bounds = [int(frame.height * share) for share in (0, 0.8, 0.9, 1)]
    paths = [folder / f"{part}.parquet" for part in ("train", "valid", "test")]
    for path, low, high in zip(paths, bounds[:-1], bounds[1:], strict=True):
        frame.drop("timestamp")[low:high].write_parquet(path)
    train, valid, test = paths
    return read_ctr(train, valid, test, label="liked", categories=["age", "release_year"])


def best(figures: dict[str, list[float]]) -> float:
    for name, values in figures.items():
        print(f"{name}: {np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}")
    return max(float(np.mean(values)) for values in figures.values())


def test_random(tmp_path: Path) -> None:
    found: dict[str, list[float]] = {name: [] for name in MODELS}
    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(100_000)
        figures: CtrFigures = bench_ctr(dealt(rows()[order], tmp_path), CtrBench(models=MODELS))
        print(figures)
        for name in MODELS:
            found[name].append(figures.mean(name, "auc"))
    assert best(found) >= 0.778


def test_by_time(tmp_path: Path) -> None:
    files = dealt(rows().sort("timestamp", maintain_order=True), tmp_path)
    figures = bench_ctr(files, CtrBench(models=MODELS, seeds=len(SEEDS)))
    print(figures)
    assert best({name: [run["auc"] for run in figures.runs[name]] for name in MODELS}) >= 0.703
