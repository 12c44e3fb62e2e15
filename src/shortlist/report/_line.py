"""One line on the standard error stream that says how work goes."""

import sys
import time

__all__ = ["Line", "bar", "duration"]

_CELLS = 20
_SECONDS_BETWEEN_DRAWS = 0.1


class Line:
    """A line that is redrawn in place, at most ten times a second.

    Args:
        shown: True, False, or None for only on a terminal.
    """

    def __init__(self, shown: bool | None) -> None:
        self._shown = sys.stderr.isatty() if shown is None else shown
        self._drawn = float("-inf")

    def due(self) -> float | None:
        """The time on the monotonic clock if the line is to be drawn now, else None."""
        now = time.monotonic() if self._shown else 0.0
        if not self._shown or now - self._drawn < _SECONDS_BETWEEN_DRAWS:
            return None
        self._drawn = now
        return now

    def draw(self, text: str) -> None:
        """Put a text in place of the last."""
        self._write(f"\r{text}\x1b[K")

    def close(self) -> None:
        """Clear the line."""
        if self._shown:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def bar(share: float) -> str:
    """A share from 0 to 1 as a bar of twenty cells.

    >>> bar(0.25)
    '█████···············'
    """
    filled = round(_CELLS * share)
    return "█" * filled + "·" * (_CELLS - filled)


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(3.2), duration(600), duration(float("inf"))
    ('3 s', '10 min', '?')
    """
    if seconds == float("inf"):
        return "?"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
