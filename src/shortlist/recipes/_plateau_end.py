"""When training by plateaus has come to its end."""

import time
from collections.abc import Callable

from shortlist.train import Epoch

__all__ = ["PlateauEnd"]


class PlateauEnd:
    """A callback that ends training the time after the last fall of the step size, or when time is up.

    Args:
        log: is told of each epoch.
        patience: epochs without a better metric after which the step size falls.
        drops: times that it may fall.
        until: moment of ``time.perf_counter`` after which training ends; None for none.

    >>> end = PlateauEnd(lambda _: None, patience=1, drops=1)
    >>> [end(Epoch(n, n, 0.1, auc, 0.1, 9, 1.0)) for n, auc in enumerate([0.6, 0.5, 0.7, 0.7])]
    [False, False, False, True]
    """

    def __init__(
        self, log: Callable[[str], None], *, patience: int, drops: int = 2, until: float | None = None
    ) -> None:
        self._log, self._patience, self._left, self._until = log, patience, drops, until
        self._best, self._still = float("-inf"), 0

    def __call__(self, epoch: Epoch) -> bool:
        metric = float("nan") if epoch.metric is None else epoch.metric
        speed = epoch.rows / max(epoch.seconds, 1e-9)
        self._log(f"epoch {epoch.epoch}: loss {epoch.loss:.4f}, valid AUC {metric:.4f}, {speed:,.0f} rows/s")
        self._still = 0 if metric > self._best else self._still + 1
        self._best = max(self._best, metric)
        late = self._until is not None and time.perf_counter() > self._until
        if self._still >= self._patience:
            self._left, self._still = self._left - 1, 0
        return self._left < 0 or late
