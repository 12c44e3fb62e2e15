"""What a training run did."""

import csv
import io
from dataclasses import dataclass, fields
from pathlib import Path

from shortlist.io import atomic_write

__all__ = ["Epoch", "FitReport", "write_log"]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of training."""

    epoch: int
    """Counted from 1."""
    step: int
    """Steps since the start of the run."""
    loss: float
    """Mean training loss over the epoch's rows."""
    metric: float | None
    """Validation metric after the epoch; None without validation data."""
    lr: float
    """Step size of the tables in the last step."""
    rows: int
    """Training rows seen."""
    seconds: float
    """Wall time of training in this epoch, without validation; counted anew after a resume."""
    temperature: float | None = None
    """What the objective divided the scores by in the last step; None for objectives without one."""


@dataclass(frozen=True, slots=True)
class FitReport:
    """The course of training; printed as a small table.

    Attributes:
        epochs: one entry for each epoch.
        metric: name of the validation metric, None without validation data.
        protocol: how the metric was taken.
        best: number of the epoch whose weights the model has now.
        stopped: why training ended.
    """

    epochs: tuple[Epoch, ...]
    metric: str | None
    protocol: str | None
    best: int
    stopped: str

    @property
    def best_metric(self) -> float | None:
        """The metric of the best epoch."""
        return next((row.metric for row in self.epochs if row.epoch == self.best), None)

    @property
    def rows_per_second(self) -> float:
        """Training rows by wall time, validation left out."""
        seconds = sum(row.seconds for row in self.epochs)
        return sum(row.rows for row in self.epochs) / seconds if seconds > 0 else 0.0

    def __str__(self) -> str:
        name = self.metric or "metric"
        lines = [f"epoch  {'loss':>8}  {name:>9}  {'rows/s':>9}"]
        for row in self.epochs:
            metric = "-" if row.metric is None else f"{row.metric:.4f}"
            speed = row.rows / row.seconds if row.seconds > 0 else 0.0
            mark = " best" if row.epoch == self.best and self.metric is not None else ""
            lines.append(f"{row.epoch:>5}  {row.loss:>8.4f}  {metric:>9}  {speed:>9,.0f}{mark}")
        ending = [self.stopped] if self.protocol is None else [self.stopped, f"{name}: {self.protocol}"]
        return "\n".join([*lines, *ending])


def write_log(path: Path, epochs: list[Epoch]) -> None:
    """Write the epochs as CSV, whole or not at all."""
    text = io.StringIO()
    names = [field.name for field in fields(Epoch)]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in epochs:
        values = [getattr(row, name) for name in names]
        writer.writerow(["" if value is None else value for value in values])
    atomic_write(path, text.getvalue().encode())
