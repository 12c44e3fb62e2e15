"""The table of a comparison: means over runs, and marks of what differs from the first."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist import metrics as m
from shortlist.errors import ArgumentError, near
from shortlist.evaluation._evaluation import Evaluation
from shortlist.evaluation._report import html_table
from shortlist.io import atomic_write
from shortlist.report import Cell, Section, Table, html_page, interval_plot, preformatted

__all__ = ["Comparison", "Tuned"]

Values = npt.NDArray[np.float64]

_RESAMPLES = 4000


@dataclass(frozen=True)
class Tuned:
    """How a baseline came to its settings.

    Attributes:
        settings: those it was measured with.
        trials: every setting that was tried, with the metric on the validation part; empty where there was
            nothing to choose.
        metric: the metric that chose.
    """

    settings: Mapping[str, Any]
    trials: tuple[tuple[Mapping[str, Any], float], ...]
    metric: str

    def __str__(self) -> str:
        words = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        if not self.trials:
            return f"{words} (not tuned)"
        best = max(score for _, score in self.trials)
        return f"{words} (best of {len(self.trials)}, validation {self.metric} {best:.4f})"


@dataclass(frozen=True)
class Comparison:
    """Recommenders beside tuned baselines; ``print(comparison)`` shows the table, `report` draws it.

    Attributes:
        evaluation: every run and every baseline over the same queries.
        members: name -> its runs in the evaluation.
        tuned: baseline -> its settings and how they were found.
        trials: settings that each baseline could try.
    """

    evaluation: Evaluation
    members: Mapping[str, tuple[str, ...]]
    tuned: Mapping[str, Tuned]
    trials: int

    def of(self, name: str, metric: str) -> float:
        """Mean of a metric over queries and runs.

        Raises:
            ArgumentError: the name or the metric was not evaluated.
        """
        return m.mean(self._values(name, metric)).value

    def deviation(self, name: str, metric: str) -> float:
        """Standard deviation of the metric between runs; NaN for one run.

        Raises:
            ArgumentError: as `of`.
        """
        each = [self.evaluation.of(run, metric) for run in self._runs(name)]
        return float(np.std(each, ddof=1)) if len(each) > 1 else float("nan")

    def p_values(self, metric: str) -> dict[str, float]:
        """Name -> p of being no different from the first, by paired bootstrap over queries.

        The values of a query are means over runs. The p values are adjusted for their number (Holm, 1979).

        Raises:
            ArgumentError: the metric was not evaluated.
        """
        first, *others = self.members
        reference, seed = self._values(first, metric), self.evaluation.seed
        raw = [
            m.paired_bootstrap(self._values(name, metric), reference, seed, resamples=_RESAMPLES).p
            for name in others
        ]
        return dict(zip(others, _holm(raw), strict=True))

    def table(self) -> Table:
        """One row a name: every metric with its deviation between runs and its mark."""
        marks = {metric: self.p_values(metric) for metric in self.evaluation.metrics}
        rows: list[tuple[Cell, ...]] = []
        for name in self.members:
            cells = [self._cell(name, metric, marks[metric].get(name)) for metric in marks]
            rows.append((name, *cells, self._coverage(name)))
        first = next(iter(self.members))
        note = (
            f"* p < .05, ** p < .01 against {first}: paired bootstrap over queries, adjusted for the number "
            f"of rows (Holm). Baselines: {self.trials} settings each, chosen on the validation part:\n"
        )
        note += "\n".join(f"  {name}: {tuned}" for name, tuned in self.tuned.items())
        columns = ("recommender", *self.evaluation.metrics, "coverage")
        return Table(columns, rows, title=str(self.evaluation.protocol), note=note)

    def plot(self, metric: str | None = None) -> str:
        """The means of a metric (the first by default) with 95 % bootstrap intervals, as an SVG picture."""
        name = metric or self.evaluation.metrics[0]
        rows = []
        for member in self.members:
            interval = m.mean_interval(self._values(member, name), self.evaluation.seed)
            rows.append((member, interval.mean, interval.low, interval.high))
        return interval_plot(rows, across=name, width=760)

    def report(self, path: str | Path, *, title: str = "Comparison") -> Path:
        """Write table, plots and the settings that were tried as one HTML file that stands alone."""
        table = self.table()
        sections = [
            Section(
                "", [f"<h1>{escape(title)}</h1>", preformatted(str(self.evaluation.protocol), wrapped=True)]
            ),
            Section("Quality", [html_table(table), preformatted(table.note, wrapped=True), self.plot()]),
            Section("Settings tried", [html_table(self._tried())]),
        ]
        target = Path(path)
        atomic_write(target, html_page(title, sections).encode())
        return target

    def __str__(self) -> str:
        return str(self.table())

    def _tried(self) -> Table:
        rows: list[tuple[Cell, ...]] = [
            (name, ", ".join(f"{key}={value!r}" for key, value in settings.items()), score)
            for name, tuned in self.tuned.items()
            for settings, score in sorted(tuned.trials, key=lambda trial: -trial[1])
        ]
        return Table(("baseline", "settings", f"validation {self.evaluation.metrics[0]}"), rows)

    def _cell(self, name: str, metric: str, p: float | None) -> str:
        mark = "" if p is None or not p < 0.05 else " **" if p < 0.01 else " *"
        runs = self._runs(name)
        spread = f" +-{self.deviation(name, metric):.4f}".replace("0.", ".") if len(runs) > 1 else ""
        return f"{self.of(name, metric):.4f}".replace("0.", ".", 1) + spread + mark

    def _coverage(self, name: str) -> float:
        return float(np.mean([self.evaluation.coverage[run] for run in self._runs(name)]))

    def _runs(self, name: str) -> tuple[str, ...]:
        if name not in self.members:
            raise ArgumentError(
                "Comparison",
                received=name,
                expected="one that was compared",
                remedy=near(name, self.members),
            )
        return self.members[name]

    def _values(self, name: str, metric: str) -> Values:
        if metric not in self.evaluation.metrics:
            raise ArgumentError(
                "Comparison",
                received=metric,
                expected="a metric that was asked for",
                remedy=near(metric, self.evaluation.metrics),
            )
        each = [self.evaluation.values[run][metric] for run in self._runs(name)]
        return np.asarray(np.mean(each, axis=0), dtype=np.float64)


def _holm(raw: list[float]) -> list[float]:
    """P values adjusted for their number: the i-th smallest times what is left, never falling.

    >>> [round(p, 4) for p in _holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(raw)), key=lambda place: raw[place])
    adjusted, highest = [0.0] * len(raw), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, raw[place] * (len(raw) - rank)))
        adjusted[place] = highest
    return adjusted
