"""A series of counts in a few letters."""

from collections.abc import Sequence

import numpy as np

__all__ = ["sparkline"]

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(counts: Sequence[float], width: int = 80) -> str:
    """Counts as bars of eight heights; a blank for none. More counts than letters are averaged in turn.

    >>> sparkline([0, 1, 4, 8])
    ' ▁▄█'
    >>> sparkline([1, 1, 2, 2], width=2)
    '▄█'
    """
    held = np.asarray(counts, np.float64)
    if len(held) > width:
        held = np.array([part.mean() for part in np.array_split(held, width)])
    most = held.max(initial=0.0)
    if most <= 0:
        return " " * len(held)
    heights = np.clip(np.ceil(held / most * len(_BARS)).astype(int), 0, len(_BARS))
    return "".join(
        " " if held[place] <= 0 else _BARS[max(height, 1) - 1] for place, height in enumerate(heights)
    )
