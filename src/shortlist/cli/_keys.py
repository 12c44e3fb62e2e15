"""Files of API keys."""

from pathlib import Path

from shortlist.errors import DataError

__all__ = ["keys_of"]


def keys_of(path: Path) -> tuple[str, ...]:
    """The keys of a file, one a line.

    Raises:
        DataError: it cannot be read, or holds none.
    """
    try:
        keys = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            str(path), received=str(error), expected="a text file of API keys, one a line"
        ) from error
    if not keys:
        raise DataError(str(path), received="no key", expected="at least one, else nobody could ask")
    return keys
