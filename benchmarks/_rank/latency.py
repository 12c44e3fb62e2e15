"""Scoring the candidates of one request from the exported part: the query's columns once, or in every row."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, thread_time
from typing import Any

import numpy as np

from _rank.by_hand import ByHand
from shortlist.data import Batch
from shortlist.export import export_ranker
from shortlist.models import ranking
from shortlist.runtime import OnnxRanker, load_ranker
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


def blocks(batch: Batch, packs: tuple[tuple[str, ...], ...]) -> Batch:
    """The batch as the request path hands it over: columns side by side, as their rows are kept."""
    made = {
        names: np.stack([batch.array(name) for name in names], 1).astype(
            np.float32 if batch.array(names[0]).dtype.kind == "f" else np.int32
        )
        for names in packs
    }
    return Batch.trusted(dict(batch.items()), len(batch), batch.query, batch.query_of, made)


def side_by_side(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Codes and numbers of every row, as the graph by hand reads them."""
    flat = batch.flat()
    kinds: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for name in flat:
        column = flat.array(name)
        kinds[column.dtype.kind == "f"].append(column)
    return np.stack(kinds[False], 1), np.stack(kinds[True], 1)


def latency(name: str, calls: int) -> dict[str, list[float]]:
    """Milliseconds of calls, by turns: the query's columns once, or in every row; and by hand.

    Processor milliseconds stand under the same names with "cpu " before them.
    """
    with TemporaryDirectory() as room:
        part = Path(room) / "ranker"
        export_ranker(model(name), part)
        ranker, hand = load_ranker(part), ByHand(name, Path(room), TABLE_ROWS)
        assert isinstance(ranker, OnnxRanker)
        requests = [request(seed) for seed in range(16)]
        work = {
            "split": [partial(ranker.score, blocks(one, ranker.packs)) for one in requests],
            "flat": [partial(ranker.score, one.flat()) for one in requests],
            "by hand": [partial(hand.score, *side_by_side(one)) for one in requests],
        }
        times: dict[str, list[float]] = {f"{unit}{kind}": [] for kind in work for unit in ("", "cpu ")}
        for call in range(calls + 20):
            for kind, calls_of in work.items():
                start = perf_counter(), thread_time()
                calls_of[call % 16]()
                times[kind].append(1e3 * (perf_counter() - start[0]))
                times[f"cpu {kind}"].append(1e3 * (thread_time() - start[1]))
        return {kind: part[20:] for kind, part in times.items()}
