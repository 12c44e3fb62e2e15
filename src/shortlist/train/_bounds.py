"""Checks of the values of options."""

from shortlist.errors import ArgumentError

__all__ = ["above", "one_of", "within"]


def one_of(where: str, received: object, known: tuple[str, ...]) -> None:
    """Refuse a value that is not among those known.

    Raises:
        ArgumentError: it is not.
    """
    if received not in known:
        raise ArgumentError(where, received=received, expected=f"one of {list(known)}")


def above(where: str, received: float, low: float) -> None:
    """Refuse a number that is not greater.

    Raises:
        ArgumentError: it is not.
    """
    if not received > low:
        raise ArgumentError(where, received=received, expected=f"a number > {low}")


def within(where: str, received: float, low: float, high: float) -> None:
    """Refuse a number below ``low``, or not below ``high``.

    Raises:
        ArgumentError: it is.
    """
    if not low <= received < high:
        raise ArgumentError(where, received=received, expected=f"a number in [{low}, {high})")
