"""A folder of versions of one index, of which one is current.

::

    folder/
      CURRENT             name of the current version, replaced in one step
      LOCK                held while any of this is changed
      versions/000001/    an index as `VectorIndex.save` writes it
      edits/000001.log    edits of that version since it was published
"""

import shutil
from contextlib import AbstractContextManager
from pathlib import Path

from shortlist import io
from shortlist.errors import ArgumentError, BundleError, near
from shortlist.index._search import VectorIndex
from shortlist.io import atomic_write

__all__ = [
    "current",
    "edits_of",
    "folder_of",
    "holding",
    "publish",
    "roll_back",
    "set_current",
    "versions",
    "written",
]

_CURRENT, _VERSIONS, _EDITS = "CURRENT", "versions", "edits"


def versions(folder: str | Path) -> tuple[str, ...]:
    """Names of the complete versions, oldest first."""
    found = Path(folder).glob(f"{_VERSIONS}/[0-9]*/index.json")
    return tuple(sorted(path.parent.name for path in found))


def current(folder: str | Path) -> str:
    """Name of the current version.

    Raises:
        BundleError: nothing was published.
    """
    path = Path(folder) / _CURRENT
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise BundleError(
            str(path),
            received=error.strerror or "no such file",
            expected="the name of the current version",
            remedy="publish an index to the folder first",
        ) from error


def publish(index: VectorIndex, folder: str | Path, *, keep: int = 3) -> str:
    """Write an index as a new version, and make it the current one in one step.

    A process that is killed on the way leaves the version before current. Processes that hold an older
    version go on with it; a `LiveIndex` finds the new one by `LiveIndex.refresh`. Edits made to the older one
    stay with it: to carry them over, use `LiveIndex.rebuild`.

    Args:
        index: the index.
        folder: of the versions; made when it is missing.
        keep: number of versions that stay; older ones than these are removed.

    Returns:
        The version's name.

    Raises:
        ArgumentError: ``keep`` is below 1.

    >>> import tempfile, numpy as np
    >>> from shortlist.index import build, load
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = publish(build(np.eye(2, dtype=np.float32), [7, 8]), folder)
    ...     second = publish(build(np.eye(3, dtype=np.float32), [7, 8, 9]), folder)
    ...     first, second, len(load(folder)), roll_back(folder), len(load(folder))
    ('000001', '000002', 3, '000001', 2)
    """
    if keep < 1:
        raise ArgumentError("publish.keep", received=keep, expected="an integer >= 1", remedy="keep 2 or 3")
    root = Path(folder)
    with holding(root):
        name = written(index, root)
        set_current(root, name)
        _remove_old(root, keep)
    return name


def roll_back(folder: str | Path, to: str | None = None) -> str:
    """Make an earlier version the current one, in one step.

    Args:
        folder: of the versions.
        to: name of the version; by default the one before the current.

    Returns:
        The version's name.

    Raises:
        BundleError: there is no such version.
    """
    root = Path(folder)
    with holding(root):
        known, now = versions(root), current(root)
        older = [name for name in known if name < now]
        name = to if to is not None else older[-1] if older else None
        if name not in known:
            raise BundleError(
                str(root),
                received="no version before the current one" if name is None else f"no version {name!r}",
                expected="a version that is there",
                remedy=near(name or "", known),
            )
        set_current(root, name)
    return name


def written(index: VectorIndex, root: Path) -> str:
    """Write an index as a version that is not current yet; its name."""
    known = [path.name for path in (root / _VERSIONS).glob("[0-9]*")]
    name = f"{1 + max(map(int, known), default=0):06d}"
    index.save(root / _VERSIONS / name)
    return name


def set_current(root: Path, name: str) -> None:
    """Point to a version."""
    atomic_write(root / _CURRENT, f"{name}\n".encode("ascii"))


def folder_of(root: Path, name: str | None = None) -> Path:
    """The folder of a version, by default of the current one; the folder itself if it holds no versions."""
    if name is None and not (root / _CURRENT).is_file():
        return root
    return root / _VERSIONS / (name or current(root))


def edits_of(root: Path, name: str) -> Path:
    """The file of a version's edits."""
    return root / _EDITS / f"{name}.log"


def holding(root: Path) -> AbstractContextManager[int]:
    """Keep other processes, and other threads of this one, from changing the folder."""
    return io.holding(root / "LOCK")


def _remove_old(root: Path, keep: int) -> None:
    """Remove all but the newest versions, and what killed processes left."""
    for name in versions(root)[:-keep]:
        shutil.rmtree(root / _VERSIONS / name)
        edits_of(root, name).unlink(missing_ok=True)
    for path in (root / _VERSIONS).glob(".*.new-*"):
        shutil.rmtree(path, ignore_errors=True)
