"""How epochs compare, and what looks wrong in their course."""

import warnings
from collections.abc import Sequence

from shortlist.train._report import Epoch

__all__ = ["better", "warn_of_course"]

_RISE = 1.1


def better(epochs: Sequence[Epoch], metric: str | None) -> int:
    """The number of the best epoch; the last one when there is no metric."""
    sign = -1.0 if metric == "logloss" else 1.0
    scored = [(row.epoch, sign * row.metric) for row in epochs if row.metric is not None]
    return max(scored, key=lambda pair: pair[1])[0] if scored else len(epochs)


def warn_of_course(epochs: Sequence[Epoch]) -> None:
    """Warn if the loss ended a tenth above its lowest, measured from zero.

    >>> warn_of_course([Epoch(1, 1, 2.0, None, 0.1, 9, 0.1), Epoch(2, 2, 1.0, None, 0.1, 9, 0.1)])
    """
    if len(epochs) < 2:
        return
    lowest = min(epochs, key=lambda row: row.loss)
    last = epochs[-1]
    if last.loss > lowest.loss + (_RISE - 1) * abs(lowest.loss):
        warnings.warn(
            f"fit: the loss rose, from {lowest.loss:.4f} in epoch {lowest.epoch} to {last.loss:.4f} in epoch "
            f"{last.epoch}. Lower lr, or set Optimization.clip and clip_rows",
            stacklevel=4,
        )
