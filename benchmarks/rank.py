"""How fast do rankers train, against plain PyTorch in the same run; how long do 200 candidates take to score?

13 numbers and 26 columns of codes, 2.6M rows of tables of width 16, ids by Zipf's law (1 / rank), batch 4096.
All sides train the same networks on the same rows, by turns: DLRM, DCN-v2, DeepFM.

    python benchmarks/rank.py            # some minutes; writes benchmarks/results/
    python benchmarks/rank.py --peers PYTHON    # an interpreter with fuxictr and deepctr-torch, beside them
    python benchmarks/rank.py --small    # seconds; writes nothing

Each setting of the allocator runs in a process of its own, for all sides alike: the C library's default, and
the one that keeps freed memory, which ``fit`` sets (``nn.keep_freed_memory()``). Processor time stands beside
the time on the clock: on a shared machine it is what moves less.
"""

import argparse
import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import torch
from _rank.contestants import CONTESTANTS, OURS, contestant
from _rank.data import BOTTOM, CODES, CROSSES, DIM, HIDDEN, NUMBERS, ROWS, make_clicks
from _rank.latency import CANDIDATES, SHAPES, TO_REACH, latency
from _rank.whole_fit import fitted, peers

from shortlist.nn import bf16_supported, keep_freed_memory

PLAIN = CONTESTANTS[0]
ALLOCATORS = {False: "C library default", True: "freed memory is kept"}


def speed(name: str, *, small: bool) -> dict[str, Any]:
    """Medians of a step of each contestant, by turns; the first round warms up."""
    batch, rounds, steps = (256, 2, 2) if small else (4096, 2, 4)
    clicks = make_clicks(5_000 if small else 100_000, (ROWS // 100 if small else ROWS) // CODES)
    ready = {kind: contestant(kind, name, clicks) for kind in CONTESTANTS}
    chosen = torch.Generator().manual_seed(1)
    times: dict[str, list[tuple[float, ...]]] = {kind: [] for kind in ready}
    for number in range(rounds + 1):
        rows = torch.randint(0, len(clicks.labels), (steps, batch), generator=chosen)
        for kind, step in ready.items():
            found = [step(one) for one in rows]
            times[kind] += found if number > 0 else []
    return {
        kind: {
            "rows/s": batch / median(sum(step[:3]) for step in part),
            "rows/cpu s": batch / median(step[3] for step in part),
            "phases": [1e3 * median(step[phase] for step in part) for phase in range(3)],
        }
        for kind, part in times.items()
    }


def beside(name: str, python: str, threads: int, *, small: bool) -> dict[str, dict[str, float]]:
    """Whole fits of Shortlist and of other libraries, and single steps of these, on the same rows."""
    batch, steps, fit_steps = (256, 2, 4) if small else (4096, 6, 12)
    table_rows = (ROWS // 100 if small else ROWS) // CODES
    clicks = make_clicks(5_000 if small else 100_000, table_rows)
    ours = {"shortlist, fit": fitted(name, clicks, batch, fit_steps)}
    asked = {"batch": batch, "steps": steps, "fit_steps": fit_steps, "threads": threads}
    return ours | peers(python, name, clicks, table_rows=table_rows, **asked)


def child(*arguments: str) -> Any:
    """Run this script again in a process of its own."""
    command = [sys.executable, __file__, *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def machine() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.*)", text)
    return model.group(1) if model else platform.processor() or platform.machine()


def head(options: argparse.Namespace) -> list[str]:
    native = "yes" if bf16_supported() else "no"
    peers = " --peers PYTHON" if options.peers else ""
    flags = f"--threads {options.threads}{' --small' if options.small else ''}{peers}"
    rows = f"{ROWS:,} rows of tables{' / 100' if options.small else ''}"
    batch = 256 if options.small else 4096
    made = f"{machine()}, torch {torch.__version__}; bfloat16 natively: {native}"
    layers = f"Deep layers {list(HIDDEN)}, bottom of DLRM {list(BOTTOM)}, {CROSSES} full cross layers"
    return [
        "# Training speed of rankers, and the time to score a request",
        "",
        f"`python benchmarks/rank.py {flags}`, {date.today().isoformat()}; {made}.",
        "",
        f"{NUMBERS} numbers, {CODES} columns of codes, {rows}, dim {DIM}, ids by 1 / rank, batch {batch}.",
        f"{layers} beside the deep network. Medians of 8 steps, by turns.",
    ]


def speeds(options: argparse.Namespace, name: str, *, keep: bool) -> Iterator[str]:
    flags = [*(["--small"] if options.small else []), *(["--keep"] if keep else [])]
    found = child("--speed", name, "--threads", str(options.threads), *flags)
    yield from ("", f"## {name}, {ALLOCATORS[keep]}", "")
    yield "| contestant | rows/s | x | rows a processor second | x | forward / backward / optimizer, ms |"
    yield "|---|---|---|---|---|---|"
    base = found[PLAIN]
    for kind, one in found.items():
        ratios = [one[unit] / base[unit] for unit in ("rows/s", "rows/cpu s")]
        phases = " / ".join(f"{part:.1f}" for part in one["phases"])
        yield (
            f"| {kind} | {one['rows/s']:,.0f} | {ratios[0]:.1f} | {one['rows/cpu s']:,.0f} | {ratios[1]:.1f} "
            f"| {phases} |"
        )


def others(options: argparse.Namespace, name: str) -> Iterator[str]:
    flags = ["--small"] if options.small else []
    found = child("--beside", name, "--peers", options.peers, "--threads", str(options.threads), *flags)
    yield from ("", f"## {name}, beside other libraries", "")
    yield "| contestant | rows/s | rows a processor second | shortlist's fit, x a processor second |"
    yield "|---|---|---|---|"
    ours = found["shortlist, fit"]["rows/cpu s"]
    for kind, one in found.items():
        ratio = ours / one["rows/cpu s"]
        yield f"| {kind} | {one['rows/s']:,.0f} | {one['rows/cpu s']:,.0f} | {ratio:.1f} |"


def latencies(options: argparse.Namespace) -> Iterator[str]:
    yield from ("", f"## Score {CANDIDATES} candidates of one request, exported part, one thread", "")
    yield "The floor is the same layers written as an ONNX graph by hand, all columns in every row. Medians,"
    yield "by the clock; in brackets of the processor."
    yield ""
    yield "| ranker | query once, ms | query in every row, ms | floor, ms | query once / floor | asked, ms |"
    yield "|---|---|---|---|---|---|"
    for name, shape in SHAPES.items():
        found = {kind: median(times) for kind, times in latency(name, 20 if options.small else 1_000).items()}
        kinds = ("split", "flat", "by hand")
        told = " | ".join(f"{found[kind]:.2f} ({found[f'cpu {kind}']:.2f})" for kind in kinds)
        ratios = [found[f"{unit}split"] / found[f"{unit}by hand"] for unit in ("", "cpu ")]
        yield f"| {name}: {shape} | {told} | {ratios[0]:.2f} ({ratios[1]:.2f}) | {TO_REACH[name]} |"


def report(options: argparse.Namespace) -> Iterator[str]:
    """The page, part by part as it is measured."""
    yield from head(options)
    for name in OURS:
        for keep in ALLOCATORS:
            yield from speeds(options, name, keep=keep)
        if options.peers:
            yield from others(options, name)
    yield from latencies(options)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="small tables, few steps, no file")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of all sides")
    parser.add_argument("--latency", action="store_true", help="only the time to score a request")
    parser.add_argument("--peers", help="an interpreter with fuxictr and deepctr-torch")
    parser.add_argument("--beside", choices=list(OURS), help="as a child: print JSON")
    parser.add_argument("--speed", choices=list(OURS), help="as a child: print JSON")
    parser.add_argument("--keep", action="store_true", help="as a child: keep freed memory")
    options = parser.parse_args()
    if options.speed:
        torch.set_num_threads(options.threads)
        if options.keep:
            keep_freed_memory()
        print(json.dumps(speed(options.speed, small=options.small)))
        return
    if options.beside:
        torch.set_num_threads(options.threads)
        print(json.dumps(beside(options.beside, options.peers, options.threads, small=options.small)))
        return
    lines = []
    for line in latencies(options) if options.latency else report(options):
        print(line, flush=True)
        lines.append(line)
    if not (options.small or options.latency):
        name = re.sub(r"[^a-z0-9]+", "-", f"{machine()}, {options.threads} threads".lower()).strip("-")
        path = Path(__file__).parent / "results" / f"rank_{name}_{date.today().isoformat()}.md"
        path.write_text("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
