"""Trees as they are served."""

import json
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shortlist.data import Batch
from shortlist.errors import BundleError, DataError, SchemaError
from shortlist.io import atomic_folder, checksum
from shortlist.runtime._copy import copy_part
from shortlist.runtime._part import Part
from shortlist.schema import Schema
from shortlist.scorers import TreeColumns, TreeScorer, read_forest

__all__ = ["ServedTrees", "load_trees", "save_trees"]

_FILES = {"lightgbm": "lightgbm.txt", "xgboost": "xgboost.json"}


class ServedTrees:
    """Trees of a bundle; made by `load_trees`, meets `shortlist.data.Ranker`.

    Args:
        scorer: the trees and the columns that they read.
        fingerprint: of the files.
        folder: where they were loaded from.
    """

    def __init__(self, scorer: TreeScorer, *, fingerprint: str, folder: Path | None = None) -> None:
        self.scorer, self.fingerprint = scorer, fingerprint
        self._folder = folder

    @property
    def schema(self) -> Schema:
        """Encoded columns that `score` reads."""
        return self.scorer.columns.inputs

    @property
    def target(self) -> str:
        """What the scores are of."""
        return self.scorer.target

    def score(self, batch: Batch) -> npt.NDArray[np.float32]:
        """See `TreeScorer.score`."""
        return self.scorer.score(batch)

    def contributions(self, batch: Batch) -> npt.NDArray[np.float64]:
        """See `TreeScorer.contributions`."""
        return self.scorer.contributions(batch)

    def save(self, folder: str | Path) -> None:
        """Copy the part to another folder, as it is."""
        copy_part(self._folder, Path(folder))

    def __repr__(self) -> str:
        return f"ServedTrees({self.target!r}, {self.scorer.forest.library}, {self.schema.names})"


def save_trees(scorer: TreeScorer, folder: str | Path, *, inputs: dict[str, Schema]) -> Part:
    """Write trees as a part folder that `load_trees` reads; it appears whole or not at all.

    Args:
        scorer: the trees.
        folder: where they will stand; it holds the library's own text format, ``columns.json`` and
            ``part.json``.
        inputs: the columns of ``query`` and ``candidate``.
    """
    plain = {
        "library": scorer.forest.library,
        "goal": scorer.goal,
        "target": scorer.target,
        "columns": scorer.columns.to_json(),
    }
    with atomic_folder(folder) as fresh:
        (fresh / _FILES[scorer.forest.library]).write_bytes(scorer.forest.text())
        (fresh / "columns.json").write_text(json.dumps(plain, indent=1))
        paths = sorted(fresh.iterdir())
        files = {path.name: {"bytes": path.stat().st_size, "blake2b": checksum(path)} for path in paths}
        whole = "".join(f"{name} {facts['blake2b']}\n" for name, facts in files.items())
        fingerprint = blake2b(whole.encode(), digest_size=8).hexdigest()
        part = Part("trees", inputs, {scorer.target: 1}, fingerprint, 0.0, files)
        (fresh / "part.json").write_text(part.to_json())
    return part


def load_trees(folder: str | Path, *, threads: int = 1, verify: bool = True) -> ServedTrees:
    """Open trees that `save_trees` wrote.

    Args:
        folder: holds ``part.json``, ``columns.json`` and the trees.
        threads: number of threads of one call.
        verify: compare checksums, which reads every file once.

    Raises:
        BundleError: a file is missing or damaged, or the folder holds something else.
        MissingExtraError: the trees' library is not installed.
    """
    root = Path(folder)
    part = Part.of(root, "trees", verify=verify)
    try:
        plain = json.loads((root / "columns.json").read_text())
        library = plain["library"]
        forest = read_forest(library, (root / _FILES[library]).read_bytes(), threads=threads)
        columns = TreeColumns.from_json(plain["columns"])
        scorer = TreeScorer(columns, forest, plain["goal"], plain["target"])
    except (OSError, ValueError, KeyError, TypeError, DataError, SchemaError) as error:
        raise BundleError(
            str(root),
            received=f"{type(error).__name__}: {error}",
            expected="the files of saved trees",
            remedy="copy the folder again, or save the model again",
        ) from error
    return ServedTrees(scorer, fingerprint=part.fingerprint, folder=root)
