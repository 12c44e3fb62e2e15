"""How long does a request take inside the process, stage by stage, and how far is that from the floor?

    python benchmarks/serve_request.py BUNDLE     # writes benchmarks/results/
    python benchmarks/serve_request.py --small    # fits a small planted log first, half a minute; no file

The floor is the same work written out by hand for this one pipeline: every feature of every candidate is
computed beforehand, and only ONNX Runtime, FAISS and a few lines of NumPy run. Pipeline and floor take turns
in one process, on one core, for users drawn at random.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import faiss
import numpy as np
import onnxruntime

from shortlist.data import Batch, Candidates, Ragged, Requests
from shortlist.pipeline import Match, Merge, Pipeline, Retrieve, Score, load

K, MANY = 10, 256
TYPES = {"tensor(int64)": np.int64, "tensor(float)": np.float32}
FRESH = """
import json, re, sys, time
start = time.perf_counter()
import shortlist
bare = time.perf_counter() - start
from shortlist.pipeline import load
ready = time.perf_counter() - start
pipe = load(sys.argv[1])
loaded = time.perf_counter() - start
pipe.recommend([None])
first = time.perf_counter() - start
peak = int(re.search(r"VmHWM:[^0-9]+([0-9]+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps([bare, ready, loaded, first, peak]))
"""


class Session:
    """An ONNX graph opened as ONNX Runtime's documentation says, with one thread."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def feed(self, batch: Batch) -> dict[str, np.ndarray]:
        """The columns of a batch as the graph reads them."""
        found = {}
        for value in self.session.get_inputs():
            column = batch.query_of if value.name == "query_of" else batch[value.name]
            array = column.padded() if isinstance(column, Ragged) else column
            found[value.name] = np.ascontiguousarray(array, dtype=TYPES[value.type])
        return found

    def run(self, feed: dict[str, np.ndarray]) -> np.ndarray:
        return self.session.run(None, feed)[0]


@dataclass(frozen=True)
class Prepared:
    """Everything about one request that can be known before it."""

    query: dict[str, np.ndarray]
    taste: np.ndarray
    others: list[np.ndarray]
    items: np.ndarray
    ranking: dict[str, np.ndarray]


class Floor:
    """Retrieve, merge, match, score and cut, by hand."""

    def __init__(self, folder: Path, pipe: Pipeline) -> None:
        merge, match, score = pipe.stages[:3]
        assert isinstance(merge, Merge)
        assert isinstance(match, Match)
        assert isinstance(score, Score)
        assert isinstance(merge.sources[0], Retrieve)
        self.pipe, self.merge, self.match, self.score = pipe, merge, match, score
        self.k = merge.sources[0].k
        self.encoder, self.ranker = (
            Session(folder / "encoder/query.onnx"),
            Session(folder / "ranker/ranker.onnx"),
        )
        self.position = pipe.state.positions_of(match.index.keys)
        rows = pipe.state.rows_of(match.index.keys)
        self.vectors = match.index.vectors(rows)
        self.index = faiss.IndexFlatIP(match.index.dim)
        self.index.add(match.index.vectors(np.arange(len(match.index.keys))))

    def prepare(self, requests: Requests) -> Prepared:
        state, nothing = self.pipe.state, Candidates.empty(len(requests))
        found = self.match.run(requests, self.merge.run(requests, nothing, state), state)
        last = state.histories(requests, self.match.recent).values
        return Prepared(
            self.encoder.feed(state.query_batch(self.match.flow, requests)),
            self.vectors[last].mean(axis=0) if len(last) else np.zeros(self.index.d, np.float32),
            [source.run(requests, nothing, state).items for source in self.merge.sources[1:]],
            found.items,
            self.ranker.feed(state.ranking_batch(self.score.flow, requests, found)),
        )

    def run(self, known: Prepared) -> np.ndarray:
        query = self.encoder.run(known.query)
        near = self.position[self.index.search(query, self.k)[1][0]]
        np.unique(np.concatenate([near, *known.others]), return_index=True)
        _ = self.vectors[known.items] @ np.stack([query[0], known.taste], axis=1)
        scores = self.ranker.run(known.ranking)
        return known.items[np.lexsort((known.items, -scores))[:K]]


def timed(work: Callable[..., object], asked: object) -> tuple[float, float]:
    """Milliseconds by the clock and of the processor."""
    wall, cpu = perf_counter(), process_time()
    work(asked)
    return 1e3 * (perf_counter() - wall), 1e3 * (process_time() - cpu)


def measure(folder: Path, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Name -> wall and processor time of each request."""
    pipe = load(folder)
    live, floor = pipe.with_state(pipe.state.live()), Floor(folder, pipe)
    known = pipe.state.store.users.values
    users = np.random.default_rng(0).choice(known, rounds)
    times: dict[str, list[tuple[float, float]]] = {}
    same = 0
    for number, user in enumerate(users, start=-20):  # the first requests warm up and are not counted
        requests = Requests([user], K)
        prepared = floor.prepare(requests)
        found = {
            "pipeline, frozen state": timed(pipe.run, requests),
            "pipeline, live state": timed(live.run, requests),
            "floor": timed(floor.run, prepared),
        }
        for stage in pipe.run(requests, trace=True)[1].stages:
            found[f"stage {stage.name}"] = (stage.milliseconds, np.nan)
        same += pipe.run(requests).items.tolist() == floor.run(prepared).tolist()
        for name, result in found.items():
            times.setdefault(name, []).extend([result] if number >= 0 else [])
    assert same >= 0.99 * len(users), f"the floor gives other answers: {same} of {len(users)} are the same"
    for name, one in (("frozen", pipe), ("live", live)):
        many = Requests(list(np.resize(users, MANY)), K)
        one.run(many)
        runs = [timed(one.run, many) for _ in range(7)]
        times[f"{MANY} users at once, {name} state, each"] = [(w / MANY, c / MANY) for w, c in runs]
    return times


def fit_small(folder: Path) -> Path:
    """A bundle of the standard recipe on a small planted log."""
    from shortlist import datasets
    from shortlist.recipes import FitRecipe, fit

    log = datasets.planted(users=400, items=300, events=12_000, seed=0)
    options = FitRecipe(dim=16, epochs=1, seed=0)
    return fit(log.events, items=log.items, users=log.users, out=folder / "bundle", options=options).bundle


def machine() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.*)", text)
    return model.group(1) if model else platform.processor() or platform.machine()


def report(folder: Path, times: dict[str, list[tuple[float, float]]]) -> str:
    pipe = load(folder)
    base = np.median([wall for wall, _ in times["floor"]])
    store = pipe.state.store
    found = len(pipe[:1].run(Requests([store.users.values[0]], 10**6)).items)
    size = f"{len(store.items):,} items, {len(store.users):,} users, {len(store.events()):,} events"
    lines = [
        "# A request inside the process",
        "",
        f"- command: `python benchmarks/serve_request.py {folder.name}`",
        f"- machine: {machine()}, one core; onnxruntime {onnxruntime.__version__}, numpy {np.__version__}",
        f"- date: {date.today().isoformat()}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
        f"- bundle: {size}; {' -> '.join(stage.name for stage in pipe.stages)}",
        f"- candidates of the first user: {found}",
        "- pipeline and floor in turn; milliseconds; on a shared machine compare ratios and CPU",
        "",
        "| | median | p90 | p99 | CPU median | median / floor |",
        "|---|---|---|---|---|---|",
    ]
    for name, pairs in times.items():
        wall, cpu = np.array(pairs).T
        median, late, latest = np.percentile(wall, [50, 90, 99])
        spent = "" if np.isnan(cpu).any() else f"{np.median(cpu):.3f}"
        lines.append(f"| {name} | {median:.3f} | {late:.3f} | {latest:.3f} | {spent} | {median / base:.2f} |")
    return "\n".join([*lines, "", *_fresh(folder)]) + "\n"


def _fresh(folder: Path) -> list[str]:
    """What a new process needs until it answers."""
    fresh = subprocess.run([sys.executable, "-c", FRESH, folder], check=True, stdout=subprocess.PIPE)
    bare, ready, loaded, first, memory = json.loads(fresh.stdout)
    return [
        "| a fresh process | |",
        "|---|---|",
        f"| `import shortlist` | {bare:.3f} s |",
        f"| `from shortlist.pipeline import load`, after | {ready:.2f} s |",
        f"| bundle loaded, after | {loaded:.2f} s |",
        f"| first answer, after | {first:.2f} s |",
        f"| peak memory | {memory:.0f} MiB |",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", nargs="?", type=Path, help="folder of a bundle of the standard recipe")
    parser.add_argument(
        "--small", action="store_true", help="fit a small planted log, ask little, write no file"
    )
    options = parser.parse_args()
    if (options.bundle is None) != options.small:
        parser.error("give a bundle, or --small")
    with TemporaryDirectory() as scratch:
        folder = fit_small(Path(scratch)) if options.small else options.bundle
        with suppress(AttributeError):  # where the system can, one core is all there is
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        text = report(folder, measure(folder, 60 if options.small else 520))
    print(text)
    if not options.small:
        name = re.sub(r"[^a-z0-9]+", "-", machine().lower()).strip("-")
        path = Path(__file__).parent / "results" / f"serve_request_{name}_{date.today().isoformat()}.md"
        path.write_text(text)


if __name__ == "__main__":
    main()
