"""Files and folders that appear whole or not at all."""

import ctypes
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from shortlist.errors import DataError

__all__ = ["atomic_folder", "atomic_write"]


@contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """Fill a folder beside its place, then put it there in one step.

    Yields an empty folder next to ``path``. When the block ends, its files are flushed to disk and the folder
    takes the place of ``path`` (in one step on Linux; elsewhere the old folder is moved away first);
    what stood there before is removed after. When the block fails, the new
    folder is removed and the old one stays. A process that is killed leaves ``path`` as it was, and a hidden
    folder ``.NAME.new-*`` that nothing reads.

    Raises:
        DataError: ``path`` is a file, or no folder can be made beside it.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as root:
    ...     with atomic_folder(Path(root) / "bundle") as folder:
    ...         _ = (folder / "a.txt").write_text("whole")
    ...     (Path(root) / "bundle" / "a.txt").read_text()
    'whole'
    """
    target = Path(path).absolute()
    if target.exists() and not target.is_dir():
        raise DataError(
            str(path), received="a file", expected="a folder or nothing", remedy="choose another path"
        )
    fresh = _room_beside(target, "new")
    try:
        yield fresh
        _flush_tree(fresh)
        _put(fresh, target)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def atomic_write(path: Path | str, content: bytes) -> None:
    """Write a file that readers see either as it was or whole.

    Raises:
        DataError: the folder cannot be written to.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as root:
    ...     atomic_write(Path(root) / "a.json", b"{}")
    ...     (Path(root) / "a.json").read_bytes()
    b'{}'
    """
    target = Path(path).absolute()
    room = _room_beside(target, "new")
    try:
        fresh = room / target.name
        fresh.write_bytes(content)
        fresh.chmod(0o666 & ~_umask())
        _flush(fresh)
        fresh.replace(target)
        _flush(target.parent)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _room_beside(target: Path, purpose: str) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return Path(mkdtemp(prefix=f".{target.name}.{purpose}-", dir=target.parent))
    except OSError as error:
        raise DataError(
            str(target),
            received=str(error),
            expected="a place that can be written to",
            remedy="choose another path",
        ) from error


def _put(fresh: Path, target: Path) -> None:
    fresh.chmod(0o777 & ~_umask())
    if not target.exists():
        fresh.rename(target)
    elif _exchange(fresh, target):
        shutil.rmtree(fresh, ignore_errors=True)
    else:
        _replace(fresh, target)
    _flush(target.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step, where the system can (Linux); say whether it did."""
    call = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    if call is None:
        return False
    here, exchange = -100, 2
    return bool(call(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


def _replace(fresh: Path, target: Path) -> None:
    """Swap in two steps; between them the folder stands under its temporary name only."""
    room = _room_beside(target, "old")
    old = room / target.name
    target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        old.rename(target)
        raise
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _umask() -> int:
    """The permissions that new files do not get; reading the mask means setting it for a moment."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _flush_tree(folder: Path) -> None:
    for entry in folder.rglob("*"):
        _flush(entry)
    _flush(folder)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
