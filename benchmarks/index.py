"""Which kind of index for a recall of .95? Recall, latency, memory and build time of every kind.

    python benchmarks/index.py FOLDER          # minutes; writes results/
    python benchmarks/index.py --small         # seconds, on a planted log; writes nothing
    python benchmarks/index.py FOLDER --items 1000000 --most-seconds 60    # the synthetic part at that size

FOLDER holds transactions.parquet of the Complete Journey: a two-tower (dim 64, ids and histories) is trained
for an epoch on the newest 400,000 lines of a grocer's year, its item vectors are indexed, and the queries are
the vectors of 512 households. The second set is synthetic: clusters of power-law sizes, normalised, and
queries between two clusters. Each kind is tuned to recall@200 of .95 on half of the queries and shown on the
others; exact search is the peer in the run. Then IVF and exact search are asked with filters: random masks
that allow a share of the items. One query at a time, one thread.
"""

import argparse
import platform
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from time import perf_counter

import faiss
import numpy as np
import polars as pl

import shortlist as sl
from shortlist import ops, tags
from shortlist.index import IndexTuneOptions, VectorIndex, build, tune_index
from shortlist.report import Table

RESULTS = Path(__file__).parent / "results"
K = 200
LINES = 400_000
SHARES = (0.9, 0.5, 0.3, 0.1, 0.01)


def towers(folder: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of all items, and of all users after their last event, of a trained two-tower."""
    if folder is None:
        log = sl.datasets.planted(users=200, items=1_500, events=6_000, groups=20).events
        user, item, time = "user_id", "item_id", "time"
    else:
        lines = pl.scan_parquet(folder / "transactions.parquet")
        user, item, time = "household_id", "product_id", "transaction_timestamp"
        roles = {"user": user, "item": item, "time": time}
        log = sl.scan(lines.select(user, item, time).sort(time).tail(LINES).collect(), roles=roles)
    flow = sl.Workflow(
        [
            tags.any("id") >> ops.Categorify(),
            ops.History(item, max_length=20) >> ops.Categorify(like=item),
        ]
    ).fit(log)
    model = sl.TwoTower(flow.schema, dim=64, hidden=(128,), seed=0)
    options = sl.FitOptions(epochs=1, batch_size=256 if folder is None else 4096, seed=0)
    sl.fit(model, flow.transform(log), sl.SampledSoftmax(temperature=0.1), options=options)
    state = sl.State(log)
    index = sl.build_index(model, flow, state, kind="exact")
    requests = sl.Requests(state.store.users.values.tolist(), K)
    queries = np.concatenate(
        [
            state.encode_query(model, flow, sl.Requests(requests.users[start : start + 4096], K))
            for start in range(0, len(requests), 4096)
        ]
    )
    return index.vectors(np.arange(len(index))), queries


def synthetic(count: int, queries: int, dim: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Clusters of power-law sizes, and queries between two of their items."""
    rng = np.random.default_rng(0)
    clusters = max(20, count // 500)
    share = 1 / np.arange(1, clusters + 1) ** 0.8
    centres = unit(rng.standard_normal((clusters, dim)))
    own = rng.choice(clusters, count, p=share / share.sum())
    vectors = unit(centres[own] + 0.6 * unit(rng.standard_normal((count, dim))))
    pairs = rng.integers(0, count, (queries, 2))
    return vectors, unit(vectors[pairs[:, 0]] + 0.5 * vectors[pairs[:, 1]])


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def timed(index: VectorIndex, queries: np.ndarray, mask: np.ndarray) -> tuple[list[np.ndarray], float]:
    """Scores of each query by itself, and the median of the milliseconds."""
    found, taken = [], []
    for query in queries:
        began = perf_counter()
        scores = index.search(query[None], K, allowed=mask)[1]
        taken.append(1e3 * (perf_counter() - began))
        found.append(scores[0])
    return found, float(np.median(taken))


def filtered(vectors: np.ndarray, queries: np.ndarray, rounds: int) -> Table:
    """Recall and latency with filters, of IVF and of exact search; and what filtering afterwards leaves."""
    options = replace(sl.IndexOptions(), recall_at=min(K, len(vectors)))
    index = build(vectors, range(len(vectors)), kind="ivf", options=options, queries=queries[::2])
    exact = build(vectors, range(len(vectors)), kind="exact")
    asked, lines = queries[1::2][:rounds], []
    for share in SHARES:
        mask = np.random.default_rng(1).random(len(vectors)) < share
        found, ms = timed(index, asked, mask)
        best, exact_ms = timed(exact, asked, mask)
        k = min(K, int(mask.sum()))
        recall = np.mean([(f[:k] >= b[k - 1] - 1e-6).mean() for f, b in zip(found, best, strict=True)])
        after = np.mean([mask[rows].sum() / k for rows in index.search(asked, k)[0]])
        lines.append((f"{share:.0%}", float(recall), f"{ms:.3f}", f"{exact_ms:.3f}", float(after)))
    heads = ("allowed", f"recall@{K}", "ms", "ms, exact", "filtering afterwards leaves")
    return Table(heads, lines, title=f"{index!r}, {len(asked)} queries, random masks")


def machine() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.*)", text)
    return model.group(1) if model else platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, help="holds transactions.parquet")
    parser.add_argument("--small", action="store_true", help="seconds; the figures say little")
    parser.add_argument("--items", type=int, default=100_000, help="size of the synthetic set")
    parser.add_argument("--most-seconds", type=float, default=120.0, help="longest build of one kind")
    parser.add_argument("--vectors", type=Path, help="a file to keep the towers' vectors in, for another run")
    given = parser.parse_args()
    if (given.folder is None) != given.small:
        parser.error("give a folder, or --small")
    if given.vectors is None or not given.vectors.exists():
        trained = towers(given.folder)
        if given.vectors is not None:
            np.savez(given.vectors, items=trained[0], queries=trained[1])
    else:
        with np.load(given.vectors) as kept:
            trained = kept["items"], kept["queries"]
    drawn = np.random.default_rng(0).permutation(len(trained[1]))[: 40 if given.small else 512]
    sets = {
        "two-tower, Complete Journey": (trained[0], trained[1][drawn]),
        "synthetic clusters": synthetic(*((2_000, 40) if given.small else (given.items, 512))),
    }
    options = IndexTuneOptions(rounds=20 if given.small else 200, max_build_seconds=given.most_seconds)
    words = "-".join(re.findall(r"[a-z]+", machine().lower())[:2])
    place = RESULTS / f"index_{words}_{date.today()}"
    command = "python benchmarks/index.py FOLDER" + (
        f" --items {given.items}" if given.items != 100_000 else ""
    )
    parts = [f"# Which kind of index?\n\n`{command}`, {machine()}, {date.today()}, FAISS {faiss.__version__}"]
    for number, (name, (vectors, queries)) in enumerate(sets.items()):
        tuning = tune_index(vectors, queries, recall=0.95, k=K, options=options)
        faiss.omp_set_num_threads(1)
        masks = filtered(vectors, queries, 10 if given.small else 100)
        print(f"{name}\n{tuning}\n\n{masks}\n", flush=True)
        parts += [f"## {name}", tuning.table().markdown(), masks.markdown()]
        if not given.small:
            place.with_name(f"{place.name}_{number + 1}.svg").write_text(tuning.plot(), encoding="utf-8")
    if not given.small:
        place.with_suffix(".md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
