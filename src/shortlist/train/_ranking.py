"""Training of rankers on labelled rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shortlist.data import Batch
from shortlist.errors import ArgumentError, DataError, near
from shortlist.loader import Loader
from shortlist.losses import binary_cross_entropy
from shortlist.metrics import auc, logloss
from shortlist.models.ranking import RankingModel
from shortlist.schema import Schema
from shortlist.train._course import Baseline
from shortlist.train._leaks import warn_of_label_leaks
from shortlist.train._options import FitOptions
from shortlist.train._sources import Data, not_empty, schema_of, weight_column

__all__ = ["BinaryCrossEntropy", "Ranking"]

# An AUC of 0.52 is what a thousand rows of nothing may reach.
_ABOVE_CHANCE = 1.04
_METRICS = {"auc": auc, "logloss": logloss}


@dataclass(frozen=True, slots=True)
class BinaryCrossEntropy:
    """Log loss of every target of a ranking model, added up.

    A column tagged "weight" scales each row's loss by its absolute value.
    """

    def prepare(self, model: RankingModel, train: Data, valid: Data | None, options: FitOptions) -> "Ranking":
        """Bind it to a ranking model and its data."""
        return Ranking(model, train, valid, options)


class Ranking:
    """`BinaryCrossEntropy` bound to a model and its data."""

    def __init__(self, model: RankingModel, train: Data, valid: Data | None, options: FitOptions) -> None:
        self._model = model
        self.module = None
        name = options.metric or "auc"
        if name not in _METRICS:
            raise ArgumentError(
                "FitOptions.metric",
                received=name,
                expected="a metric of rankers",
                remedy=near(name, _METRICS),
            )
        self._device = next(model.parameters()).device
        schema = schema_of(train, model.schema)
        weight = weight_column(schema)
        self._weight = None if weight is None else weight.name
        labels = [model.schema[target] for target in model.targets]
        columns = model.inputs.merge([*labels, *([] if weight is None else [weight])])
        self.loader = _loader(train, columns, options, self._device, shuffle=True)
        not_empty(self.loader, "fit.train", "check the filters of the training data")
        warn_of_label_leaks(next(iter(self.loader.tables())), model.inputs, model.targets[0])
        self._valid = None if valid is None else _loader(valid, columns, options, self._device, shuffle=False)
        self.metric = None if valid is None else name
        self.protocol = None
        if self._valid is not None:
            not_empty(self._valid, "fit.valid", "leave valid out to train without it")
            self.protocol = f"{self._valid.rows:,} labelled rows, target {model.targets[0]!r}"

    def loss(self, batch: Batch) -> Tensor:
        """Sum over the targets of the weighted mean over the rows."""
        weights = None if self._weight is None else self._column(batch, self._weight).abs()
        logits = self._model(batch)
        # A weighted mean is a matrix product too: in bfloat16 it would keep three digits.
        with torch.autocast(self._device.type, enabled=False):
            losses = [
                binary_cross_entropy(logits[target], self._column(batch, target), weights=weights)
                for target in self._model.targets
            ]
            return torch.stack(losses).sum()

    def mass(self, batch: Batch) -> Tensor:
        """Sum of the absolute weights of the rows."""
        if self._weight is None:
            return torch.tensor(float(len(batch)), device=self._device)
        return self._column(batch, self._weight).abs().double().sum()

    def validate(self) -> float | None:
        """The metric of the first target over the validation rows."""
        if self._valid is None or self.metric is None:
            return None
        target = self._model.targets[0]
        parts = [self._predicted(batch, target) for batch in self._valid]
        predicted, labels = (np.concatenate(side) for side in zip(*parts, strict=True))
        if not np.isfinite(predicted).all():
            raise DataError(
                "fit.valid",
                received="predictions that are not finite",
                expected="probabilities",
                remedy="look for extreme values in the continuous columns, or lower lr",
            )
        return _METRICS[self.metric](labels, predicted)

    def baseline(self) -> Baseline | None:
        """The metric of one prediction for all rows."""
        if self._valid is None or self.metric is None:
            return None
        target = self._model.targets[0]
        labels = np.concatenate([self._column(batch, target).cpu().numpy() for batch in self._valid])
        constant = np.full(len(labels), labels.mean(), np.float64)
        value = _METRICS[self.metric](labels, constant)
        return Baseline("one prediction for all rows", value, len(labels), _ABOVE_CHANCE)

    def finish(self) -> None:
        """Nothing to look at."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing beside the loader's position."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to take back."""

    def _predicted(self, batch: Batch, target: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        self._model.eval()
        with torch.no_grad():
            predicted = self._model(batch)[target].sigmoid()
        self._model.train()
        return predicted.double().cpu().numpy(), self._column(batch, target).cpu().numpy()

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
