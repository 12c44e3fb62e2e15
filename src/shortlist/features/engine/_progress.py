"""One line on the standard error stream that says how a pass over the data goes."""

import time
from types import TracebackType

from shortlist.report import Line, bar, duration

__all__ = ["Progress"]


class Progress:
    """Parts done of all, rows a second where they are known, time taken and time left.

    Args:
        shown: True, False, or None for only on a terminal.
        parts: parts in all.
    """

    def __init__(self, shown: bool | None, parts: int) -> None:
        self._line = Line(shown)
        self._parts, self._done, self._rows = parts, 0, 0
        self._started = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.close()

    def step(self, parts: int = 1, measured: object = None) -> None:
        """So many parts more are done.

        Args:
            parts: their number.
            measured: what came of them; a number ``rows`` of it is shown as speed.
        """
        self._done += parts
        rows = getattr(measured, "rows", 0)
        self._rows += rows if isinstance(rows, int) else 0
        now = self._line.due()
        if now is None:
            return
        taken = now - self._started
        left = taken / self._done * (self._parts - self._done)
        speed = f"  {self._rows / max(taken, 1e-9):,.0f} rows/s" if self._rows else ""
        self._line.draw(
            f"{bar(self._done / self._parts)} {self._done}/{self._parts}{speed}"
            f"  {duration(taken)}, {duration(left)} left"
        )
