"""How long does the ranking of a full catalogue take, against the matrix product alone in the same run?

Random vectors: 100k users x 100k items, 128 wide, float32, the best 100 of each user. The floor is the
product alone, by NumPy in the blocks in which it was fastest, with nothing done to the scores. Ranking with
100 seen items a user left out, and FAISS flat search, stand beside it; FAISS on fewer users, its time scaled
up.

    python benchmarks/evaluate.py            # some minutes; writes benchmarks/results/
    python benchmarks/evaluate.py --small    # seconds; writes nothing
"""

import argparse
import os
import platform
import re
import resource
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import faiss
import numpy as np

from shortlist.data import Ragged
from shortlist.metrics import top_products

RESULTS = Path(__file__).parent / "results"
DIM, K, SEEN = 128, 100, 100
BLOCK = 4096


def product(queries: np.ndarray, items: np.ndarray) -> None:
    """The scores, block by block into the same room; nobody looks at them."""
    room = np.empty(BLOCK * BLOCK, np.float32)
    for start in range(0, len(queries), BLOCK):
        part = queries[start : start + BLOCK]
        for first in range(0, len(items), BLOCK):
            own = items[first : first + BLOCK]
            np.matmul(part, own.T, out=room[: len(part) * len(own)].reshape(len(part), len(own)))


def flat(queries: np.ndarray, items: np.ndarray, threads: int) -> None:
    """FAISS flat search."""
    faiss.omp_set_num_threads(threads)
    index = faiss.IndexFlatIP(items.shape[1])
    index.add(items)
    index.search(queries, K)


def seconds(work: Callable[[], None]) -> tuple[float, float]:
    """Wall time, and the time of all cores together, which neighbours on the machine disturb less."""
    start, cores = perf_counter(), process_time()
    work()
    return perf_counter() - start, process_time() - cores


def peak_mb() -> float:
    """Most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(users: int, items: int, rounds: int, threads: int) -> str:
    """The page with the figures."""
    rng = np.random.default_rng(0)
    queries = rng.standard_normal((users, DIM), dtype=np.float32)
    vectors = rng.standard_normal((items, DIM), dtype=np.float32)
    seen = Ragged(rng.integers(0, items, users * SEEN), np.arange(users + 1) * SEEN)
    few = queries[: max(users // 20, 1)]
    contestants: dict[str, tuple[Callable[[], None], float]] = {
        "product alone": (lambda: product(queries, vectors), 1.0),
        "product and best 100": (lambda: _ranked(queries, vectors, None, threads), 1.0),
        "the same, seen items left out": (lambda: _ranked(queries, vectors, seen, threads), 1.0),
        "FAISS flat search": (lambda: flat(few, vectors, threads), users / len(few)),
    }
    # The peak of ranking comes first, before others have room of their own.
    before = peak_mb()
    _ranked(few, vectors, None, threads)
    held = peak_mb() - before
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, (work, scale) in contestants.items():
            wall, cores = seconds(work)
            times[name].append((wall * scale, cores * scale))
    return _page(times, users, items, threads, held)


def _ranked(queries: np.ndarray, items: np.ndarray, seen: Ragged | None, threads: int) -> None:
    top_products(queries, items, K, seen=seen, threads=threads)


def _page(
    times: dict[str, list[tuple[float, float]]], users: int, items: int, threads: int, held: float
) -> str:
    floor = times["product alone"]
    lines = [
        f"# Ranking {items:,} items for {users:,} users, {DIM} wide, best {K}",
        "",
        f"`{' '.join(['python', *sys.argv])}`, {date.today()}, {_machine()}, {threads} threads.",
        f"NumPy {np.__version__}, FAISS {faiss.__version__}.",
        f"Median (least) of {len(floor)} rounds in turn; the ratio is the median of the rounds' own.",
        "",
        "| | seconds | to the product | core seconds | to the product |",
        "|---|---|---|---|---|",
    ]
    for name, taken in times.items():
        cells = [name]
        for wall, low in zip(zip(*taken, strict=True), zip(*floor, strict=True), strict=True):
            ratio = median(own / least for own, least in zip(wall, low, strict=True))
            cells += [f"{median(wall):.1f} ({min(wall):.1f})", f"{ratio:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        f"Memory of the ranking beyond the vectors: {max(held, 0):.0f} MB at its peak.",
        f"The table of all scores would hold {users * items * 4 / 2**30:.1f} GB.",
    ]
    return "\n".join(lines) + "\n"


def _machine() -> str:
    names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), flags=re.MULTILINE)
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} processors"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="seconds; writes nothing")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="set OPENBLAS_NUM_THREADS to the same")
    options = parser.parse_args()
    if options.small:
        print(measured(2_000, 10_000, 2, options.threads))
        return
    page = measured(options.users, options.items, options.rounds, options.threads)
    print(page)
    machine = re.sub(r"\W+", "-", _machine().split(" @")[0].lower()).strip("-")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"evaluate_{machine}_{date.today()}.md").write_text(page)


if __name__ == "__main__":
    main()
