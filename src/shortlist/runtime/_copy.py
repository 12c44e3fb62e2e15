"""Copies of parts."""

import shutil
from pathlib import Path

from shortlist.errors import ExportError

__all__ = ["copy_part"]


def copy_part(source: Path | None, target: Path) -> None:
    """Copy the files of a part folder.

    Raises:
        ExportError: the part was not loaded from a folder.
    """
    if source is None:
        raise ExportError(
            "save of a part",
            received="a model that was not loaded from a folder",
            expected="a part opened by load_encoder or load_ranker",
            remedy="export the torch model instead",
        )
    shutil.copytree(source, target, dirs_exist_ok=True)
