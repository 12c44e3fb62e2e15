"""What the rankers of both libraries share."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Batch
from shortlist.errors import ArgumentError, DataError, NotFittedError, SchemaError
from shortlist.models._inputs import inputs_of, targets
from shortlist.models.trees._measure import TreeMetric, loss_of, metric_for
from shortlist.models.trees._options import TreeOptions
from shortlist.models.trees._rows import TreeRows
from shortlist.schema import Schema, Tags
from shortlist.scorers import Forest, TreeColumns, TreeGoal, TreeScorer

__all__ = ["Grown", "TreeRanker", "TreeTask"]


@dataclass(frozen=True, slots=True)
class TreeTask:
    """What a library is asked to learn from."""

    goal: TreeGoal
    train: TreeRows
    valid: TreeRows | None
    metric: TreeMetric
    coded: tuple[int, ...]
    """Features that are split by sets of codes."""


@dataclass(frozen=True, slots=True)
class Grown:
    """A forest and the validation metric after each tree."""

    forest: Forest
    curve: tuple[float, ...]


class TreeRanker(ABC):
    """A ranker of boosted trees; see `LightGBM` and `XGBoost`."""

    def __init__(
        self,
        schema: Schema,
        *,
        goal: TreeGoal | None = None,
        options: TreeOptions | None = None,
        seed: int = 0,
    ) -> None:
        self.schema, self.targets = schema, targets(schema)
        self.options = TreeOptions() if options is None else options
        self.seed = seed
        self.query_schema = inputs_of(schema, Tags.USER, Tags.SESSION, Tags.CONTEXT)
        self.candidate_schema = inputs_of(schema, Tags.ITEM).merge(inputs_of(schema, Tags.CROSS))
        self.inputs = self.query_schema.merge(self.candidate_schema)
        self.columns = TreeColumns(self.inputs, self.options.lists, self.options.shares)
        _check(type(self).__name__, self)
        self.target = self.targets[0]
        self.goal: TreeGoal = _goal(schema, self.target) if goal is None else goal
        self.curve: tuple[float, ...] = ()
        self._scorer: TreeScorer | None = None

    def fit(self, train: TreeRows, valid: TreeRows | None = None, *, metric: str | None = None) -> float:
        """Grow the trees from a matrix that `rows` made; `shortlist.fit` does this from a data set.

        Args:
            train: rows to learn from.
            valid: rows that say how many trees are best.
            metric: ``"auc"`` or ``"logloss"``, ``"mse"``, ``"ndcg@10"``; None is that of the goal.

        Returns:
            The training loss of what was kept: logloss, squared error, or 1 - NDCG@10.

        Raises:
            DataError: no rows, labels that the goal does not know, or none of one kind.
            ArgumentError: LambdaMART without requests, or an unknown metric.
        """
        parts = [each if each is None else self._ready(each) for each in (train, valid)]
        learned = parts[0]
        assert learned is not None
        measure, coded = metric_for(self.goal, metric), self.columns.coded(self.options.categories)
        grown = self._grow(TreeTask(self.goal, learned, parts[1], measure, coded))
        self.curve = grown.curve
        self._scorer = TreeScorer(self.columns, grown.forest, self.goal, self.target)
        return loss_of(self.goal, learned, self._scorer.answers(learned.matrix))

    def rows(
        self, batch: Batch, labels: Any, *, weights: Any | None = None, groups: Any | None = None
    ) -> TreeRows:
        """Encoded columns and labels as rows to learn from.

        Args:
            batch: the columns of ``inputs``.
            labels: [N].
            weights: [N], >= 0.
            groups: [N], the request of each row.
        """
        return TreeRows(
            self.columns.matrix(batch),
            np.asarray(labels, dtype=np.float64),
            None if weights is None else np.asarray(weights, dtype=np.float64),
            None if groups is None else np.asarray(groups, dtype=np.int64),
        )

    @property
    def scorer(self) -> TreeScorer:
        """What was learned.

        Raises:
            NotFittedError: nothing was.
        """
        if self._scorer is None:
            raise NotFittedError(
                type(self).__name__,
                received="no trees",
                expected="a fitted model",
                remedy="call shortlist.fit",
            )
        return self._scorer

    def score(self, batch: Batch) -> npt.NDArray[np.float32]:
        """Float32 [N]: probability of the target, the number predicted, or LambdaMART's score.

        Raises:
            NotFittedError: nothing was learned yet.
            SchemaError: a column is missing or of another kind.
        """
        return self.scorer.score(batch)

    def contributions(self, batch: Batch) -> npt.NDArray[np.float64]:
        """SHAP values, float64 [N, F + 1]; see `TreeScorer.contributions`."""
        return self.scorer.contributions(batch)

    def describe(self) -> str:
        """Trees, features and the target."""
        grown = "not grown yet" if self._scorer is None else f"{self._scorer.forest.trees} trees"
        return f"{grown}, {len(self.columns.features)} features, {self.goal} {self.target!r}"

    @abstractmethod
    def _grow(self, task: TreeTask) -> Grown:
        """Learn, and keep as many trees as were best."""

    def _ready(self, rows: TreeRows) -> TreeRows:
        if len(rows) == 0:
            raise DataError("trees", received="no rows", expected="at least one row to learn from")
        if self.goal == "lambdarank":
            if rows.groups is None:
                raise ArgumentError(
                    "trees: lambdarank",
                    received="rows without requests",
                    expected='a column tagged "request" that says which rows are candidates of one request',
                    remedy="make them with ranking_examples, or tag the column: schema.tag(name, 'request')",
                )
            rows = rows.grouped()
        _check_labels(self.goal, rows.labels)
        return rows


def _goal(schema: Schema, target: str) -> TreeGoal:
    return "regression" if schema[target].has(Tags.REGRESSION) else "binary"


def _check_labels(goal: TreeGoal, labels: npt.NDArray[np.float64]) -> None:
    whole = bool((labels == np.floor(labels)).all()) and bool((labels >= 0).all())
    known = {
        "binary": bool(np.isin(labels, (0, 1)).all()),
        "regression": True,
        "lambdarank": whole and bool((labels <= 30).all()),
    }
    if not known[goal]:
        raise DataError(
            f"trees: {goal}",
            received=f"labels from {labels.min():g} to {labels.max():g}",
            expected="labels 0 and 1" if goal == "binary" else "whole grades from 0 to 30",
            remedy="choose another goal, or make such labels",
        )


def _check(where: str, model: TreeRanker) -> None:
    if len(model.targets) == 0 or len(model.columns.features) == 0:
        raise SchemaError(
            where,
            received=f"targets {list(model.targets)}, inputs {list(model.inputs.names)}",
            expected="at least one column tagged target and one input that trees can read",
            remedy="tag the label: schema.tag('label', 'target', 'binary')",
        )
