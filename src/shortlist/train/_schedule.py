"""The course of step sizes."""

import math
from typing import Any

from shortlist.train._optimization import Optimization

__all__ = ["Schedule"]


class Schedule:
    """What the step sizes given are multiplied by at each step.

    They rise as ``(n + 1) / warm`` over the warm-up. Then, with x the share of the other steps that is done,
    constant is 1, linear ``1 - x``, cosine ``(1 + cos(pi x)) / 2``, and plateau is ``factor`` to the number
    of times that the metric stood still for ``patience`` epochs.

    Args:
        options: which schedule.
        steps: steps in all.

    >>> schedule = Schedule(Optimization(schedule="linear", warmup=0.5), 4)
    >>> [schedule.factor(number) for number in range(4)]
    [0.5, 1.0, 1.0, 0.5]
    """

    def __init__(self, options: Optimization, steps: int) -> None:
        self._options, self._steps = options, steps
        self._scale, self._still = 1.0, 0

    def factor(self, number: int) -> float:
        """At a step, counted from 0."""
        warm = self._options.warmup * self._steps
        if number + 1 < warm:
            return (number + 1) / warm
        if self._options.schedule in ("constant", "plateau"):
            return self._scale
        done = (number - warm) / max(self._steps - warm, 1.0)
        falling = 1.0 - min(max(done, 0.0), 1.0)
        if self._options.schedule == "linear":
            return falling
        return 0.5 * (1.0 - math.cos(math.pi * falling))

    def end_epoch(self, *, better: bool) -> None:
        """Hear whether the validation metric is the best so far.

        >>> schedule = Schedule(Optimization(schedule="plateau"), 9)
        >>> schedule.end_epoch(better=False)
        >>> schedule.factor(3)
        0.1
        """
        self._still = 0 if better else self._still + 1
        if self._options.schedule == "plateau" and self._still >= self._options.plateau.patience:
            self._scale, self._still = self._scale * self._options.plateau.factor, 0

    def state_dict(self) -> dict[str, Any]:
        """Where it stands."""
        return {"scale": self._scale, "still": self._still}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken."""
        self._scale, self._still = float(state["scale"]), int(state["still"])
