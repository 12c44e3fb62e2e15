"""Results of an evaluation: values per query, and the tables made from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from shortlist import metrics as m
from shortlist.errors import ArgumentError, near
from shortlist.evaluation._asked import Asked
from shortlist.evaluation._beyond import beyond_table
from shortlist.evaluation._protocol import EvaluationProtocol
from shortlist.evaluation._slices import slices_by
from shortlist.report import Cell, Table

__all__ = ["Evaluation"]

Values = npt.NDArray[np.float64]
Masks = Mapping[str, npt.NDArray[np.bool_]]
Test = Literal["bootstrap", "sign flip"]


@dataclass(frozen=True)
class Evaluation:
    """Metrics of several recommenders over the same queries.

    ``print(evaluation)`` shows the table with its protocol, the mean of each metric and, for the first one,
    the half width of its 95 % bootstrap interval over queries.

    Attributes:
        protocol: how the numbers came about; printed with them.
        values: recommender -> metric -> float64 [Q], one value per query; NaN where it has nothing to find.
        coverage: recommender -> share of the catalogue that was recommended at least once.
        slices: slice name -> bool [Q], the queries in it.
        seed: of the bootstrap.
        asked: the questions, the answers and the state they were asked of; None in an evaluation that was
            put together by hand, which has neither `beyond` nor slices by columns nor examples.
    """

    protocol: EvaluationProtocol
    values: Mapping[str, Mapping[str, Values]]
    coverage: Mapping[str, float]
    slices: Masks = field(default_factory=dict)
    seed: int = 0
    asked: Asked | None = field(default=None, repr=False, compare=False)

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
        return m.mean(self._values(model, metric)).value

    def difference(self, model: str, other: str, metric: str, *, test: Test = "bootstrap") -> m.Difference:
        """``model - other`` over the same queries: mean, 95 % interval and p value.

        Args:
            model: a recommender.
            other: another.
            metric: which metric.
            test: ``"bootstrap"``: queries redrawn in pairs; ``"sign flip"``: a permutation test, the interval
                still by bootstrap.

        Raises:
            ArgumentError: a recommender or the metric was not evaluated, or the test is unknown.
        """
        known = {"bootstrap": m.paired_bootstrap, "sign flip": m.sign_flip}
        if test not in known:
            raise ArgumentError("Evaluation.difference(test)", received=test, expected=f"one of {[*known]}")
        return known[test](self._values(model, metric), self._values(other, metric), self.seed)

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

    def sliced(self, metric: str | None = None, *, by: str | Masks | None = None) -> Table:
        """One metric within each slice of the queries.

        Args:
            metric: which; the first by default.
            by: None for `slices`; the name of a user column; that of an item column, whose value some item to
                be found has; ``"weekday"`` or ``"hour"`` of the first held-out event (UTC); or name -> bool
                [Q] of your own. Numbers are cut into quarters, of values the eight most frequent are shown.

        Raises:
            ArgumentError: the metric was not evaluated, or there is no such column.
        """
        name = metric or self.metrics[0]
        masks = self.slices if by is None else by if not isinstance(by, str) else self._slices_by(by)
        self._check_masks(masks)
        used = {label: mask for label, mask in masks.items() if mask.any()}
        rows: list[tuple[Cell, ...]] = [
            (model, *(m.mean(self._values(model, name)[mask]).value for mask in used.values()))
            for model in self.models
        ]
        columns = (name, *(f"{label} ({int(mask.sum())})" for label, mask in used.items()))
        return Table(columns, rows, title=str(self.protocol))

    def beyond(
        self, k: int | None = None, *, by: str | None = None, vectors: npt.NDArray[np.floating] | None = None
    ) -> Table:
        """Beyond accuracy: one row a recommender, over its first k items for each user.

        ``coverage@k`` share of the catalogue shown at least once; ``gini`` of how often each item is shown;
        ``popularity`` mean percentile of the items in the catalogue; ``novelty`` mean ``-log2`` share of
        users, in bits; ``serendipity`` share of the ranks that hold a hit that is not among the k most
        popular items. With ``by``: ``diversity`` share of pairs in a list of different categories,
        ``miscalibration`` of its shares of categories against the user's history. With ``vectors``:
        ``distance``, mean ``1 - cosine`` within a list.

        Args:
            k: the cut; the largest of the metrics by default.
            by: an item column of categories.
            vectors: [items, D], such as ``index.vectors``, in the order of the state's items.

        Raises:
            ArgumentError: there is no such column, or not a vector for each item.
        """
        asked = self._asked("beyond")
        return beyond_table(asked, asked.k if k is None else k, by, vectors, str(self.protocol))

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

    def report(self, path: str | Path, **details: Any) -> Path:
        """Write a page of all this that stands alone; see `shortlist.evaluation.report`."""
        from shortlist.evaluation._report import report

        return report(self, path, **details)

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

    def _asked(self, what: str) -> Asked:
        if self.asked is None:
            raise ArgumentError(
                f"Evaluation.{what}",
                received="an evaluation without its questions",
                expected="one that evaluate made",
            )
        return self.asked

    def _slices_by(self, name: str) -> Masks:
        return slices_by(self._asked("sliced(by)"), name)

    def _check_masks(self, masks: Masks) -> None:
        queries = len(next(iter(next(iter(self.values.values())).values())))
        for label, mask in masks.items():
            if np.shape(mask) != (queries,) or np.asarray(mask).dtype != np.bool_:
                raise ArgumentError(
                    f"Evaluation.sliced(by={label!r})",
                    received=f"{np.asarray(mask).dtype} of shape {np.shape(mask)}",
                    expected=f"bool of shape ({queries},), one for each query",
                )
