"""What was found of indexes."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

from shortlist.index._facts import Facts
from shortlist.index._search import VectorIndex
from shortlist.io import atomic_write
from shortlist.report import Axis, Section, Series, Table, html_page, scatter_plot, tiles

__all__ = ["CurvePoint", "IndexTrial", "IndexTuning"]

_MB = 1e6


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One index with other effort than was chosen.

    Attributes:
        setting: what was set, such as ``"effort 40"``.
        recall: share of the k best items found, of the held-out queries.
        ms: median milliseconds of one query.
    """

    setting: str
    recall: float
    ms: float


@dataclass(frozen=True, slots=True)
class IndexTrial:
    """One kind, tuned and measured.

    Attributes:
        name: the kind, and what it was told.
        facts: its parameters, as an index keeps them.
        recall: share of the k best items found, of the held-out queries.
        recall_10: the same of the 10 best, by a search for 10.
        ms: median milliseconds of one query by itself, on one thread.
        p99_ms: the 99th percentile of them.
        searched_bytes: bytes that a search reads of: codes, links, lists.
        beside_bytes: bytes of float32 vectors kept beside the codes.
        seconds: of the build, on one thread.
        curve: other settings, by effort.
    """

    name: str
    facts: Facts
    recall: float
    recall_10: float
    ms: float
    p99_ms: float
    searched_bytes: int
    beside_bytes: int
    seconds: float
    curve: tuple[CurvePoint, ...]

    @property
    def kind(self) -> str:
        """See `build`."""
        return self.facts.kind

    @property
    def total_bytes(self) -> int:
        """Bytes of codes and vectors together."""
        return self.searched_bytes + self.beside_bytes

    @property
    def setting(self) -> str:
        """The parameters that were found."""
        facts = self.facts
        parts = [f"{facts.effort} of {facts.lists} lists"] if facts.lists else []
        parts += [f"effort {facts.effort}"] if facts.effort and not facts.lists else []
        parts += [f"refine {facts.refine}"] if facts.refine else []
        return ", ".join(parts)


@dataclass(frozen=True)
class IndexTuning:
    """Recall, latency, memory and build time of every kind; printed as a table.

    Attributes:
        trials: in the order of trial.
        chosen: the cheapest that reaches the target within the bounds.
        index: the chosen index, ready to be searched and saved.
        target: recall that was asked for.
        k: length of the lists.
        held_out: number of queries that recall is shown of.
        skipped: kinds that were not built, with the seconds that they would take.
    """

    trials: tuple[IndexTrial, ...]
    chosen: IndexTrial
    index: VectorIndex
    target: float
    k: int
    held_out: int
    skipped: dict[str, float]

    @property
    def protocol(self) -> str:
        """How it was measured."""
        facts = self.chosen.facts
        return (
            f"{facts.count:,} items of width {facts.dim}; recall@{self.k} of {self.held_out:,} held-out "
            f"queries against exact search, tuned to {self.target:g} on other queries; one query at a time, "
            "one thread"
        )

    def table(self) -> Table:
        """All trials; ``*`` marks the chosen one."""
        lines = [
            (
                *(trial.name, trial.setting, trial.recall_10, trial.recall, f"{trial.ms:.3f}"),
                f"{trial.p99_ms:.3f}",
                *(f"{trial.searched_bytes / _MB:.1f}", f"{trial.beside_bytes / _MB:.1f}"),
                *(f"{trial.seconds:.2f}", "*" if trial is self.chosen else ""),
            )
            for trial in self.trials
        ]
        heads = (
            "kind",
            "found",
            "recall@10",
            f"recall@{self.k}",
            "ms",
            "p99 ms",
            "MB",
            "MB beside",
            "build s",
            "",
        )
        note = "; ".join(f"{kind} left out: about {seconds:.0f} s" for kind, seconds in self.skipped.items())
        return Table(heads, lines, title=self.protocol, note=note)

    def plot(self, *, width: int = 720, height: int = 400) -> str:
        """The recall-latency curve of every kind, as an SVG; the chosen one is named."""
        series = []
        for trial in self.trials:
            own = [(trial.setting, trial.recall, trial.ms)]
            own += [(point.setting, point.recall, point.ms) for point in trial.curve]
            own.sort(key=lambda point: point[1])
            points = [(ms, recall) for _, recall, ms in own]
            tips = [f"{trial.name}, {setting}: {recall:.4f} in {ms:.3f} ms" for setting, recall, ms in own]
            place = [setting for setting, _, _ in own].index(trial.setting)
            named = trial.name if trial is self.chosen else ""
            labels = [named if number == place else "" for number in range(len(own))]
            series.append(Series(trial.name, points, tips, line="straight", labels=labels))
        across = Axis("milliseconds a query, one thread", log=True)
        return scatter_plot(series, across, Axis(f"recall@{self.k}"), width=width, height=height)

    def to_html(self, path: str | Path) -> Path:
        """Write a page that stands alone: the curve and the table.

        Returns:
            The file.
        """
        place, best = Path(path), self.chosen
        figures = [
            (best.name, "the cheapest"),
            (f"{best.recall:.3f}", f"recall@{self.k}"),
            (f"{best.ms:.3f} ms", "a query"),
            (f"{best.total_bytes / _MB:,.1f} MB", "codes and vectors"),
            (f"{best.seconds:,.1f} s", "to build"),
        ]
        sections = [
            Section("", ["<h1>Indexes</h1>", tiles(figures)]),
            Section("Recall by latency", [self.plot(), f'<p class="soft">{escape(self.protocol)}</p>']),
            Section("All kinds", [self.table().html()]),
        ]
        atomic_write(place, html_page("Indexes", sections).encode())
        return place

    def __str__(self) -> str:
        return str(self.table())
