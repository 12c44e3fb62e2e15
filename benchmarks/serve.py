"""How long does one request take, in process and over HTTP, and how far is that from the same work by hand?

    python benchmarks/serve.py --data FOLDER    # makes the data once, ten minutes; writes benchmarks/results/
    python benchmarks/serve.py --data FOLDER --triton PYTHON    # beside a real Triton too
    python benchmarks/serve.py --small          # a planted log of 3,000 items, a minute; writes nothing

A million items with vectors of width 64 from a trained two-tower over synthetic events; IVF-SQ8 tuned to find
95 % of the best 200. Four stages: features and history of the user, tower and search for 200; what was seen
is dropped; features of the items and a ranker; MMR and ten items. The rankers are a DLRM and a DCN-v2 of 20
columns of codes and 8 numbers.

The floor is the same work written out by hand for this one pipeline: ONNX Runtime, FAISS and NumPy on the
same graphs and the same index, every feature encoded beforehand. Pipeline and floor take turns in one
process, on one core. On a shared machine compare ratios, and processor time first.
"""

import argparse
import os
import platform
import re
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime
from _serve.beside_triton import beside_triton, rows
from _serve.measure import InProcess, K, in_process
from _serve.over_http import OverHttp, fresh, on_core, over_http, percentiles
from _serve.rounded import rounded
from _serve.world import CANDIDATES, FULL, RANKERS, SMALL, prepare

from shortlist.data import Requests
from shortlist.pipeline import Pipeline, load

NAMES = {"dlrm": "DLRM", "dcn": "DCN-v2"}
MOST, TAIL, TRITON_USERS = 1.15, 2.0, 200


def machine() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.*)", text)
    return model.group(1) if model else platform.processor() or platform.machine()


def head(bundle: Path, command: str, index: str) -> Iterator[str]:
    store = load(bundle, verify=False).state.store
    size = f"{len(store.items):,} items, {len(store.users):,} users, {len(store.events()):,} events"
    yield "# One request"
    yield ""
    yield f"- command: `{command}`"
    yield f"- machine: {machine()}, one core; onnxruntime {onnxruntime.__version__}, numpy {np.__version__}"
    yield f"- date: {date.today().isoformat()}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    yield f"- {size}; `{index}`"
    yield "- pipeline and floor in turn; milliseconds, median / 99th percentile"


def compared(name: str, found: InProcess, rounds: int) -> Iterator[str]:
    yield from ("", f"## In process, {NAMES[name]}", "")
    yield (
        f"{rounds:,} requests; the same ten items in the same order in {found.same:.1%} of them; "
        f"recall@{CANDIDATES} {found.recall:.3f}."
    )
    yield from ("", "| | by the clock | of the processor |", "|---|---|---|")
    yield f"| pipeline, live state | {percentiles(found.ours.wall)} | {percentiles(found.ours.cpu)} |"
    yield f"| floor | {percentiles(found.floor.wall)} | {percentiles(found.floor.cpu)} |"
    ratios = [np.median(one) / np.median(other) for one, other in found.pairs]
    tails = [np.percentile(one, 99) / np.median(one) for one, _ in found.pairs]
    yield f"| medians, pipeline / floor (at most {MOST}) | {ratios[0]:.2f} | {ratios[1]:.2f} |"
    yield f"| pipeline, 99th percentile / median (at most {TAIL:g}) | {tails[0]:.1f} | {tails[1]:.1f} |"
    yield from ("", "| stage | pipeline | floor |", "|---|---|---|")
    yield from (f"| {stage} | {own:.3f} | {hand:.3f} |" for stage, (own, hand) in found.stages.items())


def served(name: str, found: OverHttp) -> Iterator[str]:
    yield from ("", f"## Over HTTP, {NAMES[name]}", "")
    yield "The server on one core, the client on another; `/recommend` for one user at a time. In process by"
    yield "turns with it, on the server's core."
    yield from ("", "| | |", "|---|---|")
    yield f"| one connection, ms, median / 99th percentile | {percentiles(found.alone)} |"
    yield f"| the same in process, by turns | {percentiles(found.inside)} |"
    more = np.median(found.alone) - np.median(found.inside)
    yield f"| more than in process, ms (at most 0.4) | {more:.3f} |"
    for count, (rate, cpu, wall_inside, cpu_inside) in found.rates.items():
        share = f"{rate * wall_inside / 1e3:.0%} of 1 / in process; by processor time {cpu_inside / cpu:.0%}"
        yield f"| {count} connections, requests a second | {rate:,.0f} ({share}) |"
    yield f"| seconds from start to ready | {found.start:.2f} |"
    yield f"| own memory, mapped files, MiB, before the bundle is loaded | {mib(found.bare)} |"
    yield f"| the same after all requests, with index and tables | {mib(found.memory)} |"


def mib(memory: tuple[float, float]) -> str:
    return f"{memory[0]:.0f}, {memory[1]:.0f}"


def started(bundle: Path) -> Iterator[str]:
    yield from ("", "## A new process without torch", "")
    found = {
        text: fresh(bundle, verify=text == "checksums compared") for text in ("checksums compared", "not")
    }
    yield "| until, seconds | " + " | ".join(found) + " |"
    yield "|---|---|---|"
    for row in next(iter(found.values())):
        yield f"| {row} | " + " | ".join(f"{one[row]:.2f}" for one in found.values()) + " |"


def triton(bundle: Path, users: list[int], cores: tuple[int, int], python: Path) -> Iterator[str]:
    yield from ("", f"## Beside Triton, {NAMES[bundle.name]}", "")
    yield "Servers on one core, the client on another, by turns; equal answers. Stages of Triton's ensemble"
    yield "are processes of their own, between which candidates travel as tensors; the time is the models'."
    yield ""
    yield from rows(beside_triton(bundle, users, cores, python))


def eight_bits(folder: Path, calls: int) -> Iterator[str]:
    yield from ("", "## Weights of eight bits", "")
    yield "200 candidates, processor milliseconds by turns; AUC on 100,000 rows that nothing was trained on."
    yield ""
    yield "| ranker | float32 ms, AUC | eight bits ms, AUC | time | of the ten best, the same |"
    yield "|---|---|---|---|---|"
    for name in RANKERS:
        one = rounded(folder / name, folder / "unseen.parquet", calls)
        yield (
            f"| {NAMES[name]} | {one['ms']:.2f}, {one['auc']:.4f} | {one['ms rounded']:.2f}, "
            f"{one['auc rounded']:.4f} | {one['ms rounded'] / one['ms']:.2f} | {one['same']:.1%} |"
        )


def report(folder: Path, given: argparse.Namespace) -> Iterator[str]:
    """The page, part by part as it is measured."""
    rounds, cores = (60, given.cores) if given.small else (given.requests, given.cores)
    first = folder / next(iter(RANKERS))
    pipe = load(first, verify=False)
    users = np.random.default_rng(1).choice(pipe.state.store.users.values, rounds).tolist()
    command = (
        "python benchmarks/serve.py --small" if given.small else "python benchmarks/serve.py --data FOLDER"
    )
    yield from head(first, command, repr(pipe.stages[0].index))
    del pipe
    for name in RANKERS:
        on_core(cores[1])  # one core is all there is
        found = in_process(folder / name, rounds)
        assert found.same >= 0.99, f"the floor gives other answers: {found.same:.1%} are the same"
        yield from compared(name, found, rounds)
        if given.http:
            live = load(folder / name)
            live = live.with_state(live.state.live())
            ask = partial(_recommended, live)
            yield from served(name, over_http(folder / name, users, given.seconds, cores, ask))
    if given.triton is not None:
        yield from triton(first, users[:TRITON_USERS], cores, given.triton)
    yield from eight_bits(folder, 20 if given.small else 500)
    yield from started(first)


def _recommended(live: Pipeline, user: int) -> object:
    return live.run(Requests([user], K))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of the bundles; filled if they are not there")
    parser.add_argument("--small", action="store_true", help="a small log, few requests, no file")
    parser.add_argument("--requests", type=int, default=500, help="requests of each side (%(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="of each measure of the rate (%(default)s)"
    )
    parser.add_argument(
        "--cores", type=int, nargs=2, default=(0, 1), help="of the server, and of the clients"
    )
    parser.add_argument(
        "--triton",
        type=Path,
        metavar="PYTHON",
        help="beside a real Triton: an interpreter with nvidia-pytriton and the base install",
    )
    parser.add_argument("--no-http", dest="http", action="store_false", help="in process only")
    given = parser.parse_args()
    if (given.data is None) != given.small:
        parser.error("give --data, or --small")
    with TemporaryDirectory() as room:
        folder = Path(room) if given.small else given.data
        prepare(folder, SMALL if given.small else FULL)
        lines = []
        for line in report(folder, given):
            print(line, flush=True)
            lines.append(line)
    if not given.small:
        name = re.sub(r"[^a-z0-9]+", "-", machine().lower()).strip("-")
        path = Path(__file__).parent / "results" / f"serve_{name}_{date.today().isoformat()}.md"
        path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
