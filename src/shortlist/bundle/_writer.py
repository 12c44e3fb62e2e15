"""Writing a bundle."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self, final

from shortlist.errors import BundleError
from shortlist.io import atomic_folder, write_manifest

__all__ = ["FORMAT", "Writer", "refuse_other"]

FORMAT = 1


def refuse_other(folder: Path) -> None:
    """Let a bundle, an empty folder or nothing be replaced by a bundle, and nothing else.

    Raises:
        BundleError: something else stands there.
    """
    if not folder.exists() or (folder / "manifest.json").is_file():
        return
    if folder.is_file() or any(folder.iterdir()):
        raise BundleError(
            str(folder),
            received="something that is no bundle",
            expected="a bundle to replace, or nothing",
            remedy="choose another folder, or remove it yourself",
        )


@final
class Writer:
    """Fills a folder that appears whole when the ``with`` block ends, and not at all when it fails.

    ``manifest.json`` holds the ``format`` of bundles, the ``shortlist`` version, when it was ``created``
    (UTC), the ``parts`` with their kinds, the ``facts`` given, and size and BLAKE2b checksum of every file.

    Args:
        folder: where it is to appear; an older bundle there is replaced in one step.
        facts: plain data for the manifest, such as metrics and the fingerprint of the training data.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as root:
    ...     with Writer(Path(root) / "bundle") as writer:
    ...         writer.page("stages", {"k": 10})
    ...         _ = (writer.part("names", "text") / "names.txt").write_text("a b")
    ...     sorted(path.name for path in (Path(root) / "bundle").iterdir())
    ['manifest.json', 'names', 'stages.json']
    """

    def __init__(self, folder: Path | str, facts: Mapping[str, Any] | None = None) -> None:
        self.folder = Path(folder)
        self.facts = dict(facts or {})
        self.parts: dict[str, str] = {}
        self._room: Path | None = None
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        refuse_other(self.folder)
        self._room = self._exit.enter_context(atomic_folder(self.folder))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                write_manifest(self._open("Writer"), self._manifest())
        except BaseException as failure:
            self._exit.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._exit.__exit__(kind, error, trace)
        self._room = None

    def part(self, name: str, kind: str) -> Path:
        """An empty folder for a part.

        Args:
            name: the part's name, once in a bundle.
            kind: what reads it, such as ``"index"``.

        Raises:
            BundleError: there is such a part already, or the bundle is not being written.
        """
        folder = self._open("Writer.part") / name
        if name in self.parts or folder.exists() or Path(name).name != name:
            raise BundleError(
                "Writer.part", received=f"part {name!r} again", expected="a plain name, once in a bundle"
            )
        folder.mkdir()
        self.parts[name] = kind
        return folder

    def place(self, name: str) -> Path:
        """The folder of a part that was made."""
        return self._open("Writer.place") / name

    def page(self, name: str, plain: Any) -> None:
        """Write ``<name>.json``."""
        path = self._open("Writer.page") / f"{name}.json"
        path.write_text(json.dumps(plain, indent=1, ensure_ascii=False), encoding="utf-8")

    def _manifest(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "shortlist": version("shortlist"),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "parts": self.parts,
            "facts": self.facts,
        }

    def _open(self, where: str) -> Path:
        if self._room is None:
            raise BundleError(
                where,
                received="a bundle that is not being written",
                expected="a call inside the with block",
                remedy="write with Writer(folder) as writer: ...",
            )
        return self._room
