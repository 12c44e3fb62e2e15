"""The training loop."""

import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.errors import ArgumentError, CheckpointError
from shortlist.nn import mixed_precision
from shortlist.rng import derive
from shortlist.train._checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from shortlist.train._objectives import Task
from shortlist.train._optimizers import Optimizers
from shortlist.train._options import FitOptions
from shortlist.train._progress import Progress
from shortlist.train._report import Epoch, FitReport, write_log

__all__ = ["Run"]

_OBJECTIVE = "objective/"


class Run:
    """One run of training: where it stands, and how it goes on.

    Args:
        model: the model to train, in place.
        task: the objective bound to model and data.
        options: how to train.
    """

    def __init__(self, model: nn.Module, task: Task, options: FitOptions) -> None:
        self._model, self._task, self._options = model, task, options
        trained = model if task.module is None else nn.ModuleList([model, task.module])
        self._optimizers = Optimizers(trained, options, options.epochs * len(task.loader))
        self._device = next(model.parameters()).device.type
        self._step, self._rows, self._loss = 0, 0, 0.0
        self._epochs: list[Epoch] = []
        self._best: dict[str, Tensor] = {}
        self._stopped_by: str | None = None

    def resume(self) -> None:
        """Go on from the checkpoint, if one is asked for and there."""
        place = self._options.checkpoint
        found = read_checkpoint(Path(place.folder), self._everything()) if place and place.resume else None
        if found is None:
            return
        if found.state["schema"] != self._fingerprint():
            raise CheckpointError(
                f"{place and place.folder}",
                received="a checkpoint of a model with another schema",
                expected="the schema of this model",
                remedy="build the model from the schema of the first run, or start in another folder",
            )
        self._load_everything(found.weights)
        self._optimizers.load_tensors(found.optimizer)
        self._task.loader.load_state_dict(found.state["loader"])
        self._task.load_state_dict(found.state["task"])
        self._epochs = [Epoch(**row) for row in found.state["epochs"]]
        self._step, self._rows, self._loss = (found.state[name] for name in ("step", "rows", "loss"))
        self._stopped_by = found.state["stopped_by"]
        self._best = found.best

    def finish(self) -> FitReport:
        """Train until the last epoch or until something stops it; the best weights are in the model then."""
        loader = self._task.loader
        bar = Progress(self._options.progress, epochs=self._options.epochs, rows=loader.rows)
        try:
            while self._stopped_by is None and loader.epoch < self._options.epochs:
                self._one_epoch(bar)
        finally:
            bar.close()
        if len(self._best) > 0:
            self._load(self._best)
        self._task.finish()
        reason = self._stopped_by or f"all {self._options.epochs} epochs done"
        best = self._best_epoch()
        return FitReport(tuple(self._epochs), self._task.metric, self._task.protocol, best, reason)

    def _one_epoch(self, bar: Progress) -> None:
        self._model.train()
        started, loader = time.perf_counter(), self._task.loader
        for batch in loader:
            self._one_step(batch, loader.epoch + 1)
            bar.update(loader.epoch + 1, self._rows, self._loss / self._rows)
            place = self._options.checkpoint
            if place is not None and place.every > 0 and self._step % place.every == 0:
                self._write()
        seconds = time.perf_counter() - started
        self._end_epoch(seconds)
        metric = self._epochs[-1].metric
        bar.metric = "" if metric is None else f"  {self._task.metric} {metric:.4f}"

    def _one_step(self, batch: Batch, epoch: int) -> None:
        self._seed_dropout(derive(self._options.seed, "step", self._step))
        with mixed_precision(self._options.precision, self._device):
            loss = self._task.loss(batch)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise ArgumentError(
                f"fit: epoch {epoch}, step {self._step + 1}",
                received=f"a loss of {value}",
                expected="a finite loss",
                remedy="lower lr or raise the temperature, and look for extreme values in continuous columns",
            )
        if loss.requires_grad:
            torch.autograd.backward(loss)
        self._optimizers.step(self._step)
        self._step += 1
        self._rows += len(batch)
        self._loss += value * len(batch)

    def _seed_dropout(self, seed: int) -> None:
        torch.default_generator.manual_seed(seed)
        if self._device == "cuda":
            torch.cuda.manual_seed(seed)

    def _end_epoch(self, seconds: float) -> None:
        rows = max(self._rows, 1)
        metric = self._task.validate()
        number = len(self._epochs) + 1
        self._epochs.append(
            Epoch(number, self._step, self._loss / rows, metric, self._optimizers.lr, self._rows, seconds)
        )
        self._rows, self._loss = 0, 0.0
        if metric is not None and self._best_epoch() == number:
            self._best = {name: value.clone() for name, value in self._weights().items()}
        self._stopped_by = self._reason_to_stop()
        asked = [callback(self._epochs[-1]) is True for callback in self._options.callbacks]
        if any(asked) and self._stopped_by is None:
            self._stopped_by = f"a callback asked to stop after epoch {number}"
        self._write()
        self._write_log()

    def _best_epoch(self) -> int:
        sign = -1.0 if self._task.metric == "logloss" else 1.0
        scored = [(row.epoch, sign * row.metric) for row in self._epochs if row.metric is not None]
        return max(scored, key=lambda pair: pair[1])[0] if scored else len(self._epochs)

    def _reason_to_stop(self) -> str | None:
        patience, number = self._options.patience, len(self._epochs)
        if patience is None or self._task.metric is None or number - self._best_epoch() < patience:
            return None
        return f"stopped after epoch {number}: {self._task.metric} has not improved for {patience} epochs"

    def _write(self) -> None:
        place = self._options.checkpoint
        if place is None:
            return
        state: dict[str, Any] = {
            "schema": self._fingerprint(),
            "loader": self._task.loader.state_dict(),
            "task": self._task.state_dict(),
            "epochs": [asdict(row) for row in self._epochs],
            "step": self._step,
            "rows": self._rows,
            "loss": self._loss,
            "stopped_by": self._stopped_by,
        }
        checkpoint = Checkpoint(self._everything(), self._best, self._optimizers.tensors(), state)
        write_checkpoint(Path(place.folder), checkpoint)

    def _write_log(self) -> None:
        place, log = self._options.checkpoint, self._options.log
        if log is not None or place is not None:
            write_log(Path(log) if log is not None else Path(place.folder) / "log.csv", self._epochs)  # type: ignore[union-attr]

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach() for name, value in self._model.state_dict().items()}

    def _everything(self) -> dict[str, Tensor]:
        """The weights, and what the objective learns and remembers."""
        own = {} if self._task.module is None else self._task.module.state_dict()
        return self._weights() | {_OBJECTIVE + name: value.detach() for name, value in own.items()}

    def _load_everything(self, tensors: dict[str, Tensor]) -> None:
        own = {name: value for name, value in tensors.items() if name.startswith(_OBJECTIVE)}
        self._load({name: value for name, value in tensors.items() if name not in own})
        if self._task.module is not None:
            self._task.module.load_state_dict({name.removeprefix(_OBJECTIVE): own[name] for name in own})

    def _load(self, weights: dict[str, Tensor]) -> None:
        self._model.load_state_dict(weights)

    def _fingerprint(self) -> str:
        return str(self._model.schema.fingerprint())  # type: ignore[operator,union-attr]
