"""Lengths of time as text."""

import re

from shortlist.errors import ArgumentError

__all__ = ["duration_us"]

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def duration_us(text: str, *, where: str) -> int:
    """A length of time in microseconds: a number with ``s``, ``m`` (minutes), ``h``, ``d`` or ``w``.

    Args:
        text: such as ``"28d"`` or ``"1.5h"``.
        where: what the text was given for, as the error will say.

    Raises:
        ArgumentError: the text is not a length of time above 0.

    >>> duration_us("4w", where="test") // 1_000_000 // 86_400
    28
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", str(text))
    length = 0 if found is None else round(float(found[1]) * _SECONDS[found[2]] * 1_000_000)
    if length <= 0:
        raise ArgumentError(
            where,
            received=text,
            expected="a length of time such as '7d', '12h', '4w' or '30m'",
            remedy="write a number and one of s, m, h, d, w",
        )
    return length
