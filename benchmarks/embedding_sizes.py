"""What does the size of embeddings buy? NDCG@10, latency and memory by width and precision.

    SHORTLIST_ML100K=ml-100k.inter python benchmarks/embedding_sizes.py   # half an hour; writes results/
    python benchmarks/embedding_sizes.py --small   # seconds, on a planted log; writes nothing

MovieLens 100k, all ratings as positives; of each user's, a tenth drawn at random (seed 2020, rounded down) is
the test. Two-tower by ids alone, in-batch sampled softmax with logQ, known positives masked, temperature 0.2,
batches of 1024, a fixed number of epochs; three seeds of weights and order. The peer in the run is float32 at
the same width.
"""

import argparse
import os
import platform
import re
from datetime import date
from pathlib import Path

import polars as pl

import shortlist as sl
from shortlist import ops, tags
from shortlist.recipes import Sizes

RESULTS = Path(__file__).parent / "results"
ROLES = {"user": "user_id", "item": "item_id", "time": "timestamp"}


def movielens() -> tuple[sl.Dataset, sl.Dataset]:
    rows = pl.read_csv(os.environ["SHORTLIST_ML100K"], separator="\t")
    rows = rows.rename(lambda name: name.split(":")[0])
    place = pl.int_range(pl.len()).shuffle(seed=2020).over("user_id")
    held = rows.select(place < (pl.len() * 0.1).floor().over("user_id")).to_series()
    return sl.scan(rows.filter(~held), roles=ROLES), sl.scan(rows.filter(held), roles=ROLES)


def measured(small: bool) -> Sizes:
    if small:
        log = sl.datasets.planted(users=300, items=400, events=8_000, groups=8)
        train, _, test = sl.split.by_time(log.events, valid=None, test="10d")
    else:
        train, test = movielens()
    flow = sl.Workflow([tags.any("id") >> ops.Categorify()]).fit(train)
    return sl.size_tradeoff(
        lambda dim, seed: sl.TwoTower(flow.schema, dim=dim, seed=seed),
        flow.transform(train),
        flow.transform(test),
        sl.SampledSoftmax(temperature=0.2),
        sl.FitOptions(epochs=1 if small else 20, batch_size=1024, lr=3e-3),
        dims=(8, 16) if small else (8, 16, 32, 64, 128),
        measure=sl.SizeOptions(
            quantizers=("float32", "float16", "sq8", "sq4", "pq2", "pq4", "pq8"),
            seeds=(0,) if small else (0, 1, 2),
            timed_items=10_000 if small else 100_000,
        ),
    )


def machine() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.*)", text)
    return model.group(1) if model else platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="seconds; the figures say little")
    small = parser.parse_args().small
    sizes = measured(small)
    print(sizes)
    row = sizes.smallest(0.99)
    print(f"smallest with 99 % of the best: {row.dim} {row.quantizer}, {row.bytes_per_item} bytes a vector")
    if not small:
        words = "-".join(re.findall(r"[a-z]+", machine().lower())[:2])
        place = RESULTS / f"embedding_sizes_{words}_{date.today()}"
        sizes.to_html(place.with_suffix(".html"))
        command = "`SHORTLIST_ML100K=ml-100k.inter python benchmarks/embedding_sizes.py`"
        head = f"# What does the size of embeddings buy?\n\n{command}, {machine()}\n\n"
        place.with_suffix(".md").write_text(head + sizes.table().markdown() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
