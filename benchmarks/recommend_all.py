"""How many users get their list in a second of the processor, all at once against one request after another?

    python benchmarks/recommend_all.py            # writes benchmarks/results/
    python benchmarks/recommend_all.py --small    # seconds; no file

Items have random vectors, users the vector of the item they took last. Three pipelines: an exact search, the
same with seen items dropped, and the same with a varied top. Each is asked by `recommend_all` (files on
disk included), by single requests, and beside the bare product of all users' vectors with all items' vectors,
block by block, without choosing anything. Runs take turns in one process on one core; processor time is
counted, so that a busy machine disturbs less.
"""

import argparse
import os
import platform
import re
import resource
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np
import polars as pl

import shortlist as sl
from shortlist.data import Batch, Requests
from shortlist.io import Dataset
from shortlist.schema import Column, Schema
from shortlist.store import EmbeddedStore

DIM, K, SEEN, BLOCK = 64, 10, 20, 1024
RESULTS = Path(__file__).parent / "results"


class Encoder:
    """The vector of a user is that of the item it took last."""

    dim = DIM

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors = vectors

    def encode_query(self, batch: Batch) -> np.ndarray:
        history = batch.ragged("item_history")
        found = np.zeros((len(batch), DIM), dtype=np.float32)
        some = history.lengths > 0
        found[some] = self.vectors[history.values[history.offsets[1:][some] - 1] % len(self.vectors)]
        return found

    def encode_item(self, batch: Batch) -> np.ndarray:
        return self.vectors[batch.array("item") % len(self.vectors)]


def shop(users: int, items: int) -> tuple[sl.State, Any, np.ndarray]:
    """A log of 20 events a user, a catalogue, and vectors."""
    rng = np.random.default_rng(0)
    events = pl.DataFrame(
        {
            "user": np.repeat(np.arange(users), SEEN),
            "item": rng.integers(0, items, users * SEEN),
            "time": np.tile(np.arange(SEEN), users) * 1_000_000,
        }
    ).with_columns(pl.col("time").cast(pl.Datetime("us")))
    catalogue = pl.DataFrame({"item": np.arange(items), "kind": rng.integers(0, 50, items)})
    item = Column("item", "int64", ("item", "id", "categorical"))
    user, time = Column("user", "int64", ("user", "id", "categorical")), Column("time", "datetime", ("time",))
    log = Dataset.of(events, Schema([user, item, time]))
    table = Dataset.of(catalogue, Schema([item, Column("kind", "int64", ("item", "categorical"))]))
    last = sl.ops.History("item", max_length=1) >> sl.ops.Categorify(like="item")
    flow = sl.Workflow(["item" >> sl.ops.Categorify(), last]).fit(log.join_tables(table))
    vectors = rng.normal(size=(items, DIM)).astype(np.float32)
    return sl.State(store=EmbeddedStore.build(log, table)), flow, vectors


def pipelines(state: sl.State, flow: Any, vectors: np.ndarray) -> dict[str, sl.Pipeline]:
    found = sl.index.build(vectors, state.items.values, kind="exact")
    retrieve = sl.Retrieve(Encoder(vectors), found, flow, k=100)
    drop = sl.Drop(seen=True)
    stages: dict[str, list[Any]] = {
        "exact search": [retrieve, sl.Take(K)],
        "and seen items dropped": [retrieve, drop, sl.Take(K)],
    }
    return {name: sl.Pipeline(each, state=state) for name, each in stages.items()} | {
        "and a varied top 10 of 100": sl.Pipeline(
            [retrieve, drop, sl.Diversify(by="kind", strength=0.3), sl.Take(K)], state=state
        )
    }


def timed(work: Callable[[], object]) -> float:
    start = process_time()
    work()
    return process_time() - start


def product(vectors: np.ndarray, queries: np.ndarray) -> None:
    """The scores of all users, block by block, thrown away."""
    room = np.empty((256, 4096), dtype=np.float32)
    for low in range(0, len(queries), 256):
        rows = queries[low : low + 256]
        for first in range(0, len(vectors), 4096):
            part = vectors[first : first + 4096]
            np.matmul(rows, part.T, out=room.ravel()[: len(rows) * len(part)].reshape(len(rows), len(part)))


def measure(users: int, items: int, singles: int, rounds: int) -> list[tuple[str, float, float, float]]:
    """Name, users a CPU second of all at once, one by one, and of the bare product."""
    state, flow, vectors = shop(users, items)
    rows = []
    asked = np.random.default_rng(1).integers(0, users, singles).tolist()
    queries = vectors[np.random.default_rng(2).integers(0, items, users)]
    for name, pipe in pipelines(state, flow, vectors).items():
        pipe.run(Requests([0], K))
        seconds: list[list[float]] = []
        for _ in range(rounds):
            with TemporaryDirectory() as folder:
                whole = timed(lambda to=folder, pipe=pipe: sl.recommend_all(pipe, f"{to}/top", K))
            alone = timed(lambda pipe=pipe: [pipe.run(Requests([user], K)) for user in asked])
            bare = timed(lambda: product(vectors, queries))
            seconds.append([whole / users, alone / singles, bare / users])
        rows.append((name, *(1 / np.median(np.array(seconds), axis=0))))
        check(pipe, asked[:50])
    return rows


def check(pipe: sl.Pipeline, users: list[int]) -> None:
    """The lists are those of single requests."""
    with TemporaryDirectory() as folder:
        found = sl.recommend_all(pipe, f"{folder}/top", K, users=users).collect()
    alone = pl.concat([pipe.recommend([user], K) for user in users])
    assert found["item"].to_list() == alone["item"].to_list()


def machine() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    found = re.search(r"model name\s*:\s*(.*)", text)
    return found.group(1) if found else platform.processor() or platform.machine()


def _cells(whole: float, alone: float, bare: float) -> str:
    return f"{whole:,.0f} | {alone:,.0f} | {whole / alone:.1f} | {bare:,.0f} | {whole / bare:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="ask little, write no file")
    parser.add_argument("--users", type=int, default=5000, metavar="N", help="users (%(default)s)")
    parser.add_argument("--items", type=int, default=50_000, metavar="N", help="items (%(default)s)")
    options = parser.parse_args()
    users, items = (2000, 1000) if options.small else (options.users, options.items)
    singles, rounds = (50, 1) if options.small else (300, 3)
    with suppress(AttributeError):  # where the system can, one core is all there is
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rows = measure(users, items, singles, rounds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines = [
        "# Recommendations for everybody",
        "",
        f"- command: `python benchmarks/recommend_all.py --users {users} --items {items}`",
        f"- machine: {machine()}, one core; numpy {np.__version__}",
        f"- date: {date.today().isoformat()}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
        f"- {users:,} users of {SEEN} events, {items:,} items x {DIM}, k = {K}; medians of {rounds} rounds",
        f"- single requests: {singles} of the users; peak memory of the process {peak:.0f} MiB",
        "",
        "| users a second of the processor | all at once | singly | times | bare product | share of it |",
        "|---|---|---|---|---|---|",
        *(f"| {row[0]} | {_cells(*row[1:])} |" for row in rows),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if not options.small:
        place = re.sub(r"[^a-z0-9]+", "-", machine().lower()).strip("-")
        (RESULTS / f"recommend_all_{place}_{date.today().isoformat()}.md").write_text(text)


if __name__ == "__main__":
    main()
