"""Training of rankers on labelled rows."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.errors import DataError
from shortlist.loader import Loader
from shortlist.models.ranking import RankingModel
from shortlist.schema import Schema
from shortlist.train._course import Baseline
from shortlist.train._leaks import warn_of_label_leaks
from shortlist.train._options import FitOptions
from shortlist.train._ranker_metric import ranker_metric
from shortlist.train._sources import Data, not_empty, schema_of, weight_column

__all__ = ["Ranking", "RowLosses"]


class RowLosses(Protocol):
    """The loss of labelled rows."""

    @property
    def learned(self) -> nn.Module | None:
        """What is trained and remembered with the model; None for nothing."""

    def __call__(
        self, model: Any, hidden: Tensor, labels: dict[str, Tensor], weights: Tensor | None, epoch: int
    ) -> Tensor:
        """A scalar."""

    def condition(self, target: str) -> str | None:
        """The target that must be 1 where this one is defined; None if it always is."""


class Ranking:
    """A loss of labelled rows bound to a ranking model and its data."""

    def __init__(
        self, model: RankingModel, train: Data, valid: Data | None, options: FitOptions, losses: RowLosses
    ) -> None:
        self._model, self._losses = model, losses
        self.module = losses.learned
        chosen = ranker_metric(options.metric, model.outputs)
        self._device = next(model.parameters()).device
        schema = schema_of(train, model.schema)
        weight = weight_column(schema)
        self._weight = None if weight is None else weight.name
        labels = [model.schema[target] for target in model.targets]
        columns = model.inputs.merge([*labels, *([] if weight is None else [weight])])
        self.loader = _loader(train, columns, options, self._device, shuffle=True)
        not_empty(self.loader, "fit.train", "check the filters of the training data")
        if model.outputs[0].kind == "binary":
            warn_of_label_leaks(next(iter(self.loader.tables())), model.inputs, model.targets[0])
        self._valid = None if valid is None else _loader(valid, columns, options, self._device, shuffle=False)
        self._chosen = chosen
        self.metric = None if valid is None else chosen.name
        self.protocol = None
        if self._valid is not None:
            not_empty(self._valid, "fit.valid", "leave valid out to train without it")
            self.protocol = f"{self._valid.rows:,} labelled rows, target {chosen.target.name!r}"

    def loss(self, batch: Batch) -> Tensor:
        """Sum over the targets of the weighted mean over the rows."""
        weights = None if self._weight is None else self._column(batch, self._weight).abs()
        labels = {target: self._column(batch, target) for target in self._model.targets}
        return self._losses(self._model, self._model.hidden(batch), labels, weights, self.loader.epoch)

    def mass(self, batch: Batch) -> Tensor:
        """Sum of the absolute weights of the rows."""
        if self._weight is None:
            return torch.tensor(float(len(batch)), device=self._device)
        return self._column(batch, self._weight).abs().double().sum()

    def validate(self) -> float | None:
        """The metric over the validation rows."""
        if self._valid is None:
            return None
        parts = [self._predicted(batch) for batch in self._valid]
        predicted, labels = (np.concatenate(side) for side in zip(*parts, strict=True))
        if not np.isfinite(predicted).all():
            raise DataError(
                "fit.valid",
                received="predictions that are not finite",
                expected="finite numbers",
                remedy="look for extreme values in the continuous columns, or lower lr",
            )
        return self._chosen(labels, predicted)

    def baseline(self) -> Baseline | None:
        """The metric of one prediction for all rows."""
        if self._valid is None:
            return None
        return self._chosen.baseline(np.concatenate([self._labels(batch) for batch in self._valid]))

    def finish(self) -> None:
        """Nothing to look at."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing beside the loader's position."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to take back."""

    def _predicted(self, batch: Batch) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        self._model.eval()
        with torch.no_grad():
            predicted = self._chosen.predictions(self._model(batch)[self._chosen.target.name])
        self._model.train()
        return predicted[self._defined(batch)], self._labels(batch)

    def _labels(self, batch: Batch) -> npt.NDArray[Any]:
        labels: npt.NDArray[Any] = self._column(batch, self._chosen.target.name).cpu().numpy()
        return labels[self._defined(batch)]

    def _defined(self, batch: Batch) -> npt.NDArray[np.bool_] | slice:
        condition = self._losses.condition(self._chosen.target.name)
        return slice(None) if condition is None else self._column(batch, condition).cpu().numpy() > 0

    def _column(self, batch: Batch, name: str) -> Tensor:
        column: Any = batch.array(name)
        return torch.as_tensor(column, dtype=torch.float32)


def _loader(
    data: Data, columns: Schema, options: FitOptions, device: torch.device, *, shuffle: bool
) -> Loader:
    return Loader(
        data,
        columns,
        batch_size=options.batch_size,
        shuffle=shuffle,
        seed=options.seed,
        device=device,
        loading=options.loading,
    )
