"""One process at a time on a file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shortlist.errors import DataError

try:
    import fcntl
except ImportError:  # Windows keeps a file that is open for writing to itself
    fcntl = None  # type: ignore[assignment]

__all__ = ["holding", "lock"]


def lock(file: int, where: str, remedy: str) -> None:
    """Hold a file until its handle is closed or the process ends.

    Args:
        file: an open handle, closed when the file cannot be held.
        where: the file, for the message.
        remedy: what to do when somebody else holds it.

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
            where, received="a file that is held", expected="a file that nobody holds", remedy=remedy
        ) from error


@contextmanager
def holding(path: Path) -> Iterator[int]:
    """Hold a file, made with its folder when it is missing, while the block runs; wait for whoever holds it.

    Other processes, and threads of this one, wait in turn. On Windows, one process is to change a folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)
