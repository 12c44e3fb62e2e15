"""Reading a bundle."""

import json
from pathlib import Path
from typing import Any, Self, final

from shortlist.bundle._writer import FORMAT
from shortlist.errors import BundleError, DataError, near
from shortlist.io import checksum, current, read_manifest

__all__ = ["Reader"]


@final
class Reader:
    """A bundle on disk.

    Args:
        folder: what a `Writer` wrote, or a shelf of such versions, whose current one is read.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._manifest: dict[str, Any] = {}

    def open(self, *, verify: bool = True) -> Self:
        """Read the manifest and look at every file it lists.

        Args:
            verify: compare checksums, which reads every file; otherwise only sizes are compared.

        Raises:
            BundleError: the folder is no bundle or of a newer format, or a file is missing or damaged; the
                message names it.
        """
        self.folder = current(self.folder)
        try:
            manifest = read_manifest(self.folder, verify=False)
            self._check_format(manifest)
            if verify:
                read_manifest(self.folder)
        except DataError as error:
            raise BundleError(
                f"bundle {error.where}",
                received=error.received,
                expected=error.expected,
                remedy=error.remedy or "copy or save the bundle again",
            ) from error
        self._manifest = manifest
        return self

    @property
    def manifest(self) -> dict[str, Any]:
        """What ``manifest.json`` says.

        Raises:
            BundleError: the bundle is not open.
        """
        if not self._manifest:
            raise BundleError(
                f"bundle {self.folder}",
                received="a closed bundle",
                expected="an open one",
                remedy="call open()",
            )
        return self._manifest

    @property
    def facts(self) -> dict[str, Any]:
        """The facts that were written with it: metrics, fingerprint of the training data."""
        return dict(self.manifest["facts"])

    @property
    def parts(self) -> dict[str, str]:
        """Name -> kind of every part."""
        return dict(self.manifest["parts"])

    @property
    def version(self) -> str:
        """A short name of exactly this content: 12 hexadecimal digits of the manifest's checksum."""
        _ = self.manifest
        return checksum(self.folder / "manifest.json")[:12]

    def part(self, name: str) -> Path:
        """The folder of a part.

        Raises:
            BundleError: there is no such part.
        """
        if name not in self.parts:
            raise BundleError(
                f"bundle {self.folder}",
                received=f"no part {name!r}",
                expected="a part of the manifest",
                remedy=near(name, self.parts),
            )
        return self.folder / name

    def page(self, name: str) -> Any:
        """Plain data of ``<name>.json``.

        Raises:
            BundleError: there is no such page.
        """
        path = self.folder / f"{name}.json"
        if path.name not in self.manifest["files"]:
            raise BundleError(
                f"bundle {self.folder}", received=f"no {path.name}", expected="a page of the manifest"
            )
        return json.loads(path.read_text(encoding="utf-8"))

    def _check_format(self, manifest: dict[str, Any]) -> None:
        written = manifest.get("format")
        if not isinstance(written, int) or not {"parts", "facts"} <= manifest.keys():
            raise BundleError(
                f"bundle {self.folder}",
                received="the manifest of something else",
                expected="a bundle",
                remedy="give the folder that was saved as a bundle",
            )
        if written > FORMAT:
            raise BundleError(
                f"bundle {self.folder}",
                received=f"format {written}, written by shortlist {manifest.get('shortlist')}",
                expected=f"format {FORMAT} or older",
                remedy="install that version of shortlist",
            )
