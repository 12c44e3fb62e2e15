"""How well a ranker tells taken candidates from others."""

from dataclasses import asdict, dataclass
from math import isfinite

import numpy as np
import numpy.typing as npt

from shortlist import metrics as m
from shortlist.report import Table

__all__ = ["RankerQuality", "ranker_quality"]


@dataclass(frozen=True, slots=True)
class RankerQuality:
    """Quality of probabilities over held-out examples.

    Attributes:
        rows: examples.
        positives: share of them that were taken.
        auc: area under the ROC curve, ties count half.
        logloss: mean negative log likelihood, in nats.
        entropy: logloss over that of always predicting the share of positives; below 1 is better than that.
        calibration: expected calibration error over equal-mass bins.
    """

    rows: int
    positives: float
    auc: float
    logloss: float
    entropy: float
    calibration: float

    def to_json(self) -> dict[str, float | None]:
        """Plain data; what is not defined (no rows, or all labels alike) is None."""
        return {name: value if isfinite(value) else None for name, value in asdict(self).items()}

    def __str__(self) -> str:
        columns = ("examples", "positives", "AUC", "logloss", "normalised entropy", "calibration error")
        row = (self.rows, self.positives, self.auc, self.logloss, self.entropy, self.calibration)
        return str(Table(columns, [row], title="ranker, on examples later than those it learned from"))


def ranker_quality(labels: npt.NDArray[np.float32], predicted: npt.NDArray[np.float32]) -> RankerQuality:
    """Measure probabilities [N] against binary labels [N].

    >>> ranker_quality(np.array([0, 1, 1, 0]), np.array([.1, .9, .6, .2])).auc
    1.0
    """
    return RankerQuality(
        len(labels),
        float(np.mean(labels)) if len(labels) else float("nan"),
        m.auc(labels, predicted),
        m.logloss(labels, predicted),
        m.normalised_entropy(labels, predicted),
        m.ece(labels, predicted),
    )
