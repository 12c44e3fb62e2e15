"""Results of an evaluation: values per query, and the tables made from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist import metrics as m
from shortlist.errors import ArgumentError, near
from shortlist.evaluation._protocol import EvaluationProtocol
from shortlist.report import Cell, Table

__all__ = ["Evaluation", "measured"]

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """Metrics of several recommenders over the same queries.

    ``print(evaluation)`` shows the table with its protocol, the mean of each metric and, for the first one,
    the half width of its 95 % bootstrap interval over queries.

    Attributes:
        protocol: how the numbers came about; printed with them.
        values: recommender -> metric -> float64 [Q], one value per query.
        coverage: recommender -> share of the catalogue that was recommended at least once.
        slices: slice name -> bool [Q], the queries in it.
        seed: of the bootstrap.
    """

    protocol: EvaluationProtocol
    values: Mapping[str, Mapping[str, Values]]
    coverage: Mapping[str, float]
    slices: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    seed: int = 0

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the recommenders, in order."""
        return tuple(self.values)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics, in order."""
        return tuple(next(iter(self.values.values())))

    def of(self, model: str, metric: str) -> float:
        """The mean of one metric of one recommender.

        Raises:
            ArgumentError: the model or the metric was not evaluated.
        """
        return float(self._values(model, metric).mean())

    def difference(self, model: str, other: str, metric: str) -> m.Difference:
        """Paired bootstrap over queries of ``model - other``: mean, 95 % interval and p value."""
        return m.paired_bootstrap(self._values(model, metric), self._values(other, metric), self.seed)

    def table(self) -> Table:
        """One row a recommender, one column a metric."""
        head, *others = self.metrics
        rows: list[tuple[Cell, ...]] = []
        for model in self.models:
            interval = m.mean_interval(self._values(model, head), self.seed)
            half = (interval.high - interval.low) / 2
            means = [self.of(model, metric) for metric in others]
            rows.append((model, self.of(model, head), half, *means, self.coverage[model]))
        columns = ("recommender", head, "+-", *others, "coverage")
        return Table(columns, rows, title=str(self.protocol))

    def sliced(self, metric: str | None = None) -> Table:
        """One metric within each slice of the queries."""
        name = metric or self.metrics[0]
        used = {label: mask for label, mask in self.slices.items() if mask.any()}
        rows: list[tuple[Cell, ...]] = [
            (model, *(float(self._values(model, name)[mask].mean()) for mask in used.values()))
            for model in self.models
        ]
        columns = (name, *(f"{label} ({int(mask.sum())})" for label, mask in used.items()))
        return Table(columns, rows, title=str(self.protocol))

    def to_json(self) -> dict[str, Any]:
        """Plain data: protocol, means, intervals and slices."""
        models: dict[str, Any] = {}
        for model in self.models:
            intervals = {name: m.mean_interval(self._values(model, name), self.seed) for name in self.metrics}
            models[model] = {
                name: {"mean": value.mean, "low": value.low, "high": value.high}
                for name, value in intervals.items()
            }
            models[model]["coverage"] = self.coverage[model]
        sliced = self.sliced()
        slices = {str(row[0]): dict(zip(sliced.columns[1:], row[1:], strict=True)) for row in sliced.rows}
        return {"protocol": str(self.protocol), "models": models, "slices": {self.metrics[0]: slices}}

    def __str__(self) -> str:
        return str(self.table())

    def _values(self, model: str, metric: str) -> Values:
        for name, known, asked in (("model", self.models, model), ("metric", self.metrics, metric)):
            if asked not in known:
                raise ArgumentError(
                    f"Evaluation {name}",
                    received=asked,
                    expected="one that was evaluated",
                    remedy=near(asked, known),
                )
        return self.values[model][metric]


def measured(
    found: npt.NDArray[np.bool_], relevant: npt.NDArray[np.int64], names: Sequence[str]
) -> dict[str, Values]:
    """Values of named metrics for hits [Q, K]."""
    chosen = {name: m.parse(name) for name in names}
    return {name: metric(found, relevant, k) for name, (metric, k) in chosen.items()}
