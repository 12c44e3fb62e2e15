"""One line on the standard error stream that says how training goes."""

import time

from shortlist.report import Line, bar, duration

__all__ = ["Progress"]


class Progress:
    """Epoch, share done, speed, loss, metric and time left, redrawn in place; silent when not shown.

    Args:
        shown: True, False, or None for only on a terminal.
        epochs: epochs in all.
        rows: rows in an epoch.
    """

    def __init__(self, shown: bool | None, *, epochs: int, rows: int) -> None:
        self._line = Line(shown)
        self._epochs, self._rows = epochs, max(rows, 1)
        self._started = time.monotonic()
        self._first_row: int | None = None
        self._now: float | None = None
        self.metric = ""

    def due(self) -> bool:
        """Whether it is time to draw: at most ten times a second, and only when shown."""
        self._now = self._line.due()
        return self._now is not None

    def draw(self, epoch: int, done: int, loss: float) -> None:
        """Draw what stands now, after ``due`` said so.

        Args:
            epoch: epoch under way, counted from 1.
            done: rows of it that are done.
            loss: mean loss so far.
        """
        now = self._started if self._now is None else self._now
        total = (epoch - 1) * self._rows + done
        if self._first_row is None:
            self._first_row, self._started = total, now
        speed = (total - self._first_row) / max(now - self._started, 1e-9)
        left = (self._epochs * self._rows - total) / speed if speed > 0 else float("inf")
        self._line.draw(
            f"epoch {epoch}/{self._epochs} {bar(done / self._rows)} {speed:,.0f} rows/s"
            f"  loss {loss:.4f}{self.metric}  {duration(left)} left"
        )

    def close(self) -> None:
        """Clear the line."""
        self._line.close()
