"""Folders of temporary files that go when nobody needs them."""

import os
import platform
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from shortlist.errors import ArgumentError, DataError

__all__ = ["Scratch", "scratch_root"]

_TRIES = 100


class Scratch:
    """A new folder, removed with this object and at exit.

    It lies in ``shortlist-scratch-HOST-PROCESS``, which goes with the last folder in it. A process that is
    killed leaves that behind; it may be removed by hand.

    Attributes:
        path: the folder.

    Args:
        root: the declared scratch directory.

    Raises:
        DataError: the directory cannot be written to.
    """

    def __init__(self, root: Path) -> None:
        own = root.absolute() / f"shortlist-scratch-{platform.node()}-{os.getpid()}"
        self.path = own / uuid4().hex
        try:
            _make(self.path)
        except OSError as error:
            raise DataError(
                str(root),
                received=str(error),
                expected="a scratch directory that can be written to",
                remedy="pass another one as scratch=",
            ) from error
        weakref.finalize(self, _remove, self.path, os.getpid())

    def __reduce__(self) -> tuple[type["_Borrowed"], tuple[Path]]:
        """In another process it is the same folder, but not the one who removes it."""
        return _Borrowed, (self.path,)


class _Borrowed:
    """A folder of another process."""

    def __init__(self, path: Path) -> None:
        self.path = path


def scratch_root(where: str, given: Path | str | None) -> Path:
    """The declared scratch directory; the system's temporary directory where none is.

    Raises:
        ArgumentError: it is a URL: temporary files need a folder.
    """
    if given is not None and "://" in str(given):
        raise ArgumentError(
            where,
            received=given,
            expected="a folder, which all workers see under this path",
            remedy="mount the object store as a folder, or pass a network folder",
        )
    return Path(tempfile.gettempdir() if given is None else given)


def _make(folder: Path) -> None:
    for _ in range(_TRIES):
        with suppress(FileExistsError, FileNotFoundError):  # the folder around it went in that moment
            return folder.mkdir(parents=True)
    return folder.mkdir(parents=True)


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # not a fork of it
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # it holds others
            folder.parent.rmdir()
