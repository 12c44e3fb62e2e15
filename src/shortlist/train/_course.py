"""How epochs compare, and what looks wrong in their course."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from shortlist.train._report import Epoch

__all__ = ["Baseline", "Measured", "better", "warn_of_course", "warn_of_metric"]

_RISE = 0.25
_WORSE = 0.01
_PERFECT = 0.995
_CASES, _FEWEST = 1000, 300


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the validation metric is without having learned anything of the individual."""

    told: str
    """What it is of, as "recommending the most popular items"."""
    value: float
    """The metric of that."""
    cases: int
    """Queries or rows that the metric is taken over."""
    share: float
    """Share of the baseline's way that a model must have come to have learned something."""
    by_heart: bool = False
    """Whether a metric that is best after one epoch, while the loss goes on falling, is worth a word."""


@runtime_checkable
class Measured(Protocol):
    """A task that knows what its metric would be without a model."""

    def baseline(self) -> Baseline | None:
        """It; None without validation data."""


def better(epochs: Sequence[Epoch], metric: str | None) -> int:
    """The number of the best epoch; the last one when there is no metric."""
    sign = -1.0 if _low_is_good(metric) else 1.0
    scored = [(row.epoch, sign * row.metric) for row in epochs if row.metric is not None]
    return max(scored, key=lambda pair: pair[1])[0] if scored else len(epochs)


def _low_is_good(metric: str | None) -> bool:
    return metric is not None and metric.partition(":")[0] in ("logloss", "rmse")


def warn_of_course(epochs: Sequence[Epoch], best: int) -> None:
    """Warn if the loss ended a quarter above its lowest, and the metric did not get better by it.

    >>> warn_of_course([Epoch(1, 1, 2.0, None, 0.1, 9, 0.1), Epoch(2, 2, 1.0, None, 0.1, 9, 0.1)], 2)
    """
    if len(epochs) < 2:
        return
    lowest, last = min(epochs, key=lambda row: row.loss), epochs[-1]
    improved = last.metric is not None and best == last.epoch
    if last.loss > lowest.loss + _RISE * abs(lowest.loss) and not improved:
        warnings.warn(
            f"fit: the loss rose, from {lowest.loss:.4f} in epoch {lowest.epoch} to {last.loss:.4f} in epoch "
            f"{last.epoch}. Lower lr, or set Optimization.clip and clip_rows",
            stacklevel=4,
        )


def warn_of_metric(epochs: Sequence[Epoch], metric: str, baseline: Baseline, best: int) -> None:
    """Warn if the best metric is no better than without a model, or too good to be true.

    Nothing is said after a single epoch, on fewer than 300 cases, or of a perfect metric on fewer than 1,000.
    """
    value = next((row.metric for row in epochs if row.epoch == best), None)
    if value is None or len(epochs) < 2 or baseline.cases < _FEWEST:
        return
    low_is_good = _low_is_good(metric)
    nothing = value >= baseline.value if low_is_good else value <= baseline.value * baseline.share
    if nothing:
        warnings.warn(
            f"fit: nothing was learned: {metric} is {value:.4f} at best, and {baseline.told} gives "
            f"{baseline.value:.4f}. Train longer, raise lr, or check that the columns belong to their rows",
            stacklevel=4,
        )
    elif baseline.by_heart and best == 1 and _by_heart(epochs, low_is_good):
        warnings.warn(
            f"fit: {metric} was best after the first epoch, at {value:.4f}, and fell while the loss went on "
            "falling: the rows of the tables are learned by heart. Set Optimization.table_epochs=1, raise "
            "Optimization.l2, or take fewer epochs; the weights of the first epoch are kept",
            stacklevel=4,
        )
    elif not low_is_good and value > _PERFECT and baseline.value < 0.9 and baseline.cases >= _CASES:
        warnings.warn(
            f"fit: {metric} of {value:.4f} is too good to be true: look for rows of the validation data in "
            "the training data, and for columns that are only known after the event",
            stacklevel=4,
        )


def _by_heart(epochs: Sequence[Epoch], low_is_good: bool) -> bool:
    """Whether the metric ended a hundredth worse than after the first epoch, the loss that much better."""
    first, last = epochs[0], epochs[-1]
    if first.metric is None or last.metric is None or not last.loss < (1 - _WORSE) * first.loss:
        return False
    worse = last.metric - first.metric if low_is_good else first.metric - last.metric
    return worse > _WORSE * abs(first.metric)
