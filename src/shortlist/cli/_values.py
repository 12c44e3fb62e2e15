"""Reading the values of options."""

import argparse
from datetime import datetime

__all__ = ["count", "day", "pair", "port", "portion", "positive", "share", "span", "weighted"]


def count(text: str) -> int:
    """An integer from 1."""
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected an integer >= 1, received {text!r}")


def positive(text: str) -> float:
    """A number above 0.

    >>> positive("0.5")
    0.5
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if 0 < value < float("inf"):
        return value
    raise argparse.ArgumentTypeError(f"expected a number above 0, received {text!r}")


def port(text: str) -> int:
    """A port; 0 stands for a free one."""
    if text.isdecimal() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, received {text!r}")


def day(text: str) -> datetime:
    """A date, or a date and time, of UTC where no zone is said.

    >>> day("2026-01-31")
    datetime.datetime(2026, 1, 31, 0, 0)
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a date such as 2026-01-31, received {text!r}") from None


def portion(text: str) -> float:
    """A share from 0 to 1.

    >>> portion("0.01")
    0.01
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if 0 <= value <= 1:
        return value
    raise argparse.ArgumentTypeError(f"expected a share from 0 to 1, received {text!r}")


def pair(text: str) -> tuple[str, str]:
    """Two names.

    >>> pair("return=purchase")
    ('return', 'purchase')
    """
    left, sign, right = (part.strip() for part in text.partition("="))
    if sign and left and right:
        return left, right
    raise argparse.ArgumentTypeError(f"expected NAME=NAME, received {text!r}")


def span(text: str) -> str:
    """A length of time.

    >>> span("7d")
    '7d'
    """
    from shortlist.data import duration_us
    from shortlist.errors import ArgumentError

    try:
        duration_us(text, where="span")
    except ArgumentError:
        raise argparse.ArgumentTypeError(
            f"expected a length of time such as 12h or 7d, received {text!r}"
        ) from None
    return text


def weighted(text: str) -> tuple[str, float]:
    """A name and a weight, 1 where none is said.

    >>> weighted("view=0.2"), weighted("purchase")
    (('view', 0.2), ('purchase', 1.0))
    """
    name, sign, weight = (part.strip() for part in text.partition("="))
    try:
        value = float(weight) if sign else 1.0
    except ValueError:
        value = float("nan")
    if name and 0 < value < float("inf"):
        return name, value
    raise argparse.ArgumentTypeError(f"expected TYPE=WEIGHT with a weight above 0, received {text!r}")


def share(text: str) -> tuple[str, float]:
    """A name and a number from 0.

    >>> share("new=10")
    ('new', 10.0)
    """
    name, sign, number = (part.strip() for part in text.partition("="))
    try:
        value = float(number) if sign else float("nan")
    except ValueError:
        value = float("nan")
    if name and 0 <= value < float("inf"):
        return name, value
    raise argparse.ArgumentTypeError(f"expected NAME=SHARE with a share of 0 or more, received {text!r}")
