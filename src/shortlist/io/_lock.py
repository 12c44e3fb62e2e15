"""One process at a time on a file."""

import os

from shortlist.errors import DataError

try:
    import fcntl
except ImportError:  # Windows keeps a file that is open for writing to itself
    fcntl = None  # type: ignore[assignment]

__all__ = ["lock"]


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
