"""What does it cost to read one user and 200 items from each store? Embedded, Redis, Feast.

    python benchmarks/stores.py           # seconds; writes results/; Redis and Feast where they are installed
    python benchmarks/stores.py --small   # fewer rows and reads; writes nothing

2,000 users with 10 columns and 60,000 events, 5,000 items with 10 columns. A read of a user is its columns
and its last 50 events, a read of items 10 columns of 200 items drawn at random, each as a request makes it:
of a fresh `reading`. Stores are read in turns, one thread; the peer is the embedded one. Redis is a server
of its own on this machine (``SHORTLIST_REDIS``, or redis-server on the path; appendonly). Feast has files
offline and SQLite online and is measured where this runs in an environment with Feast, without histories,
which are the bundle's there.
"""

import argparse
import os
import platform
import shutil
import tempfile
import warnings
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import polars as pl

from shortlist.io import Dataset
from shortlist.report import Table
from shortlist.rng import generator
from shortlist.store import EmbeddedStore, RedisOptions, feast_store, fill_redis, redis_store
from shortlist.testing._feast import feast_repo
from shortlist.testing._redis import RedisServer

RESULTS = Path(__file__).parent / "results"
MACHINE = f"{platform.machine()}-{os.cpu_count()}-cpus"
COLUMNS = tuple(f"c{n}" for n in range(10))
NOW = 100 * 86_400_000_000


def table(key: str, count: int) -> Dataset:
    """So many rows with five columns of numbers and five of text."""
    rng = generator(0, key)
    frame = pl.DataFrame(
        {
            key: np.arange(count),
            "since": np.zeros(count, np.int64),
            **{name: rng.random(count) for name in COLUMNS[:5]},
            **{name: [f"v{n}" for n in rng.integers(0, 50, count)] for name in COLUMNS[5:]},
        }
    ).cast({"since": pl.Datetime("us")})
    data = Dataset.of(frame).tag(key, key, "id").tag("since", "time")
    for name in COLUMNS:
        data = data.tag(name, key)
    return data


def log(users: int, items: int, count: int) -> Dataset:
    """Events at random times before now."""
    rng = generator(0, "events")
    frame = pl.DataFrame(
        {
            "user": rng.integers(0, users, count),
            "item": rng.integers(0, items, count),
            "time": np.sort(rng.integers(0, NOW, count)),
        }
    ).cast({"time": pl.Datetime("us")})
    return Dataset.of(frame).tag("user", "user", "id").tag("item", "item", "id").tag("time", "time")


def reads(store: Any, user: int, items: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Milliseconds of wall and of processor, of the read of a user and of the read of items."""
    reading = store.reading(NOW)
    start, used = perf_counter(), process_time()
    position = reading.user_positions([user])
    reading.user_columns(position, COLUMNS)
    reading.history(position, np.array([NOW]), 50)
    middle, half = perf_counter(), process_time()
    reading.item_columns(items, COLUMNS)
    end, done = perf_counter(), process_time()
    return ((middle - start) * 1e3, (half - used) * 1e3), ((end - middle) * 1e3, (done - half) * 1e3)


def measured(stores: dict[str, Any], users: int, items: int, rounds: int) -> Table:
    """Medians of each store, read in turns."""
    rng = generator(0, "reads")
    found: dict[str, list[Any]] = {name: [] for name in stores}
    for place in range(rounds + 10):
        user, wanted = int(rng.integers(0, users)), rng.integers(0, items, 200)
        for name, store in stores.items():
            taken = reads(store, user, wanted)
            if place >= 10:  # the first ones make connections and caches
                found[name].append(taken)
    rows = []
    whole = {name: np.median(np.array(taken).sum(axis=1), axis=0) for name, taken in found.items()}
    for name, taken in found.items():
        middle = np.median(np.array(taken), axis=0)
        cells = [f"{middle[side, what]:.2f}" for side in (0, 1) for what in (0, 1)]
        ratios = [f"{ratio:.1f}" for ratio in whole[name] / whole["embedded"]]
        rows.append((name, *cells, *ratios))
    head = ("store", "user ms", "(CPU)", "200 items ms", "(CPU) ", "both, ratio to embedded", "(CPU)  ")
    return Table(head, rows, note="CPU is that of the process that asks.")


def opened(folder: Path, sizes: tuple[int, int, int]) -> tuple[dict[str, Any], RedisServer | None]:
    """The stores that can be had here, over the same tables."""
    users, items, events = sizes
    people, things, happened = table("user", users), table("item", items), log(users, items, events)

    def tables() -> EmbeddedStore:
        return EmbeddedStore.build(happened, things, people)

    stores: dict[str, Any] = {"embedded": tables()}
    program, server = os.environ.get("SHORTLIST_REDIS") or shutil.which("redis-server"), None
    if program is not None and find_spec("redis") is not None:
        (folder / "redis").mkdir()
        server = RedisServer(program, folder / "redis").start()
        options = RedisOptions(items=True, timeout_ms=5000)
        fill_redis(server.url, tables(), options=options)
        stores["Redis"] = redis_store(server.url, tables(), options=options)
    if find_spec("feast") is not None:
        (folder / "feast").mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            repo = feast_repo(folder / "feast", users=people, items=things)
        stores["Feast (SQLite)"] = feast_store(repo, tables(), users="user_facts", items="item_facts")
    return stores, server


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="seconds in all; writes nothing")
    small = parser.parse_args().small
    sizes = (100, 300, 2_000) if small else (2_000, 5_000, 60_000)
    with tempfile.TemporaryDirectory() as folder:
        stores, server = opened(Path(folder), sizes)
        try:
            found = measured(stores, *sizes[:2], rounds=20 if small else 300)
        finally:
            if server is not None:
                server.stop()
    text = f"{__doc__}\n{found}\n"
    print(text)
    if not small:
        path = RESULTS / f"stores_{MACHINE}_{date.today().isoformat()}.md"
        load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores: read CPU and ratios"
        lines = f"# One user and 200 items from each store\n\n{load}\n\n```\n{text.strip()}\n```\n"
        path.write_text(lines, encoding="utf-8")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
