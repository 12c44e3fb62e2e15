"""A shelf: versions of a folder beside one another, one of them current.

::

    shop/
      versions.json     which version is current, and when each was published
      000001/           a version, whole
      000002/
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from shortlist.errors import ArgumentError, BundleError, near
from shortlist.io._atomic import atomic_folder, atomic_write
from shortlist.io._lock import lock

__all__ = ["Shelf", "Version", "current", "is_shelf", "publish", "roll_back", "shelf_of", "use"]

_FILE = "versions.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Version:
    """One version.

    Attributes:
        name: of its folder.
        published: when it was put on the shelf, ISO 8601 UTC.
    """

    name: str
    published: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """What stands on a shelf.

    Attributes:
        folder: the shelf.
        versions: oldest first.
        current: name of the version in use.
    """

    folder: Path
    versions: tuple[Version, ...]
    current: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the versions, oldest first."""
        return tuple(version.name for version in self.versions)


def is_shelf(folder: Path | str) -> bool:
    """Whether a folder is a shelf."""
    return (Path(folder) / _FILE).is_file()


def shelf_of(folder: Path | str) -> Shelf:
    """What stands on a shelf.

    Raises:
        BundleError: the folder is no shelf, or its list of versions is damaged.
    """
    path = Path(folder) / _FILE
    try:
        found = json.loads(path.read_bytes())
        versions = tuple(Version(str(one["name"]), str(one["published"])) for one in found["versions"])
        shelf = Shelf(Path(folder), versions, str(found["current"]))
        newer = int(found["format"]) > _FORMAT
    except FileNotFoundError as error:
        raise BundleError(
            f"shelf {folder}",
            received=f"no {_FILE}",
            expected="a folder that versions were published to",
            remedy="publish a version first",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(
            str(path), received="a damaged file", expected="the list of versions", remedy="publish again"
        ) from error
    if newer:
        raise BundleError(str(path), received=f"format {found['format']}", expected=f"format {_FORMAT}")
    return shelf


def current(folder: Path | str) -> Path:
    """The folder of the current version of a shelf; any other folder is its own.

    Raises:
        BundleError: the list of versions is damaged.
    """
    if not is_shelf(folder):
        return Path(folder)
    shelf = shelf_of(folder)
    return shelf.folder / shelf.current


def publish(source: Path | str, folder: Path | str, *, keep: int = 5) -> Path:
    """Copy a folder onto a shelf as its new current version.

    The version is whole on disk before it becomes current, by the replacement of one small file: a process
    killed at any moment leaves the shelf as it was, or with the new version.

    Args:
        source: the folder, such as a bundle.
        folder: the shelf; made when it is missing.
        keep: how many versions stay; older ones are removed, the current one never.

    Returns:
        The folder of the version.

    Raises:
        ArgumentError: ``keep`` is below 1.
        BundleError: there is nothing to publish.
        DataError: the shelf cannot be written to, or another process is publishing.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as root:
    ...     bundle, shelf = Path(root) / "bundle", Path(root) / "shelf"
    ...     bundle.mkdir()
    ...     _ = publish(bundle, shelf), publish(bundle, shelf)
    ...     current(shelf).name, roll_back(shelf).name
    ('000002', '000001')
    """
    if keep < 1:
        raise ArgumentError("publish.keep", received=keep, expected="an integer >= 1")
    if not Path(source).is_dir():
        raise BundleError(f"publish {source}", received="no such folder", expected="the folder to publish")
    root = Path(folder)
    with _held(root):
        known = shelf_of(root) if is_shelf(root) else Shelf(root, (), "")
        taken = [int(path.name) for path in root.iterdir() if path.name.isdigit()]
        name = f"{max(taken, default=0) + 1:06d}"
        with atomic_folder(root / name) as fresh:
            shutil.copytree(source, fresh, dirs_exist_ok=True)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        versions = (*known.versions, Version(name, now))
        _write(Shelf(root, versions[-keep:], name))
        _remove(root, set(known.names) - {one.name for one in versions[-keep:]})
    return root / name


def use(folder: Path | str, name: str) -> Path:
    """Make a version of a shelf the current one.

    Raises:
        BundleError: there is no such version.
        DataError: the shelf cannot be written to, or another process is publishing.
    """
    with _held(Path(folder)):
        shelf = shelf_of(folder)
        if name not in shelf.names:
            raise BundleError(
                f"shelf {folder}",
                received=f"version {name!r}",
                expected="a version that stands on it",
                remedy=near(name, shelf.names),
            )
        _write(replace(shelf, current=name))
    return Path(folder) / name


def roll_back(folder: Path | str) -> Path:
    """Make the version before the current one current again.

    Raises:
        BundleError: there is none.
        DataError: the shelf cannot be written to, or another process is publishing.
    """
    shelf = shelf_of(folder)
    place = shelf.names.index(shelf.current)
    if place == 0:
        raise BundleError(
            f"shelf {folder}",
            received=f"version {shelf.current}, the oldest that is kept",
            expected="an older version to go back to",
        )
    return use(folder, shelf.names[place - 1])


@contextmanager
def _held(root: Path) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True)
    handle = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    lock(handle, f"shelf {root}", "wait until the other process has published")
    try:
        yield
    finally:
        os.close(handle)


def _write(shelf: Shelf) -> None:
    versions = [{"name": one.name, "published": one.published} for one in shelf.versions]
    content = {"format": _FORMAT, "current": shelf.current, "versions": versions}
    atomic_write(shelf.folder / _FILE, json.dumps(content, indent=1).encode())


def _remove(root: Path, names: set[str]) -> None:
    for name in names:
        shutil.rmtree(root / name, ignore_errors=True)
