"""Scoring the candidates of one request from the exported part: the query's columns once, or in every row."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from shortlist.data import Batch
from shortlist.export import export_ranker
from shortlist.models import ranking
from shortlist.runtime import load_ranker
from shortlist.schema import Column, Domain, Schema

CANDIDATES, TABLE_ROWS = 200, 10_000
# 20 columns of codes and 8 numbers, half of each the user's; per candidate 114k (DLRM) and 440k (DCN-v2)
# multiplications, as the rankers of 45.6 and 176 MFLOP a request that the figures to reach were taken of.
SHAPES = {
    "DLRM": "20 codes of dim 32, 8 numbers; bottom 128-32, top 256-128",
    "DCN-v2": "20 codes of dim 16, 8 numbers; 3 full cross layers, deep 256-128, in parallel",
}
TO_REACH = {"DLRM": 0.58, "DCN-v2": 1.29}


def schema() -> Schema:
    """Ten columns of codes and four numbers a side."""
    sides = ("user", "item")
    numbers = [Column(f"{side}_n{at}", "float32", (side, "continuous")) for side in sides for at in range(4)]
    codes = [
        Column(f"{side}_c{at}", "int64", (side, "categorical"), domain=Domain(f"{side}_c{at}", TABLE_ROWS))
        for side in sides
        for at in range(10)
    ]
    return Schema([*numbers, *codes, Column("click", "float32", ("target", "binary"))])


def model(name: str) -> ranking.RankingModel:
    """The ranker whose shape is told above."""
    if name == "DLRM":
        return ranking.DLRM(schema(), dim=32, hidden=(256, 128), bottom=(128,))
    return ranking.DCN(schema(), dim=16, hidden=(256, 128), layers=3)


def request(seed: int) -> Batch:
    """One user and 200 items."""
    rng = np.random.default_rng(seed)

    def column(of: Column, rows: int) -> Any:
        if of.dtype == "float32":
            return rng.normal(size=rows).astype(np.float32)
        return rng.integers(1, TABLE_ROWS, rows)

    inputs = schema().without("click")
    query = [of.name for of in inputs if of.has("user")]
    columns = {of.name: column(of, 1 if of.name in query else CANDIDATES) for of in inputs}
    return Batch(columns, query=query, query_of=np.zeros(CANDIDATES, np.int64))


def latency(name: str, calls: int) -> dict[str, float]:
    """Milliseconds of a call, p50 and p99, with the query's columns once and in every row, in turns."""
    with TemporaryDirectory() as folder:
        part = Path(folder) / "ranker"
        export_ranker(model(name), part)
        ranker = load_ranker(part)
        requests = [request(seed) for seed in range(16)]
        kinds = {"split": requests, "flat": [one.flat() for one in requests]}
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        for call in range(calls + 20):
            for kind, batches in kinds.items():
                start = perf_counter()
                ranker.score(batches[call % 16])
                times[kind].append(1e3 * (perf_counter() - start))
    kept = {kind: sorted(part[20:]) for kind, part in times.items()}
    found = {f"{kind} p50": median(part) for kind, part in kept.items()}
    return found | {f"{kind} p99": part[int(0.99 * len(part))] for kind, part in kept.items()}
