"""A fitted forest as a ranker."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.data import Batch
from shortlist.scorers._forest import Forest
from shortlist.scorers._tree_columns import Matrix, TreeColumns

__all__ = ["TreeGoal", "TreeScorer"]

TreeGoal: TypeAlias = Literal["binary", "regression", "lambdarank"]


@dataclass(frozen=True, eq=False)
class TreeScorer:
    """Trees over encoded columns.

    Attributes:
        columns: what they read.
        forest: the trees.
        goal: what they learned: ``"binary"`` scores are probabilities, others are sums of leaves.
        target: the column they learned.
    """

    columns: TreeColumns
    forest: Forest
    goal: TreeGoal
    target: str

    def score(self, batch: Batch) -> npt.NDArray[np.float32]:
        """Float32 [N]: probability, predicted value, or a score that orders the candidates of one request.

        Raises:
            SchemaError: a column is missing or of another kind.
        """
        return self.answers(self.columns.matrix(batch)).astype(np.float32)

    def answers(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        """Float64 [N]: what `score` gives, of a matrix [N, F] that ``columns`` made."""
        margins = self.forest.margins(matrix)
        # Of both signs without overflow.
        return np.exp(-np.logaddexp(0.0, -margins)) if self.goal == "binary" else margins

    def contributions(self, batch: Batch) -> npt.NDArray[np.float64]:
        """Float64 [N, F + 1]: what each feature adds to the sum of leaves (SHAP values); the rest last.

        A row adds up to the log odds of its probability, or to its score. The features are
        ``columns.names``.

        Source: Lundberg et al., "From local explanations to global understanding with explainable AI for
        trees", 2020.
        """
        return self.forest.contributions(self.columns.matrix(batch))

    def gains(self) -> dict[str, float]:
        """Feature -> its share of the gain of all splits, largest first."""
        gains = self.forest.gains()
        shares = gains / max(float(gains.sum()), 1e-300)
        order = np.argsort(-shares, kind="stable")
        return {self.columns.names[place]: float(shares[place]) for place in order}
