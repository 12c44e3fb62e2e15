"""How fast does a two-tower train, against plain PyTorch and TensorFlow Recommenders in the same run?

Ids follow a Zipf law over the full range of Ali-CCP-like vocabularies: 240k users, 380k items, 17 categorical
features, dim 64. All sides train the same towers on the same rows: in-batch softmax with logQ correction.

    python benchmarks/train.py --tfrs PYTHON      # some minutes; writes benchmarks/results/
    python benchmarks/train.py --small            # seconds; writes nothing

PYTHON is an interpreter with tensorflow, tensorflow-recommenders and tf-keras; without it TFRS is left out.

Each setting of the allocator runs in a process of its own, for all sides alike: the C library's default, and
the one that keeps freed memory, which ``fit`` sets (``nn.keep_freed_memory()``; for TensorFlow the same two
thresholds by environment variables).
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from _train.contestants import CONTESTANTS, PHASES
from _train.data import DIM, HIDDEN, ITEM_TABLES, USER_TABLES, Log, make_log
from _train.measure import peak, speed
from _train.whole_fit import whole_fit

from shortlist.nn import bf16_supported, keep_freed_memory

PEER = Path(__file__).parent / "_train" / "tfrs_peer.py"
DENSE, _, _, OURS = CONTESTANTS
KEPT = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)}
ALLOCATORS = {False: "C library default", True: "freed memory is kept"}
GROWTH = (0.1, 1.0, 10.0)


def child(*arguments: str) -> Any:
    """Run this script again in a process of its own."""
    command = [sys.executable, __file__, *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


@cache
def peer(tfrs: str | None, log: Path, batch: int, threads: int, *, keep: bool) -> dict[str, Any]:
    """TFRS by optimizer; empty without its interpreter."""
    if tfrs is None:
        return {}
    found = {}
    for optimizer in ("adam", "adagrad"):
        command = [tfrs, str(PEER), str(log), "--batch", str(batch), "--optimizer", optimizer]
        command += ["--steps", "6", "--threads", str(threads)]
        here = os.environ | (KEPT if keep else {})
        ran = subprocess.run(command, check=True, capture_output=True, text=True, env=here)
        found[f"TFRS, {optimizer}"] = json.loads(ran.stdout.splitlines()[-1])
    return found


def machine() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.*)", text)
    return model.group(1) if model else platform.processor() or platform.machine()


def head(options: argparse.Namespace) -> list[str]:
    rows = sum(USER_TABLES.values()) + sum(ITEM_TABLES.values())
    flags = [f"--threads={options.threads}", *(["--small"] if options.small else [])]
    flags += ["--tfrs PYTHON"] if options.tfrs else []
    native = "yes" if bf16_supported() else "no"
    size = f"{rows:,}{' / 100' if options.small else ''}"
    shape = f"dim {DIM}, MLP {list(HIDDEN)}, in-batch softmax with logQ"
    return [
        "# Training speed of a two-tower",
        "",
        f"- command: `python benchmarks/train.py {' '.join(flags)}`",
        f"- machine: {machine()}, {options.threads} threads; native bfloat16: {native}",
        f"- torch {torch.__version__}",
        f"- date: {date.today().isoformat()}",
        f"- data: ids Zipf over {size} rows of 17 tables; {shape}",
        "- PyTorch and Shortlist in turn in one process, TFRS in its own right after; medians of steps",
        "- on a shared machine compare the ratios, not the seconds",
        "- allocator: the setting holds for all sides of a table",
        "",
    ]


def speeds(options: argparse.Namespace, log: Path, batch: int, *, keep: bool) -> list[str]:
    arguments = [*flags(options), "--speed", str(batch), str(log), *(["--keep"] if keep else [])]
    result, tfrs = child(*arguments), peer(options.tfrs, log, batch, options.threads, keep=keep)
    rates = result["rows/s"] | {name: found["rows/s"] for name, found in tfrs.items()}
    touched, items = (f"{result[name]:,.0f}" for name in ("touched", "items"))
    against = rates.get("TFRS, adam")
    lines = [
        f"## Batch {batch}, allocator: {ALLOCATORS[keep]}",
        "",
        f"Distinct rows touched per batch: {touched} of {17 * batch:,}, {items} of them items.",
        "",
        f"| | rows/s | x fused Adam | x TFRS Adam | ms a step: {' / '.join(PHASES)} | held-out loss |",
        "|---|---|---|---|---|---|",
    ]
    for name, rate in rates.items():
        parts = " / ".join(f"{value:.1f}" for value in result["phases"].get(name, ())) or "-"
        loss = f"{result['loss'][name]:.3f}" if name in result["loss"] else "-"
        times = "-" if against is None else f"{rate / against:.1f}"
        lines.append(f"| {name} | {rate:,.0f} | {rate / rates[DENSE]:.2f} | {times} | {parts} | {loss} |")
    return [*lines, ""]


def whole(options: argparse.Namespace, log: Path, batches: tuple[int, ...]) -> list[str]:
    lines = [
        "## `sl.fit` as a user calls it",
        "",
        "Loader, sampler and loop included, precision chosen by itself, one epoch:",
        "",
        "| batch | fit, rows/s | the loader alone, rows/s |",
        "|---|---|---|",
    ]
    for batch in batches:
        rates = child(*flags(options), "--fit", str(batch), str(log))
        lines.append(f"| {batch} | {rates['fit']:,.0f} | {rates['loader']:,.0f} |")
    return [*lines, ""]


def growth(options: argparse.Namespace, folder: Path) -> list[str]:
    batch = 256 if options.small else 4096
    columns = (
        *("rows of all tables", "distinct rows a batch", "Shortlist, bfloat16: us a row"),
        *("its optimizer: us a row", "dense fused Adam: us a row"),
    )
    lines = [
        "## Vocabularies ten times smaller and larger",
        "",
        f"Batch {batch}, freed memory is kept. Zipf ids of a larger range repeat less, so touched rows grow.",
        "",
        "| " + " | ".join(columns) + " |",
        "|---|---|---|---|---|",
    ]
    for scale in (0.01, 0.1) if options.small else GROWTH:
        path = folder / f"{scale}.npz"
        make_log(20_000 if options.small else 400_000, scale, seed=0).save(path)
        dense = scale <= 1.0  # ten times the tables would be 9 GB of parameters and moments
        names = [OURS, *([DENSE] if dense else [])]
        result = child(*flags(options), "--speed", str(batch), str(path), "--keep", "--only", *names)
        us = {name: 1e6 / rate for name, rate in result["rows/s"].items()}
        rows = sum(sum(side) for side in Log.load(path).sizes())
        optimizer = 1e3 * result["phases"][OURS][2] / batch
        lines.append(
            f"| {rows:,} | {result['touched']:,.0f} | {us[OURS]:.1f} | {optimizer:.2f} | "
            f"{f'{us[DENSE]:.1f}' if dense else '-'} |"
        )
    return [*lines, ""]


def peaks(options: argparse.Namespace, log: Path, batch: int) -> list[str]:
    lines = [f"## Peak memory of the process, batch {batch}", "", "| | MiB |", "|---|---|"]
    for name in CONTESTANTS:
        found = child(*flags(options), "--peak", str(batch), str(log), "--only", name)
        lines.append(f"| {name} | {found:,.0f} |")
    tfrs = peer(options.tfrs, log, batch, options.threads, keep=False)
    lines += [f"| {name} | {found['MiB']:,.0f} |" for name, found in tfrs.items()]
    for found in list(tfrs.values())[:1]:
        lines += ["", f"TFRS {found['version']}, TensorFlow {found['tensorflow']}."]
    return [*lines, ""]


def flags(options: argparse.Namespace) -> list[str]:
    return [f"--threads={options.threads}", *(["--small"] if options.small else [])]


def report(options: argparse.Namespace) -> Iterator[str]:
    """The page, part by part as it is measured."""
    yield from head(options)
    batches = (256,) if options.small else (4096, 8192)
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log.npz"
        make_log(20_000 if options.small else 1_400_000, 0.01 if options.small else 1.0, seed=0).save(log)
        yield from both_speeds(options, log, batches[0])
        yield from whole(options, log, batches)
        yield from peaks(options, log, batches[0])
        yield from growth(options, Path(folder))
        for batch in batches[1:]:
            yield from both_speeds(options, log, batch)


def both_speeds(options: argparse.Namespace, log: Path, batch: int) -> Iterator[str]:
    """With either allocator."""
    for keep in ALLOCATORS:
        yield from speeds(options, log, batch, keep=keep)


def answer(options: argparse.Namespace) -> Any:
    """What a child process was asked for."""
    torch.set_num_threads(options.threads)
    if options.keep:
        keep_freed_memory()
    batch, path = options.speed or options.peak or options.fit
    log, names = Log.load(Path(path)), options.only or list(CONTESTANTS)
    if options.speed:
        rounds, steps = (2, 2) if options.small else (3, 3)
        return speed(log, names, int(batch), rounds, steps)
    if options.peak:
        return peak(log, names[0], int(batch))
    return whole_fit(log, 5_000 if options.small else 400_000, int(batch))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--small", action="store_true", help="tables a hundredth of the size, few steps, no file"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of all sides")
    parser.add_argument("--tfrs", metavar="PYTHON", help="an interpreter that has TensorFlow Recommenders")
    for question in ("speed", "peak", "fit"):
        parser.add_argument(f"--{question}", nargs=2, metavar=("BATCH", "LOG"), help="as a child: print JSON")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="as a child: these contestants")
    parser.add_argument("--keep", action="store_true", help="as a child: keep freed memory")
    options = parser.parse_args()
    if options.speed or options.peak or options.fit:
        print(json.dumps(answer(options)))
        return
    lines = []
    for line in report(options):
        print(line, flush=True)
        lines.append(line)
    if not options.small:
        name = re.sub(r"[^a-z0-9]+", "-", f"{machine()}, {options.threads} threads".lower()).strip("-")
        path = Path(__file__).parent / "results" / f"train_{name}_{date.today().isoformat()}.md"
        path.write_text("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
