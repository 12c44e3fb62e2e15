"""What was measured, as a page of tables."""

import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from _etl.check import JOINED
from _etl.data import KEYS, PLAIN, SKEWED
from _etl.measure import Run

FLOOR, OURS, PEER = "floor: Polars scan to sink", "Shortlist", "NVTabular"
PEER_RULES = (
    "NVTabular orders values of equal count at will: against it, a row differs where its code stands for",
    "another count. It counts no rows for the null key, from which its target encodings of null keys follow,",
    "and its means divide by all rows of the key, also those whose value is null.",
)


@dataclass
class Findings:
    """Everything one benchmark found; what was not asked for stays empty."""

    command: str
    rows: int
    engine: str
    runs: list[tuple[str, Run]] = field(default_factory=list)
    doubled: Run | None = None
    bound: tuple[str, Run] | None = None
    requests: Mapping[str, Any] = field(default_factory=dict)
    checked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def wrong(self) -> int:
        """Values of ours that are not what the definition says."""
        encoded = sum(found["wrong"] for found in self.checked.get("encoded", {}).values())
        return int(encoded + sum(self.checked.get("definition", {}).values()))

    def of(self, name: str) -> list[Run]:
        return [run for found, run in self.runs if found == name and not run.failure]


def machine() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.*)", text)
    name = model.group(1) if model else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def page(found: Findings) -> str:
    lines = [
        "# ETL: fit, transform and write",
        "",
        f"- command: `{found.command}`",
        f"- machine: {machine()}; polars {version('polars')}, numpy {version('numpy')}",
        f"- date: {date.today().isoformat()}; load {os.getloadavg()[0]:.1f}",
        f"- data: {found.rows:,} rows in 15 files; 10 keys, 8 numbers with nulls, a list, a time, a label",
        f"- Shortlist: {found.engine}",
        "- each run in a fresh process, in turn; input in the page cache; seconds from after the imports",
        "- memory: private and shared, of the process tree; on a shared machine compare processor time",
        "",
        *runs(found),
        *ratios(found),
        *memory(found),
        *latency(found),
        *equality(found),
    ]
    return "\n".join(lines) + "\n"


def runs(found: Findings) -> list[str]:
    lines = [
        "| run | fit s | transform and write s | wall s | CPU s | peak MiB | processors used by others |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, run in found.runs:
        if run.failure:
            lines.append(f"| {name} | {run.failure} | | | | {run.peak:,.0f} | {run.others:.2f} |")
            continue
        fit, transform = run.answer["fit"], run.answer["transform"]
        lines.append(
            f"| {name} | {fit:.1f} | {transform:.1f} | {run.wall:.1f} | {run.cpu:.1f} "
            f"| {run.peak:,.0f} | {run.others:.2f} |"
        )
    return [*lines, ""]


def ratios(found: Findings) -> list[str]:
    lines = ["| ratio of medians | wall | CPU |", "|---|---|---|"]
    for above, below in ((OURS, FLOOR), (PEER, OURS), (PEER, FLOOR)):
        if found.of(above) and found.of(below):
            wall, cpu = (
                median(getattr(run, what) for run in found.of(above))
                / median(getattr(run, what) for run in found.of(below))
                for what in ("wall", "cpu")
            )
            lines.append(f"| {above} / {below} | {wall:.2f} | {cpu:.2f} |")
    return [*lines, ""]


def memory(found: Findings) -> list[str]:
    lines = []
    if found.doubled is not None:
        once = median(run.peak for run in found.of(OURS))
        twice = found.doubled.peak
        lines.append(
            f"- twice the rows: {outcome(found.doubled)}; peak {twice:,.0f} MiB, {twice / once - 1:+.0%}"
        )
    if found.bound is not None:
        bound, run = found.bound
        lines.append(f"- inside {bound}: {outcome(run)}; peak {run.peak:,.0f} MiB")
    return ["## Memory", "", *lines, ""] if lines else []


def outcome(run: Run) -> str:
    return run.failure or f"{run.wall:.1f} s, {run.cpu:.1f} CPU s"


def latency(found: Findings) -> list[str]:
    if not found.requests:
        return []
    lines = [
        "## Requests",
        "",
        "`transform_batch` of the saved and loaded workflow, whole, on raw arrays; calls on other rows each.",
        f"{found.requests['values']:,} values are held; `warm_up` took {found.requests['warm_up']:.1f} s.",
        "",
        "| rows a call | median us | p99 us |",
        "|---|---|---|",
    ]
    for rows in ("1", "200"):
        middle, worst = found.requests[rows]
        lines.append(f"| {rows} | {middle:,.1f} | {worst:,.1f} |")
    return [*lines, ""]


def equality(found: Findings) -> list[str]:
    if not found.checked:
        return []
    sides = ["definition", "peer"] if found.checked["peer"] else ["definition"]
    titles = {"definition": "plain Polars joins", "peer": "NVTabular"}
    lines = [
        "## Equal output",
        "",
        f"Rows of {found.rows:,} that differ; numbers by more than 1e-4.",
        *(PEER_RULES if "peer" in sides else ()),
        "",
        f"| column | {' | '.join(titles[side] for side in sides)} |",
        f"|---|{'---|' * len(sides)}",
    ]
    for title, names in groups(found.checked["definition"]):
        counts = [f"{sum(found.checked[side][name] for name in names):,}" for side in sides]
        lines.append(f"| {title} | {' | '.join(counts)} |")
    return [*lines, "", *code_sums(found.checked), *encoded(found.checked)]


def groups(known: Mapping[str, int]) -> list[tuple[str, Sequence[str]]]:
    """Rows of the table: the columns of one kind together, those of the join one by one."""
    return [
        ("codes of 10 columns, all rows of all", list(KEYS)),
        ("8 numbers", [*SKEWED, *PLAIN]),
        *((name, [name]) for name in JOINED),
        *((name, [name]) for name in known if name.endswith("null key")),
        ("list, time, label", ["recent", "ts", "label"]),
    ]


def code_sums(checked: Mapping[str, Any]) -> list[str]:
    if not checked["peer"]:
        return []
    lines = [
        "| column | sum of codes | NVTabular's | rows whose code differs within values of equal count |",
        "|---|---|---|---|",
    ]
    for name, order in checked["peer order"].items():
        ours, theirs = checked["sums"][name], checked["peer sums"][name]
        lines.append(f"| {name} | {ours:,.0f} | {theirs:,.0f} | {order:,.0f} |")
    return [*lines, ""]


def encoded(checked: Mapping[str, Any]) -> list[str]:
    lines = [
        "Target encodings: rows whose value is not the smoothed mean over the key's other folds.",
        "",
        "| column | by | rows wrong | of these, null key | mean value of null keys | their mean label |",
        "|---|---|---|---|---|---|",
    ]
    for by, found in ((OURS, checked["encoded"]), (PEER, checked["peer encoded"])):
        for name, value in found.items():
            lines.append(
                f"| {name} | {by} | {value['wrong']:,} | {value['wrong, null key']:,} "
                f"| {value['null value']:.4f} | {value['null mean']:.4f} |"
            )
    return [*lines, ""]
