"""A declared search space: a name and a range for each value to be tuned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from shortlist.errors import ArgumentError, near

__all__ = ["Choice", "Floats", "Integers", "Range", "check_space", "check_values", "describe", "shown"]


@dataclass(frozen=True, slots=True)
class Floats:
    """Any number from ``low`` to ``high``, both among them.

    Raises:
        ArgumentError: ``low`` is not below ``high``, or not above 0 with ``log``.

    >>> Floats(1e-4, 1e-1, log=True)
    Floats(low=0.0001, high=0.1, log=True)
    """

    low: float
    """Least value."""
    high: float
    """Greatest value."""
    log: bool = False
    """Draw by order of magnitude: as often between 0.001 and 0.01 as between 0.01 and 0.1."""

    def __post_init__(self) -> None:
        _check_bounds("Floats", self.low, self.high, self.log)


@dataclass(frozen=True, slots=True)
class Integers:
    """A whole number from ``low`` to ``high``, both among them.

    Raises:
        ArgumentError: ``low`` is not below ``high``, or not above 0 with ``log``, or ``step`` does not fit.

    >>> Integers(16, 128, step=16)
    Integers(low=16, high=128, log=False, step=16)
    """

    low: int
    """Least value."""
    high: int
    """Greatest value; with a step, the last one that the steps reach."""
    log: bool = False
    """Draw by order of magnitude; not with a step."""
    step: int = 1
    """Only ``low``, ``low + step`` and so on."""

    def __post_init__(self) -> None:
        _check_bounds("Integers", self.low, self.high, self.log)
        if self.step < 1 or (self.log and self.step != 1):
            raise ArgumentError(
                "Integers.step", received=self.step, expected="an integer >= 1, and 1 with log=True"
            )


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values of any kind, between which no order is assumed.

    Raises:
        ArgumentError: there are none.

    >>> Choice((32, 64), (128, 64)).values
    ((32, 64), (128, 64))
    """

    values: tuple[Any, ...]
    """What may be chosen."""

    def __init__(self, *values: Any) -> None:
        if not values:
            raise ArgumentError("Choice", received="no values", expected="at least one value")
        object.__setattr__(self, "values", values)


Range: TypeAlias = Floats | Integers | Choice


def check_space(space: Mapping[str, Range]) -> None:
    """Refuse what is no search space.

    Raises:
        ArgumentError: it is empty, or something in it is no range.
    """
    if not space:
        raise ArgumentError("tune.space", received="no values to tune", expected="a range for each name")
    for name, given in space.items():
        if not isinstance(given, Floats | Integers | Choice):
            raise ArgumentError(
                f"tune.space[{name!r}]",
                received=repr(given),
                expected="Floats, Integers or Choice",
                remedy="sl.Floats(1e-4, 1e-1, log=True), sl.Integers(1, 200) or sl.Choice(64, 128)",
            )


def check_values(where: str, values: Mapping[str, Any], space: Mapping[str, Range]) -> None:
    """Refuse values that the space does not have.

    Raises:
        ArgumentError: a name is unknown or missing, or a value is out of its range.
    """
    for name in values:
        if name not in space:
            raise ArgumentError(
                where, received=name, expected="a name of the space", remedy=near(name, space)
            )
    for name, given in space.items():
        if name not in values or not _holds(given, values[name]):
            received = f"{name} = {shown(values[name])}" if name in values else f"no {name}"
            raise ArgumentError(where, received=received, expected=f"{name} in {describe(given)}")


def describe(given: Range) -> str:
    """A range as text, the same in every process.

    >>> describe(Floats(0.1, 1.0)), describe(Integers(1, 9, step=2)), describe(Choice(None, "x"))
    ('0.1 to 1.0', '1 to 9 by 2', "one of None, 'x'")
    """
    if isinstance(given, Choice):
        return f"one of {', '.join(shown(value) for value in given.values)}"
    by = f" by {given.step}" if isinstance(given, Integers) and given.step != 1 else ""
    return f"{given.low} to {given.high}{by}{' by magnitude' if given.log else ''}"


def shown(value: Any) -> str:
    """A value as text: the name of a function or class, four digits of a float, else its ``repr``.

    >>> shown(0.123456), shown(len), shown((64, 32))
    ('0.1235', 'len', '(64, 32)')
    """
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(getattr(value, "__qualname__", None) or repr(value))


def _holds(given: Range, value: Any) -> bool:
    if isinstance(given, Choice):
        return any(value is one or value == one for one in given.values)
    if isinstance(value, bool) or not isinstance(value, int | float) or not given.low <= value <= given.high:
        return False
    return isinstance(given, Floats) or (value == int(value) and (int(value) - given.low) % given.step == 0)


def _check_bounds(where: str, low: float, high: float, log: bool) -> None:
    if not low < high or (log and not low > 0):
        raise ArgumentError(
            where,
            received=f"{low} to {high}",
            expected=f"low < high{', and low > 0 with log=True' if log else ''}",
        )
