"""What does an edit of the catalogue cost, and the requests after it?

    python benchmarks/live_items.py            # a million items; writes benchmarks/results/
    python benchmarks/live_items.py --small    # twenty thousand, no file

Items have text ids and vectors of width 64 around a thousand centres, in an IVF index of 8 bits a number. A
request retrieves 200, drops what was seen and shows 10. Each kind of edit is made twelve times, and followed
by eleven requests. One thread, in process.
"""

import argparse
import os
import platform
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

import shortlist as sl
from shortlist.data import Requests
from shortlist.features import ops
from shortlist.index import HeldIndex, IndexOptions, build
from shortlist.io import Dataset
from shortlist.schema import Column, Schema

DIM, TIMES = 64, 12
ID = frozenset({"id", "categorical"})
EVENTS = Schema([
    Column("user_id", "int64", ID | {"user"}),
    Column("item_id", "string", ID | {"item"}),
    Column("at", "datetime", frozenset({"time"})),
])  # fmt: skip
ITEMS = Schema([
    Column("item_id", "string", ID | {"item"}),
    Column("price", "float64", frozenset({"item", "continuous"})),
    Column("stock", "int64", frozenset({"item"})),
])  # fmt: skip


class Towers:
    """Towers that cost nothing: what is measured is the catalogue."""

    dim = DIM

    def __init__(self, query: np.ndarray) -> None:
        self.query = query

    def encode_query(self, batch: Any) -> Any:
        return np.repeat(self.query, len(batch), axis=0)

    def encode_item(self, batch: Any) -> Any:
        return np.full((len(batch), DIM), 0.1, dtype=np.float32)


def made(items: int) -> tuple[sl.Pipeline, sl.Pipeline]:
    """The pipeline, and one whose search is among items in stock."""
    rng = np.random.default_rng(0)
    ids = [f"item{number:08d}" for number in range(items)]
    log = pl.DataFrame({
        "user_id": rng.integers(0, 1000, 5000),
        "item_id": [ids[place] for place in rng.integers(0, items, 5000)],
        "at": pl.Series(rng.integers(1, 10**9, 5000)).cast(pl.Datetime("us")),
    })  # fmt: skip
    frame = pl.DataFrame({"item_id": ids, "price": rng.random(items), "stock": rng.integers(0, 5, items)})
    table = Dataset.of(frame, ITEMS)
    state = sl.State(Dataset.of(log, EVENTS), items=table).live()
    flow = sl.Workflow(["price" >> ops.FillMissing(0.0)]).fit(table)
    centres = rng.standard_normal((1000, DIM)).astype(np.float32)
    vectors = centres[rng.integers(0, 1000, items)] + 0.3 * rng.standard_normal(
        (items, DIM), dtype=np.float32
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    lists = max(16, round(items**0.5))
    options = IndexOptions(lists=lists, effort=max(1, lists // 32), refine=0, sample=16)
    held = HeldIndex(build(vectors, ids, kind="ivf_sq8", options=options))
    model, rest = Towers(centres[:1] / 8), [sl.Drop(seen=True), sl.Take(10)]
    every = sl.Retrieve(model, held, flow=flow, k=200)
    stocked = sl.Retrieve(model, held, flow=flow, k=200, where="stock > 0")
    return sl.Pipeline([every, *rest], state=state), sl.Pipeline([stocked, *rest], state=state)


def milliseconds(work: Any, *arguments: Any) -> float:
    """How long a call takes."""
    start = perf_counter()
    work(*arguments)
    return (perf_counter() - start) * 1e3


def measured(pipe: sl.Pipeline, name: str) -> list[str]:
    """Rows of the table for one pipeline."""
    live, ask = sl.LiveItems(pipe), Requests([5], 10)
    pipe.run(ask)
    before = float(np.median([milliseconds(pipe.run, ask) for _ in range(50)]))
    rows = [f"| {name} | none |  |  | {before:.2f} |"]
    edits = {
        "a new item": lambda n: live.upsert([(f"{name}{n}", {"price": 1.0, "stock": 2})]),
        "a known item": lambda n: live.upsert([(f"item{n:08d}", {"stock": n % 2})]),
        "a deletion": lambda n: live.delete([f"item{1000 + n:08d}"]),
    }
    for kind, edit in edits.items():
        took, first, later = [], [], []
        for turn in range(TIMES):
            took.append(milliseconds(edit, turn))
            first.append(milliseconds(pipe.run, ask))
            later += [milliseconds(pipe.run, ask) for _ in range(10)]
        parts = (f"{np.median(each):.2f} ({max(each):.2f})" for each in (took, first))
        rows.append(f"| {name} | {kind} | {' | '.join(parts)} | {np.median(later):.2f} |")
    return rows


def main() -> None:
    """Parse, run, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="twenty thousand items, no file")
    given = parser.parse_args()
    items = 20_000 if given.small else 1_000_000
    every, stocked = made(items)
    rows = [*measured(every, "all items"), *measured(stocked, "where stock > 0")]
    head = "| search | edit | edit ms, median (most) | first request after it | requests later, median |"
    page = "\n".join([head, "|---|---|---|---|---|", *rows, ""])
    print(page)
    if not given.small:
        machine = f"{platform.machine()}-{os.cpu_count()}-cores"
        told = f"# Edits of a catalogue of {items:,} items\n\n`python benchmarks/live_items.py`, "
        told += f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores shared with other work.\n\n"
        place = Path(__file__).parent / "results" / f"live-items_{machine}_{date.today()}.md"
        place.write_text(told + page, encoding="utf-8")


if __name__ == "__main__":
    main()
