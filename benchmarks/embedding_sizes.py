"""What does the size of embeddings buy? NDCG@10, latency and memory by width and precision.

    SHORTLIST_ML100K=ml-100k.inter python benchmarks/embedding_sizes.py   # minutes; writes results/
    SHORTLIST_ML100K=ml-100k.inter python benchmarks/embedding_sizes.py --towers
    python benchmarks/embedding_sizes.py --small   # seconds, on a planted log; writes nothing

MovieLens 100k, all ratings as positives; of each user's, a tenth drawn at random (by the seed, rounded down)
is the test. The vectors are factors of iALS (alpha0 0.3, l2 0.01 and nu 1 at every width, 16 epochs), the
queries those of the users' training histories, folded in. Three seeds of split and factors. The peer in the
run is float32 at the same width.

With `--towers` the vectors are those of two towers of ids alone, trained anew by `sl.size_tradeoff` at every
width: cosine, temperature 0.2, in-batch negatives of batches of 1024. One split (seed 2020) into nine tenths
and one; the seeds are those of the towers. 20 epochs with step 0.003 at every width, about where towers of
width 64 were best by validation (docs/guide/quality.md).
"""

import argparse
import os
import platform
import re
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_array

import shortlist as sl
from shortlist import ops, tags
from shortlist.data import Ragged
from shortlist.recipes import HeldOut, Sizes, sizes_of

EPOCHS, STEP = 20, 3e-3  # of the towers
RESULTS = Path(__file__).parent / "results"


def log(small: bool) -> pl.DataFrame:
    """Users and items by number, each pair once; items in a drawn order, so that ties favour none."""
    if small:
        planted = sl.datasets.planted(users=300, items=400, events=8_000, groups=8)
        rows = planted.events.collect().rename({"user_id": "user", "item_id": "item"})
    else:
        rows = pl.read_csv(os.environ["SHORTLIST_ML100K"], separator="\t")
        rows = rows.rename({"user_id:token": "user", "item_id:token": "item"})
    rows = rows.select(pl.col("user", "item").rank("dense").cast(pl.Int64) - 1).unique(maintain_order=True)
    drawn = np.random.default_rng(0).permutation(rows["item"].max() + 1)
    return rows.with_columns(item=pl.Series(drawn[rows["item"].to_numpy()]))


def vectors(rows: pl.DataFrame, dim: int, seed: int) -> HeldOut:
    """Factors of the training part, and the rest as the truth."""
    place = pl.int_range(pl.len()).shuffle(seed=2020 + seed).over("user")
    held = rows.select(place < (pl.len() * 0.1).floor().over("user")).to_series()
    shape = (rows["user"].max() + 1, rows["item"].max() + 1)
    seen, truth = matrix(rows.filter(~held), shape), matrix(rows.filter(held), shape)
    fitted = sl.IALS(dim=dim, seed=seed).fit(seen, threads=1)
    asked = np.flatnonzero(np.diff(truth.indptr))
    return HeldOut(fitted.factors(seen[asked]), fitted.item_factors, lists(truth[asked]), lists(seen[asked]))


def towers(dims: tuple[int, ...], measure: sl.SizeOptions, *, small: bool) -> Sizes:
    """Two towers of ids, the same rows at every width and seed."""
    if small:
        planted = sl.datasets.planted(users=300, items=400, events=8_000, groups=8)
        train, _, test = sl.split.by_time(planted.events, valid=None, test="10d")
    else:
        ratings = sl.datasets.movielens_100k(Path(os.environ["SHORTLIST_ML100K"]).parent)
        train, _, test = sl.split.by_user_random(ratings, ratios=(0.9, 0.0, 0.1), seed=2020)
    flow = sl.Workflow([tags.any("id") >> ops.Categorify()]).fit(train)
    return sl.size_tradeoff(
        lambda dim, seed: sl.TwoTower(flow.schema, dim=dim, seed=seed),
        flow.transform(train),
        flow.transform(test, log=train),
        options=sl.FitOptions(epochs=EPOCHS, batch_size=256 if small else 1024, lr=STEP, progress=False),
        dims=dims,
        measure=measure,
    )


def matrix(rows: pl.DataFrame, shape: tuple[int, int]) -> csr_array:
    made = csr_array((np.ones(len(rows)), (rows["user"].to_numpy(), rows["item"].to_numpy())), shape=shape)
    made.sort_indices()
    return made


def lists(part: csr_array) -> Ragged:
    return Ragged(part.indices.astype(np.int64), part.indptr.astype(np.int64))


def measured(seeds: tuple[int, ...], *, small: bool, network: bool) -> Sizes:
    dims = (8, 16) if small else (8, 16, 32, 64, 128)
    measure = sl.SizeOptions(
        quantizers=("float32", "float16", "sq8", "sq4", "pq2", "pq4", "pq8"),
        seeds=seeds[:1] if small else seeds,
        timed_items=10_000 if small else 100_000,
    )
    if network:
        return towers(dims, measure, small=small)
    rows = log(small)
    return sizes_of(lambda dim, seed: vectors(rows, dim, seed), dims=dims, measure=measure)


def machine() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.*)", text)
    return model.group(1) if model else platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="seconds; the figures say little")
    parser.add_argument("--towers", action="store_true", help="two towers in place of iALS")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    small, network = given.small, given.towers
    sizes = measured(tuple(given.seeds), small=small, network=network)
    print(sizes)
    row = sizes.smallest(0.99)
    print(f"smallest with 99 % of the best: {row.dim} {row.quantizer}, {row.bytes_per_item} bytes a vector")
    if not small:
        words = "-".join(re.findall(r"[a-z]+", machine().lower())[:2])
        name = "embedding_sizes_towers" if network else "embedding_sizes"
        place = RESULTS / f"{name}_{words}_{date.today()}"
        place.with_suffix(".svg").write_text(sizes.plot(), encoding="utf-8")
        command = "SHORTLIST_ML100K=ml-100k.inter python benchmarks/embedding_sizes.py"
        chosen = "" if given.seeds == [0, 1, 2] else f" --seeds {' '.join(map(str, given.seeds))}"
        command = f"`{command}{' --towers' if network else ''}{chosen}`"
        head = f"# What does the size of embeddings buy?\n\n{command}, {machine()}, {date.today()}\n\n"
        place.with_suffix(".md").write_text(head + sizes.table().markdown() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
