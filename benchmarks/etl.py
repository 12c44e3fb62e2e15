"""How long do fit, transform and writing take, against NVTabular and against only reading and writing?

30 million rows: categorify ten keys (up to 2M values, seen 5 times or more), fill, clip, log and normalise
eight numbers, target-encode two keys in 5 folds, join statistics of a key with 1M values; list, time and
label pass. The floor reads and writes the same rows in Polars.

    python benchmarks/etl.py --nvtabular PYTHON     # an interpreter that has it; writes benchmarks/results/
    python benchmarks/etl.py                        # without the peer
    python benchmarks/etl.py --small                # 3 million rows, a minute, no file
    python benchmarks/etl.py --data FOLDER          # keeps the generated rows for the next time

Each contestant runs in a fresh process, in alternated order. Beside the time: memory, also with twice the
rows and inside a bound; the time of a request; and whether the output is right, row by row.
"""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from _etl.contestants import ENCODED, FOLDS, GROUPED, MIN_COUNT, SMOOTHING, VALUES
from _etl.data import FILES, KEYS, PLAIN, SKEWED, make
from _etl.measure import Run, bounded, run
from _etl.report import FLOOR, OURS, PEER, Findings, machine, page

HERE = Path(__file__).parent
FULL, SMALL = 30_000_000, 3_000_000


@dataclass(frozen=True)
class Engine:
    """How our runs are told to work.

    Attributes:
        cut: most rows in a partition.
        threads: partitions written at once.
        memory: what the engine is told to keep to.
    """

    cut: int
    threads: int
    memory: str

    def __str__(self) -> str:
        return f"partitions of {self.cut:,} rows, {self.threads} written at once, memory={self.memory!r}"


ROOMY, TIGHT = Engine(500_000, 2, "1GB"), Engine(250_000, 1, "150MB")


@dataclass(frozen=True)
class Bench:
    """The files, where outputs go, and the interpreter of the peer."""

    files: list[str]
    scratch: Path
    options: argparse.Namespace

    def out(self, name: str) -> Path:
        """An empty folder for the output of a run."""
        folder = self.scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def child(self, module: str, *arguments: str, limit: int = 0) -> tuple[Run, str]:
        """Run a module of ours in a fresh process, perhaps inside a memory bound; gives the bound's name."""
        command = [sys.executable, "-m", f"_etl.{module}", *arguments]
        if not limit:
            return run(command, cwd=HERE), ""
        with bounded(command, limit) as (inside, kind):
            return run(inside, cwd=HERE), kind

    def shortlist(
        self, files: list[str], name: str = "shortlist", limit: int = 0, engine: Engine = ROOMY
    ) -> tuple[Run, str]:
        task = {"files": files, "out": str(self.out(name)), **asdict(engine)}
        return self.child("contestants", "shortlist", json.dumps(task), limit=limit)

    def floor(self) -> Run:
        task = {"files": self.files, "out": str(self.out("floor"))}
        return self.child("contestants", "floor", json.dumps(task))[0]

    def nvtabular(self) -> Run:
        task = {
            "files": self.files,
            "out": str(self.out("nvtabular")),
            "keys": list(KEYS),
            "skewed": SKEWED,
            "plain": PLAIN,
            "encoded": ENCODED,
            "group": GROUPED,
            "values": VALUES,
            "min_count": MIN_COUNT,
            "folds": FOLDS,
            "smoothing": SMOOTHING,
            "part_size": self.options.nvtabular_part_size,
            "workers": self.options.nvtabular_workers,
        }
        script = str(HERE / "_etl" / "nvtabular_peer.py")
        return run([self.options.nvtabular, script, json.dumps(task)], cwd=self.scratch)

    def requests(self) -> dict[str, Any]:
        task = {"files": self.files, "workflow": str(self.scratch / "shortlist" / "workflow")}
        return answer(self.child("contestants", "requests", json.dumps(task))[0])

    def check(self, *, peer: bool) -> dict[str, Any]:
        task = {
            "files": self.files,
            "ours": str(self.scratch / "shortlist" / "rows"),
            "peer": str(self.scratch / "nvtabular" / "rows") if peer else "",
        }
        return answer(self.child("check", json.dumps(task))[0])


def answer(done: Run) -> dict[str, Any]:
    if done.failure:
        raise SystemExit(done.failure)
    return dict(done.answer)


def bench(options: argparse.Namespace, data: Path, scratch: Path) -> Findings:
    """Generate, run in turn, check."""
    say(f"data: {options.rows:,} rows in {data}")
    files = [str(path.resolve()) for path in make(data, options.rows)]
    work = Bench(files, scratch, options)
    command = f"python benchmarks/etl.py {' '.join(flags(options))}"
    found = Findings(command, options.rows, str(ROOMY))
    for path in files:
        Path(path).read_bytes()  # into the page cache, for the first as for the others
    for turn in range(options.rounds):
        order = [(FLOOR, work.floor), (OURS, lambda: work.shortlist(files)[0])]
        for name, contestant in order if turn % 2 == 0 else reversed(order):
            record(found, name, contestant())
    if options.nvtabular:
        record(found, PEER, work.nvtabular())
    if not found.of(OURS):
        raise SystemExit("Shortlist failed: " + found.runs[-1][1].failure)
    found.requests = work.requests()
    if not options.no_check:
        found.checked = work.check(peer=bool(found.of(PEER)))
    for name in ("floor", "nvtabular", "shortlist"):
        shutil.rmtree(scratch / name, ignore_errors=True)
    return memory(work, found, data)


def memory(work: Bench, found: Findings, data: Path) -> Findings:
    """Once inside the bound, once with twice the rows."""
    if work.options.memory_limit:
        limit = int(work.options.memory_limit * (1 << 30))
        inside, kind = work.shortlist(work.files, "inside", limit, TIGHT)
        bound = f"{work.options.memory_limit:g} GiB ({kind}; {TIGHT})"
        found.bound = (bound, record(None, f"inside {bound}", inside))
        shutil.rmtree(work.scratch / "inside")
    if work.options.double:
        files = [str(path.resolve()) for path in make(data, work.options.rows, 2 * FILES)]
        found.doubled = record(None, "twice the rows", work.shortlist(files, "doubled")[0])
        shutil.rmtree(work.scratch / "doubled")
    return found


def record(found: Findings | None, name: str, done: Run) -> Run:
    say(f"{name}: {done.failure or f'{done.wall:.1f} s, {done.cpu:.1f} CPU s'}; {done.peak:,.0f} MiB")
    if found is not None:
        found.runs.append((name, done))
    return done


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def flags(options: argparse.Namespace) -> Iterable[str]:
    """The options that change what is measured, without the paths of this machine."""
    if options.nvtabular:
        yield "--nvtabular PYTHON"
    if options.nvtabular_workers:
        yield f"--nvtabular-workers {options.nvtabular_workers}"
    if options.nvtabular_part_size:
        yield f"--nvtabular-part-size {options.nvtabular_part_size}"
    yield f"--rows {options.rows} --rounds {options.rounds}"
    yield f"--memory-limit {options.memory_limit:g}"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="3 million rows, one round, no file")
    parser.add_argument("--rows", type=int, default=None, help="rows, 30 million by default")
    parser.add_argument(
        "--rounds", type=int, default=None, help="runs of ours and of the floor, 3 by default"
    )
    parser.add_argument(
        "--data", type=Path, help="folder that keeps the generated rows; temporary by default"
    )
    parser.add_argument("--nvtabular", metavar="PYTHON", help="an interpreter that has nvtabular 23.8")
    parser.add_argument(
        "--nvtabular-workers", type=int, default=0, help="processes of its Dask cluster; 0: none"
    )
    parser.add_argument(
        "--nvtabular-part-size", help="its size of a partition, such as 256MB; its own by default"
    )
    parser.add_argument(
        "--memory-limit",
        type=float,
        metavar="GIB",
        help="also run inside this bound, 0.8 by default; 0: do not",
    )
    parser.add_argument("--no-double", dest="double", action="store_false", help="leave out twice the rows")
    parser.add_argument("--no-check", action="store_true", help="leave out the check of the output")
    options = parser.parse_args()
    options.rows = options.rows or (SMALL if options.small else FULL)
    if options.memory_limit is None:
        options.memory_limit = 0.0 if options.small else 0.8
    options.rounds = options.rounds or (1 if options.small else 3)
    return options


def main() -> None:
    options = parse()
    with TemporaryDirectory(prefix="shortlist-etl-") as scratch:
        data = options.data or Path(scratch) / "data"
        found = bench(options, data, Path(scratch))
    text = page(found)
    print(text)
    if found.wrong:
        raise SystemExit(f"{found.wrong:,} values are not what the definition says")
    if options.rows == FULL:
        name = re.sub(r"[^a-z0-9]+", "-", machine().lower()).strip("-")
        (HERE / "results" / f"etl_{name}_{date.today().isoformat()}.md").write_text(text)


if __name__ == "__main__":
    main()
