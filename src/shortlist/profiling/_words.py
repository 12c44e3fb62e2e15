"""Numbers and values as a person reads them."""

from datetime import datetime
from typing import Any

__all__ = ["about", "cut", "number", "percent", "value"]


def percent(share: float) -> str:
    """A share.

    >>> percent(0.12345), percent(0.00004), percent(0.0)
    ('12.3 %', '<0.1 %', '0 %')
    """
    if share in (0.0, 1.0):
        return f"{share:.0%}".replace("%", " %")
    return "<0.1 %" if 0 < share < 0.0005 else ">99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"


def number(x: float | None) -> str:
    """A number in at most some ten letters.

    >>> number(1234567), number(2.55), number(-80995.0), number(0.000012), number(None)
    ('1,234,567', '2.55', '-80,995', '1.2e-05', '-')
    """
    if x is None or x != x:  # noqa: PLR0124 - NaN is the value that differs from itself
        return "-"
    size = abs(x)
    if size >= 1e12 or 0 < size < 1e-4:
        return f"{x:.3g}"
    if float(x).is_integer():
        return f"{int(x):,}"
    return f"{x:,.0f}" if size >= 1e4 else f"{x:.4g}"


def about(count: int, *, exact: bool) -> str:
    """A count, marked where it is an estimate.

    >>> about(1200, exact=True), about(1234567, exact=False)
    ('1,200', '~1,230,000')
    """
    if exact or count < 1000:
        return f"{count:,}"
    digits = len(str(count)) - 3
    return f"~{round(count, -digits):,}"


def value(x: Any) -> str:
    """One value of a column, in one line.

    >>> value(3.0), value("a  b"), value(None)
    ('3', 'a b', '-')
    """
    if isinstance(x, bool):
        return str(x).lower()
    if x is None or isinstance(x, int | float):
        return str(int(x)) if isinstance(x, int) or (x is not None and x.is_integer()) else number(x)
    if isinstance(x, datetime):
        return f"{x:%Y-%m-%d}" if (x.hour, x.minute, x.second) == (0, 0, 0) else f"{x:%Y-%m-%d %H:%M}"
    return " ".join(str(x).split())


def cut(words: str, room: int) -> str:
    """Words in so many letters.

    >>> cut("a long story", 8)
    'a long …'
    """
    return words if len(words) <= room else f"{words[: room - 1]}…"
