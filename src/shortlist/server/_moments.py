"""Times as clients write them."""

from datetime import datetime

from shortlist.errors import ArgumentError
from shortlist.io import moment

__all__ = ["moment_of"]

_LATEST = 253402300800  # the year 10000


def moment_of(value: str | float, where: str) -> int:
    """Microseconds since 1970 UTC, from ISO 8601 (UTC where no zone is said) or seconds since 1970.

    >>> moment_of("1970-01-01T00:00:01Z", "time"), moment_of(1.5, "time")
    (1000000, 1500000)

    Raises:
        ArgumentError: the text is no time, or the number no second between the years 1 and 9999.
    """
    if not isinstance(value, str):
        if abs(value) < _LATEST:
            return round(value * 1_000_000)
        raise _refused(value, where)
    try:
        return moment(datetime.fromisoformat(value))
    except (ValueError, OverflowError) as error:
        raise _refused(value, where) from error


def _refused(value: str | float, where: str) -> ArgumentError:
    return ArgumentError(
        where,
        received=value,
        expected="a time",
        remedy="write ISO 8601, such as 2026-01-31T12:00:00Z, or seconds since 1970",
    )
