"""One process at a time on a file."""

import os
from pathlib import Path

from shortlist.errors import DataError

try:
    import fcntl
except ImportError:  # Windows keeps a file that is open for writing to itself
    fcntl = None  # type: ignore[assignment]

__all__ = ["lock"]


def lock(file: int, path: Path) -> None:
    """Hold a file until its handle is closed or the process ends.

    Raises:
        DataError: another process, or another handle of this one, holds it.
    """
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(file)
        raise DataError(
            f"event log {str(path)!r}",
            received="a file held by another store",
            expected="a file of its own for each running store",
            remedy="stop the other process, or give this one another file",
        ) from error
