"""The training loop."""

import time
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.errors import CheckpointError
from shortlist.rng import derive
from shortlist.train._checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from shortlist.train._course import Measured, better, warn_of_course, warn_of_metric
from shortlist.train._inspection import warn_of_tables
from shortlist.train._loss_meter import LossMeter
from shortlist.train._objectives import Task, Tempered
from shortlist.train._optimizers import Optimizers
from shortlist.train._options import FitOptions
from shortlist.train._parts import Parts
from shortlist.train._pieces import Gradients, Together
from shortlist.train._progress import Progress
from shortlist.train._ranks import Ranks
from shortlist.train._report import Epoch, FitReport, write_log
from shortlist.train._trackers import Trackers

__all__ = ["Run"]


class Run:
    """One run of training: where it stands, and how it goes on.

    Args:
        model: the model to train, in place.
        task: the objective bound to model and data.
        options: how to train.
        ranks: the processes that train it together.
    """

    def __init__(self, model: nn.Module, task: Task, options: FitOptions, ranks: Ranks) -> None:
        self._model, self._task, self._options, self._ranks = model, task, options, ranks
        self._device = next(model.parameters()).device
        chosen = options.optimization
        self._parts = Parts(model, task.module)
        ranks.same(self._parts.everything())
        task.loader.shard(ranks.rank, ranks.world)
        if isinstance(task, Together):
            task.bind(ranks, chosen.accumulate)
        self._gradients = Gradients(task, ranks, chosen.accumulate, options.precision, self._device)
        self._optimizers = Optimizers(self._parts, options, options.epochs * len(task.loader), ranks)
        self._step, self._loss = 0, LossMeter(self._device)
        self._epochs: list[Epoch] = []
        self._best: dict[str, Tensor] = {}
        self._stopped_by: str | None = None

    def resume(self) -> None:
        """Go on from the checkpoint, if one is asked for and there."""
        place = self._options.checkpoint
        found = (
            read_checkpoint(Path(place.folder), self._parts.everything()) if place and place.resume else None
        )
        if found is None:
            if self._options.start is not None:
                self._optimizers.load_tensors(self._options.start.optimizer)
            return
        if found.state["schema"] != self._fingerprint():
            raise CheckpointError(
                f"{place and place.folder}",
                received="a checkpoint of a model with another schema",
                expected="the schema of this model",
                remedy="build the model from the schema of the first run, or start in another folder",
            )
        if (self._optimizers.average is None) != (len(found.average) == 0):
            raise CheckpointError(
                f"{place and place.folder}",
                received="a checkpoint with" + ("out" if len(found.average) == 0 else "") + " an average",
                expected="the same Optimization.ema as in the first run",
                remedy="give the options of the first run, or start in another folder",
            )
        self._restore(found)

    def _restore(self, found: Checkpoint) -> None:
        self._parts.load(found.weights)
        self._optimizers.load_tensors(found.optimizer)
        self._optimizers.schedule.load_state_dict(found.state["schedule"])
        if self._optimizers.average is not None:
            self._optimizers.average.load_tensors(found.average)
        self._task.loader.load_state_dict(found.state["loader"])
        self._task.load_state_dict(found.state["task"])
        self._epochs = [Epoch(**row) for row in found.state["epochs"]]
        self._step = found.state["step"]
        self._loss.load(found.state["loss"], found.state["rows"])
        self._stopped_by = found.state["stopped_by"]
        self._best = found.best

    def finish(self) -> FitReport:
        """Train until the last epoch or until something stops it; the best weights are in the model then."""
        loader, first = self._task.loader, self._ranks.first
        shown = self._options.progress if first else False
        bar = Progress(shown, epochs=self._options.epochs, rows=loader.rows)
        with Trackers(self._options.trackers if first else (), self._settings()) as trackers:
            try:
                while self._stopped_by is None and loader.epoch < self._options.epochs:
                    self._one_epoch(bar)
                    trackers.epoch(self._epochs[-1], self._task.metric)
            finally:
                bar.close()
        if len(self._best) > 0:
            self._parts.load(self._best)
        elif self._optimizers.average is not None:
            self._parts.load(self._parts.weights() | self._optimizers.average.weights())
        self._task.finish()
        self._warn()
        reason = self._stopped_by or f"all {self._options.epochs} epochs done"
        best = self._best_epoch()
        return FitReport(tuple(self._epochs), self._task.metric, self._task.protocol, best, reason)

    def _warn(self) -> None:
        if not self._ranks.first:
            return
        best, metric = self._best_epoch(), self._task.metric
        warn_of_course(self._epochs, best)
        warn_of_tables(self._model)
        baseline = self._task.baseline() if isinstance(self._task, Measured) else None
        if metric is not None and baseline is not None:
            warn_of_metric(self._epochs, metric, baseline, best)

    def _one_epoch(self, bar: Progress) -> None:
        self._model.train()
        started, loader = time.perf_counter(), self._task.loader
        for batch in loader:
            self._one_step(batch, loader.epoch + 1)
            if bar.due():
                bar.draw(loader.epoch + 1, self._loss.rows, self._total(loader.epoch + 1) / self._loss.rows)
            place = self._options.checkpoint
            if place is not None and place.every > 0 and self._step % place.every == 0:
                self._write()
        total = self._total(loader.epoch)
        self._end_epoch(total, time.perf_counter() - started)
        metric = self._epochs[-1].metric
        bar.metric = "" if metric is None else f"  {self._task.metric} {metric:.4f}"

    def _one_step(self, batch: Batch, epoch: int) -> None:
        self._seed_dropout()
        loss = self._gradients(batch)
        rows = len(batch)
        if self._ranks.several:
            rows = int(self._ranks.total(torch.tensor([rows], device=self._device)))
        self._step += 1
        self._loss.add(loss, rows, epoch=epoch, step=self._step)
        self._optimizers.step(self._step - 1)

    def _seed_dropout(self) -> None:
        rank = () if self._ranks.first else (self._ranks.rank,)
        seed = derive(self._options.seed, "step", self._step, *rank)
        torch.default_generator.manual_seed(seed)
        if self._device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _total(self, epoch: int) -> float:
        return self._loss.total(epoch=epoch, step=self._step)

    def _end_epoch(self, total: float, seconds: float) -> None:
        rows, number = self._loss.rows, len(self._epochs) + 1
        average = self._optimizers.average
        with nullcontext() if average is None else average.applied():
            metric = self._ranks.agreed(self._task.validate())
            lr = self._optimizers.lr
            loss = total / max(rows, 1)
            heat = self._task.temperature if isinstance(self._task, Tempered) else None
            self._epochs.append(Epoch(number, self._step, loss, metric, lr, rows, seconds, heat))
            self._loss.load(0.0, 0)
            if metric is not None and self._best_epoch() == number:
                self._best = {name: value.clone() for name, value in self._parts.weights().items()}
        self._optimizers.schedule.end_epoch(better=self._best_epoch() == number)
        self._stopped_by = self._reason_to_stop()
        self._ask_callbacks(number)
        self._write()
        self._write_log()

    def _ask_callbacks(self, number: int) -> None:
        chosen = self._options.callbacks if self._ranks.first else ()
        asked = [callback(self._epochs[-1]) is True for callback in chosen]
        if self._ranks.agreed(any(asked)) and self._stopped_by is None:
            self._stopped_by = f"a callback asked to stop after epoch {number}"

    def _best_epoch(self) -> int:
        return better(self._epochs, self._task.metric)

    def _reason_to_stop(self) -> str | None:
        patience, number = self._options.patience, len(self._epochs)
        if patience is None or self._task.metric is None or number - self._best_epoch() < patience:
            return None
        return f"stopped after epoch {number}: {self._task.metric} has not improved for {patience} epochs"

    def _write(self) -> None:
        place = self._options.checkpoint
        if place is None:
            return
        if self._ranks.first:
            write_checkpoint(Path(place.folder), self._checkpoint())
        self._ranks.wait()

    def _checkpoint(self) -> Checkpoint:
        average = self._optimizers.average
        state: dict[str, Any] = {
            "schema": self._fingerprint(),
            "loader": self._task.loader.state_dict(),
            "task": self._task.state_dict(),
            "schedule": self._optimizers.schedule.state_dict(),
            "epochs": [asdict(row) for row in self._epochs],
            "step": self._step,
            "rows": self._loss.rows,
            "loss": self._total(self._task.loader.epoch + 1),
            "stopped_by": self._stopped_by,
        }
        mean = {} if average is None else average.tensors()
        return Checkpoint(self._parts.everything(), self._best, mean, self._optimizers.tensors(), state)

    def _write_log(self) -> None:
        place, log = self._options.checkpoint, self._options.log
        path = Path(log) if log is not None else None if place is None else Path(place.folder) / "log.csv"
        if path is not None and self._ranks.first:
            write_log(path, self._epochs)

    def _settings(self) -> dict[str, Any]:
        left_out = ("start", "trackers", "callbacks", "progress", "log", "checkpoint", "optimization")
        names = [name for name in FitOptions.__slots__ if name not in left_out]
        own = {name: getattr(self._options, name) for name in names}
        return {**own, **asdict(self._options.optimization), "model": type(self._model).__name__}

    def _fingerprint(self) -> str:
        return str(self._model.schema.fingerprint())  # type: ignore[operator,union-attr]
