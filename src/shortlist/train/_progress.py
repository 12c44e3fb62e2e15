"""One line on the standard error stream that says how training goes."""

import sys
import time

__all__ = ["Progress"]

_BAR = 20
_SECONDS_BETWEEN_DRAWS = 0.1


class Progress:
    """Epoch, share done, speed, loss, metric and time left, redrawn in place; silent when not shown.

    Args:
        shown: True, False, or None for only on a terminal.
        epochs: epochs in all.
        rows: rows in an epoch.
    """

    def __init__(self, shown: bool | None, *, epochs: int, rows: int) -> None:
        self._shown = sys.stderr.isatty() if shown is None else shown
        self._epochs, self._rows = epochs, max(rows, 1)
        self._started, self._drawn = time.monotonic(), 0.0
        self._first_row: int | None = None
        self.metric = ""

    def update(self, epoch: int, done: int, loss: float) -> None:
        """Draw, at most ten times a second.

        Args:
            epoch: epoch under way, counted from 1.
            done: rows of it that are done.
            loss: mean loss so far.
        """
        now = time.monotonic()
        if not self._shown or now - self._drawn < _SECONDS_BETWEEN_DRAWS:
            return
        self._drawn = now
        total = (epoch - 1) * self._rows + done
        if self._first_row is None:
            self._first_row, self._started = total, now
        speed = (total - self._first_row) / max(now - self._started, 1e-9)
        left = (self._epochs * self._rows - total) / speed if speed > 0 else float("inf")
        filled = round(_BAR * done / self._rows)
        bar = "█" * filled + "·" * (_BAR - filled)
        self._write(
            f"\repoch {epoch}/{self._epochs} {bar} {speed:,.0f} rows/s  loss {loss:.4f}{self.metric}"
            f"  {_time(left)} left\x1b[K"
        )

    def close(self) -> None:
        """Clear the line."""
        if self._shown:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def _time(seconds: float) -> str:
    if seconds == float("inf"):
        return "?"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
