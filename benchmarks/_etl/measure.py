"""A command in a fresh process: its answer, its peak memory, and what else the machine was busy with."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Any

MIB = 1 << 20
# Each look takes a processor from the contestant: at 0.01 the one with more threads at work lost a fifth.
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Run:
    """One run of a contestant.

    Attributes:
        answer: what it printed; empty where it failed.
        peak: MiB of private and shared memory over its process tree, polled; ``ru_maxrss`` off Linux.
        others: share of the machine's processors used by others meanwhile.
        failure: how it ended, where it failed.
    """

    answer: Mapping[str, Any]
    peak: float
    others: float
    failure: str = ""

    @property
    def wall(self) -> float:
        """Seconds of work, from after the imports."""
        return float(self.answer["fit"] + self.answer["transform"])

    @property
    def cpu(self) -> float:
        """Processor seconds of that work, children included."""
        return float(self.answer["cpu"])


def run(command: Sequence[str], *, cwd: Path) -> Run:
    """Run a command that prints JSON in its last line."""
    os.sync()  # pages that an earlier run wrote are not written back on this one's time
    start, busy, used = time.perf_counter(), busy_seconds(), children_seconds()
    with subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, tree_memory(process.pid))
            time.sleep(POLL_SECONDS)
        out, errors = process.communicate()
    wall, own = time.perf_counter() - start, children_seconds() - used
    others = max(busy_seconds() - busy - own, 0.0) / wall / (os.cpu_count() or 1)
    if not peak:
        unit = MIB if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit
    if process.returncode:
        return Run({}, peak, others, ended(process.returncode, errors))
    return Run(json.loads(out.strip().splitlines()[-1]), peak, others)


def ended(code: int, errors: str) -> str:
    """Why a process did not answer, in a line: the signal, or the last it said."""
    return (
        f"ended by {Signals(-code).name}"
        if code < 0
        else f"failed: {errors.strip()[-200:].splitlines()[-1:]}"
    )


def children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def busy_seconds() -> float:
    """Processor seconds that the whole machine has worked; 0 where it does not say."""
    path = Path("/proc/stat")
    if not path.exists():
        return 0.0
    user, nice, system, _, _, irq, softirq, *_ = map(int, path.read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def tree_memory(pid: int) -> float:
    """MiB of anonymous and shared memory of a process and all its descendants; 0 where unknown."""
    try:
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        children = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:  # it has just ended, or this is not Linux
        return 0.0
    own = sum(int(line.split()[1]) for line in status if line.startswith(("RssAnon", "RssShmem")))
    return own / 1024 + sum(tree_memory(int(child)) for text in children for child in text.split())


@contextmanager
def bounded(command: Sequence[str], limit: int) -> Iterator[tuple[list[str], str]]:
    """A command that starts inside a memory bound of ``limit`` bytes, and the name of the bound.

    A control group of our own where we may make one: it counts all memory, page cache included, and kills.
    Otherwise RLIMIT_DATA, which counts private memory that was asked for, used or not, and refuses.
    """
    group = own_group()
    if group is None or not (group / "cgroup.procs").exists():
        yield ["sh", "-c", f'ulimit -d {limit // 1024}; exec "$@"', "sh", *command], "RLIMIT_DATA"
        return
    try:
        for name in ("memory.max", "memory.limit_in_bytes"):
            if (group / name).exists():
                (group / name).write_text(str(limit))
        for name in ("memory.swap.max", "memory.memsw.limit_in_bytes"):
            if (group / name).exists():
                (group / name).write_text("0" if name == "memory.swap.max" else str(limit))
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh", *command], "control group"
    finally:
        group.rmdir()


def own_group() -> Path | None:
    """A new control group with memory accounting below that of this process; None where it cannot be made."""
    path = Path("/proc/self/cgroup")
    for line in path.read_text().splitlines() if path.exists() else ():
        _, controllers, place = line.split(":", 2)
        root = Path("/sys/fs/cgroup") / controllers
        if controllers not in ("memory", ""):
            continue
        group = root / place.lstrip("/") / f"shortlist-etl-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        if any((group / name).exists() for name in ("memory.max", "memory.limit_in_bytes")):
            return group
        group.rmdir()
    return None
