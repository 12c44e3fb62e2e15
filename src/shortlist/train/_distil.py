"""Training on labels and on what a larger model says of them."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from shortlist.data import Batch, Ranker
from shortlist.errors import ArgumentError, SchemaError
from shortlist.io import Dataset
from shortlist.loader import Loader, Table
from shortlist.losses import distillation
from shortlist.models.trees import TreeRanker
from shortlist.schema import Column, Schema
from shortlist.train._course import Baseline
from shortlist.train._options import FitOptions
from shortlist.train._ranking import Ranking
from shortlist.train._sources import Data, schema_of, weight_column
from shortlist.train._task_losses import BinaryCrossEntropy
from shortlist.train._trees import tree_rows

__all__ = ["Distil", "soft_targets"]

TEACHER = "teacher"
_FURTHEST = 1e-6
_ROWS = 65_536


def soft_targets(teacher: Ranker, data: Dataset, *, name: str = TEACHER) -> Dataset:
    """The data with a column of the teacher's log odds, tagged "soft", for `Distil`.

    Of scores that are no probabilities (LambdaMART) the column holds the scores themselves. A teacher that
    scores its own training rows says more of the labels than it knows of others: give it rows it has not
    learned from where there are enough.

    Args:
        teacher: trees or a network, fitted; it reads its own columns of the data.
        data: encoded rows.
        name: of the column.

    >>> class Half:
    ...     inputs = Schema([])
    ...     def score(self, batch): return np.full(len(batch), 0.5, np.float32)
    >>> rows = Dataset.of(pl.DataFrame({"click": [1, 0]}))
    >>> soft_targets(Half(), rows).collect()["teacher"].to_list()
    [0.0, 0.0]
    """
    parts = []
    for partition in data.partitions:
        frame = partition.collect()
        scores = np.asarray(_scores(teacher, frame, data.schema), dtype=np.float64)
        if ((scores >= 0) & (scores <= 1)).all():
            inside = np.clip(scores, _FURTHEST, 1 - _FURTHEST)
            scores = np.log(inside) - np.log1p(-inside)
        parts.append(frame.with_columns(pl.Series(name, scores, dtype=pl.Float32)))
    schema = data.schema.merge([Column(name, "float32", frozenset({"soft"}))])
    return Dataset.of(pl.concat(parts).select(schema.names), schema)


@dataclass(frozen=True, slots=True)
class Distil:
    """``(1 - share)`` times the log loss of the labels and ``share`` times `losses.distillation`.

    The training rows carry the teacher's log odds in a column tagged "soft", as `soft_targets` gives it;
    validation rows need none. The first target is distilled.

    >>> Distil(share=0.7).kind
    'probability'

    Raises:
        ArgumentError: ``share`` is not in [0, 1].
    """

    share: float = 0.5
    """Weight of what the teacher says against the labels, in [0, 1]."""
    kind: Literal["probability", "score"] = "probability"
    """Whether probabilities or log odds are to be alike; ``"score"`` also takes teachers of other scores."""
    temperature: float = 1.0
    """What both log odds are divided by; above 1 softens them."""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ArgumentError("Distil.share", received=self.share, expected="a number in [0, 1]")

    def prepare(self, model: Any, train: Data, valid: Data | None, options: FitOptions) -> "Distilled":
        """Bind it to a student and its data."""
        return Distilled(
            self, model, BinaryCrossEntropy().prepare(model, train, valid, options), train, options
        )


class Distilled:
    """`Distil` bound to a student and its data: the task of the labels, with the teacher's column beside."""

    def __init__(
        self, objective: Distil, model: Any, labels: Ranking, train: Data, options: FitOptions
    ) -> None:
        schema = schema_of(train, model.schema)
        soft = next((column for column in schema if column.has("soft")), None)
        if soft is None:
            raise SchemaError(
                "Distil",
                received=f"columns {list(schema.names)}",
                expected='a column tagged "soft" in the training data',
                remedy="train on soft_targets(teacher, data)",
            )
        weight = weight_column(schema)
        self._objective, self._model, self._labels, self._soft = objective, model, labels, soft.name
        self._weight = None if weight is None else weight.name
        targets = [model.schema[target] for target in model.targets]
        self.loader = Loader(
            train,
            model.inputs.merge([*targets, *([] if weight is None else [weight]), soft]),
            batch_size=options.batch_size,
            shuffle=True,
            seed=options.seed,
            device=next(model.parameters()).device,
            loading=options.loading,
        )
        labels.loader = self.loader  # one copy of the rows
        self.metric, self.protocol = labels.metric, labels.protocol
        self.module: nn.Module | None = labels.module

    def loss(self, batch: Batch) -> Tensor:
        """The two losses, weighed."""
        share, target = self._objective.share, self._model.targets[0]
        logits = self._model(batch)[target]
        weights = None if self._weight is None else _numbers(batch, self._weight).abs()
        with torch.autocast(logits.device.type, enabled=False):
            taught = distillation(
                logits.float(),
                _numbers(batch, self._soft),
                weights=weights,
                kind=self._objective.kind,
                temperature=self._objective.temperature,
            )
        return share * taught + (1 - share) * self._labels.loss(batch) if share < 1 else taught

    def mass(self, batch: Batch) -> Tensor:
        """Sum of the absolute weights of the rows."""
        return self._labels.mass(batch)

    def validate(self) -> float | None:
        """The metric of the labels."""
        return self._labels.validate()

    def baseline(self) -> Baseline | None:
        """The metric of one prediction for all rows."""
        return self._labels.baseline()

    def finish(self) -> None:
        """Nothing to look at."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing beside the loader's position."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to take back."""


def _scores(teacher: Any, frame: pl.DataFrame, schema: Schema) -> Any:
    if isinstance(teacher, TreeRanker):
        return teacher.scorer.answers(tree_rows(teacher, Dataset.of(frame, schema)).matrix)
    inputs: Schema = teacher.inputs
    parts = []
    for start in range(0, max(frame.height, 1), _ROWS):
        rows = frame[start : start + _ROWS]
        batch = Batch({}, rows=rows.height) if len(inputs) == 0 else Table.of(rows, inputs).batch()
        parts.append(np.asarray(teacher.score(batch)))
    return np.concatenate(parts)


def _numbers(batch: Batch, name: str) -> Tensor:
    column: Any = batch.array(name)
    return torch.as_tensor(column, dtype=torch.float32)
